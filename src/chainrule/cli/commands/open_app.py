"""``chainrule app``: nets and studies in the browser."""

from __future__ import annotations

import os
import secrets
import socket
import webbrowser
from contextlib import suppress
from threading import Timer
from typing import Annotated

import typer

from chainrule.cli.commands import app
from chainrule.cli.options import format_examples
from chainrule.cli.output import echo_err
from chainrule.cli.resolve import RUNS, resolve_store

LONGEST_END = 4.0
"""Seconds for which trainings of open pages are waited for, once the app is stopped."""

Host = Annotated[
    str,
    typer.Option(
        metavar="NAME", help="Where to listen; others than this machine reach it too with 0.0.0.0."
    ),
]
Port = Annotated[
    int | None,
    typer.Option(min=1, max=65535, metavar="N", help="Default: 8765, or any if that is taken."),
]


@app.command(
    "app",
    short_help="Open the app: watch nets while they learn, and studies while they run.",
    epilog=format_examples(
        "chainrule app", "chainrule app --port 9000 --no-browser", "chainrule app --host 0.0.0.0"
    ),
)
def open_app(
    host: Host = "127.0.0.1",
    port: Port = None,
    store: Annotated[
        list[str] | None,
        typer.Option(
            metavar="STORE", help="A store beside runs/ (path or URL); may be said again."
        ),
    ] = None,
    browser: Annotated[bool, typer.Option("--browser/--no-browser", help="Open the page.")] = True,
) -> None:
    """Serve the app to the browser of this machine, until Ctrl-C.

    Playground trains a net of yours, one of each seed, while you look: its decision map, curves
    and gradients. Studies shows what is in runs/, while it runs too. All of it is on this machine:
    nothing is fetched from elsewhere. The address that is printed has a token, without which the
    server answers nobody.
    """
    from chainrule import web

    stores = web.StudyStores(RUNS, [resolve_store(each) for each in store or ()])
    listener = web.open_socket(host, port)
    token = secrets.token_urlsafe(16)
    address = web.page_address(listener, token)
    typer.echo(address)
    echo_err("Ctrl-C stops it.")
    if browser:
        opening = Timer(0.5, webbrowser.open, [address])
        opening.daemon = True
        opening.start()
    with listener, suppress(KeyboardInterrupt):  # which is how it ends
        names = [host, socket.gethostname()]
        web.run_server(web.build_application(token, names, stores), listener)
    echo_err("stopped")
    if not web.join_sessions(LONGEST_END):
        os._exit(0)  # a training that cannot be ended: Python's own end would abort
