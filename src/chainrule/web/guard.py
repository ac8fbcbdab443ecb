"""Who may ask: the browser that was given the token, for pages of this server alone."""

from __future__ import annotations

import hmac
from collections.abc import Collection
from ipaddress import ip_address
from typing import final
from urllib.parse import urlencode, urlsplit

from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["Guard"]

POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data: blob:",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)

HEADERS = {
    "Content-Security-Policy": POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-cache",
}
"""Of every response. No page of another site reads one, frames one or loads one."""


@final
class Guard:
    """Lets through what has the token, and asks as one of this server's own pages would.

    The token comes once in the address, ``/?token=…``; from then on it is in a cookie, so that the
    address may be handed on. ``hosts``: names besides localhost by which this machine is asked; a
    number is always one. A page of another site that has its own name point here is refused.
    """

    def __init__(self, app: ASGIApp, token: str, hosts: Collection[str] = ()) -> None:
        self.app, self.token, self.hosts = app, token, {"localhost", *map(str.lower, hosts)}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        request = HTTPConnection(scope)
        response = self.refuse(request) or self.welcome(request)
        if response is None:
            await self.app(scope, receive, add_headers(send))
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})  # before accepting: 403
        else:
            await response(scope, receive, add_headers(send))

    def refuse(self, request: HTTPConnection) -> Response | None:
        """A response that says why not, unless the request comes from where it may."""
        host = request.headers.get("host", "")
        if not is_own_host(host, self.hosts):
            message = f"this server is not {host or 'without a name'}: ask it by localhost, by its"
            return PlainTextResponse(
                f"{message} number, or start it with --host and this name", 403
            )
        origin = request.headers.get("origin")
        if origin is not None and urlsplit(origin).netloc != host:
            return PlainTextResponse(f"not for pages of {origin}", 403)
        if origin is None and request.scope["type"] == "websocket":
            return PlainTextResponse("a browser says where its page is from", 403)
        site = request.headers.get("sec-fetch-site", "none")
        opens_page = request.headers.get("sec-fetch-mode") == "navigate"
        opens_page = opens_page and request.scope.get("method") == "GET"
        if site not in ("same-origin", "none") and not opens_page:
            return PlainTextResponse("not for pages of another site", 403)
        return None

    def welcome(self, request: HTTPConnection) -> Response | None:
        """None where the cookie is right; else the cookie for the right token, or a refusal."""
        name = f"chainrule-{request.url.port or 80}"  # cookies do not tell ports apart
        given = request.query_params.get("token")
        if given is not None and self.is_right(given):
            rest = [pair for pair in request.query_params.multi_items() if pair[0] != "token"]
            query = f"?{urlencode(rest)}" if rest else ""
            response = RedirectResponse(f"{request.url.path}{query}", 303)
            response.set_cookie(name, self.token, httponly=True, samesite="lax")
            return response
        if self.is_right(request.cookies.get(name, "")):
            return None
        return PlainTextResponse(
            "This page needs the token of the running app: open the address that chainrule app "
            "printed in the terminal.\n",
            403,
        )

    def is_right(self, token: str) -> bool:
        """Whether it is the token; how long this takes says nothing of it."""
        return hmac.compare_digest(token.encode(), self.token.encode())


def is_own_host(host: str, names: Collection[str]) -> bool:
    """Whether a Host header is one of these names or a number, with or without a port."""
    try:
        name = urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return False
    if name in names:
        return True
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


def add_headers(send: Send) -> Send:
    """A ``send`` whose responses say what a browser may do with them."""

    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            MutableHeaders(scope=message).update(HEADERS)
        await send(message)

    return send_with_headers
