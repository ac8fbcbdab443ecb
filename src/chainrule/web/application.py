"""The rooms, their pages and what these load, joined to one application."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from chainrule import __version__
from chainrule.web import playground, studies
from chainrule.web.guard import Guard
from chainrule.web.studies import StudyStores

__all__ = ["build_application"]

ROOMS = {"playground": "Playground", "studies": "Studies"}
"""The name of a room's page → what the pages call it."""

TEMPLATES = Environment(
    loader=PackageLoader("chainrule.web", "templates"), autoescape=True, undefined=StrictUndefined
)


def build_application(
    token: str, hosts: Collection[str] = (), stores: StudyStores | None = None
) -> Starlette:
    """All that the server answers, to those that have the token; see :class:`Guard`.

    ``stores``: those that are shown, without any those in ``runs/``.
    """
    pages = [Route(f"/{name}", show_room, name=name) for name in ROOMS]
    application = Starlette(
        routes=[
            Route("/", enter),
            *pages,
            Mount("/playground", routes=playground.ROUTES),
            Mount("/studies", routes=studies.ROUTES),
            Mount("/static", StaticFiles(directory=Path(__file__).parent / "static")),
        ],
        middleware=[Middleware(Guard, token=token, hosts=hosts)],
        exception_handlers={404: show_missing},
    )
    application.state.studies = stores or StudyStores(Path("runs"))
    return application


async def enter(request: Request) -> Response:
    """The first room."""
    return RedirectResponse(f"/{next(iter(ROOMS))}", 303)


async def show_room(request: Request) -> Response:
    """The page of a room, which its modules fill."""
    return fill_template(request.url.path.strip("/"), title=ROOMS[request.url.path.strip("/")])


async def show_missing(request: Request, error: Exception) -> Response:
    """What stands at an address where nothing is."""
    return fill_template("missing", 404, title="Not found", path=request.url.path)


def fill_template(template: str, status: int = 200, **values: str) -> Response:
    """A page in the frame that all have."""
    page = TEMPLATES.get_template(f"{template}.html.jinja")
    return HTMLResponse(page.render(rooms=ROOMS, version=__version__, **values), status)
