"""The app: a server on this machine, and pages in which nets and studies are looked at.

``server.py`` listens, ``guard.py`` says who may ask, ``application.py`` joins the rooms.
``playground/`` is the room in which nets train while one looks, ``studies/`` that of the stores.
What the browser runs is in ``static/``, as it is written: modules, no build, no network.
"""

try:
    import starlette  # noqa: F401
    import uvicorn  # noqa: F401
except ImportError as error:
    raise ImportError(f"{error.name} is missing: pip install 'chainrule[app]'") from error

from chainrule.web.application import build_application
from chainrule.web.playground import join_sessions
from chainrule.web.server import open_socket, page_address, run_server
from chainrule.web.studies import StudyStores

__all__ = [
    "StudyStores",
    "build_application",
    "join_sessions",
    "open_socket",
    "page_address",
    "run_server",
]
