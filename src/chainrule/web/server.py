"""A socket on this machine, and the server that answers there until it is stopped."""

from __future__ import annotations

import errno
import socket
from ipaddress import ip_address

import uvicorn
from starlette.applications import Starlette

__all__ = ["open_socket", "page_address", "run_server"]

PORT = 8765
"""Tried first where none was asked for; then any that is free."""

GRACE = 2
"""Seconds that open connections have to end, once the server is stopped."""


def open_socket(host: str = "127.0.0.1", port: int | None = None) -> socket.socket:
    """A socket that listens there. Raises OSError, which says what one may do, where it cannot."""
    for candidate in [PORT, 0] if port is None else [port]:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listener = socket.socket(family, socket.SOCK_STREAM)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((host, candidate))
            listener.listen()
        except OSError as error:
            listener.close()
            if port is None and candidate and error.errno == errno.EADDRINUSE:
                continue
            raise OSError(explain_no_socket(host, candidate, error)) from None
        return listener
    raise AssertionError("a free port is always one")


def explain_no_socket(host: str, port: int, error: OSError) -> str:
    """Why nobody can listen there, and what to do."""
    reason = error.strerror or str(error)
    if error.errno == errno.EADDRINUSE:
        return f"port {port} is taken: choose another with --port, or leave --port out"
    if error.errno == errno.EACCES:
        return f"port {port} is not for everybody: choose one from 1024 on with --port"
    return f"cannot listen on {host} ({reason}): --host is a name or a number of this machine"


def page_address(listener: socket.socket, token: str) -> str:
    """The address that opens the app in a browser."""
    host, port = listener.getsockname()[:2]
    if ip_address(host).is_unspecified:
        host = "localhost"
    host = f"[{host}]" if ":" in host else host
    return f"http://{host}:{port}/?token={token}"


def run_server(application: Starlette, listener: socket.socket) -> None:
    """Answer until Ctrl-C or a signal; open pages are told, and trainings end with them."""
    config = uvicorn.Config(
        application,
        log_level="warning",
        access_log=False,
        lifespan="off",
        ws="websockets-sansio",
        ws_max_size=2**20,
        ws_per_message_deflate=False,  # within one machine, packing takes longer than sending
        timeout_graceful_shutdown=GRACE,
        server_header=False,
    )
    uvicorn.Server(config).run(sockets=[listener])
