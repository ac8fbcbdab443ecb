"""What the playground's page asks for."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from chainrule._util.user_code import describe_error
from chainrule.data.datasets.csv_table import is_class
from chainrule.data.files.csv_file import read_csv
from chainrule.web.playground.catalog import build_catalog
from chainrule.web.playground.derivations import find_derivation, render_derivation
from chainrule.web.playground.encoding import pack_message
from chainrule.web.playground.session import Session

__all__ = ["ROUTES"]

LONGEST_EPOCH = 1.5
"""Seconds for which the end of a session is waited for; then it ends by itself, unheard."""


def show_catalog(request: Request) -> Response:
    """What can be chosen, and the lessons."""
    return JSONResponse(build_catalog())


def show_columns(request: Request) -> Response:
    """The columns of a CSV file and what their cells are; or what is wrong, with status 400."""
    try:
        table = read_csv(Path(request.query_params.get("csv", "")))
    except (OSError, ValueError) as error:
        return JSONResponse({"message": describe_error(error)}, 400)
    columns = [
        {"name": name, "kind": "classification" if is_class(table, name) else "regression"}
        for name in table.columns
    ]
    return JSONResponse({"columns": columns, "rows": len(table)})


def show_derivation(request: Request) -> Response:
    """A page of derivations, as a part of a page."""
    name = request.path_params["name"]
    path = find_derivation(name)
    if path is None:
        return PlainTextResponse(f"no derivation of that name: {name}", 404)
    return HTMLResponse(render_derivation(path.read_text(encoding="utf-8")))


async def serve_page(socket: WebSocket) -> None:
    """A session for as long as the page is open."""
    await socket.accept()
    loop = asyncio.get_running_loop()

    def send(message: dict[str, Any]) -> None:
        if session.closed:
            raise ConnectionError("the page is gone")
        packed = pack_message(message)
        try:
            asyncio.run_coroutine_threadsafe(socket.send_bytes(packed), loop).result()
        except (RuntimeError, WebSocketDisconnect, asyncio.CancelledError) as error:
            raise ConnectionError("the page is gone") from error

    session = Session(send)
    session.start()
    try:
        while True:
            command = read_command(await socket.receive_text())
            session.ask(command)
    except (WebSocketDisconnect, KeyError):  # KeyError: bytes, which no page of ours sends
        pass
    finally:
        session.close()
        await asyncio.to_thread(session.join, LONGEST_EPOCH)


def read_command(text: str) -> dict[str, Any]:
    """A command from a page; what is none says so when it is done."""
    try:
        command = json.loads(text)
    except (ValueError, RecursionError):
        command = None
    return command if isinstance(command, dict) else {"do": "what was no JSON object"}


ROUTES: list[BaseRoute] = [
    Route("/catalog", show_catalog),
    Route("/columns", show_columns),
    Route("/derivations/{name}", show_derivation),
    WebSocketRoute("/session", serve_page),
]
"""What the page asks for, below /playground."""
