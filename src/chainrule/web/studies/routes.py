"""What the room's page asks for: JSON data, or what is wrong."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Any, TypeAlias

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from chainrule.web.studies.datasets import show_datasets
from chainrule.web.studies.sections import SECTIONS, describe_progress, show_arm_tab, show_changes
from chainrule.web.studies.stores import StoredStudy, StudyStores

__all__ = ["ROUTES"]

Answer: TypeAlias = Callable[[StudyStores, Request], Any]


class FiniteJSON(JSONResponse):
    """JSON data; what is not finite is null."""

    def render(self, content: Any) -> bytes:
        return json.dumps(_replace_infinite(content), ensure_ascii=False, allow_nan=False).encode()


def _replace_infinite(x: Any) -> Any:
    if isinstance(x, dict):
        return {key: _replace_infinite(inner) for key, inner in x.items()}
    if isinstance(x, list | tuple):
        return [_replace_infinite(inner) for inner in x]
    return None if isinstance(x, float) and not abs(x) < float("inf") else x


def answer(function: Answer) -> Callable[[Request], Awaitable[Response]]:
    """A response of what a function returns, in a thread of its own; of an error its message."""

    @wraps(function)
    async def respond(request: Request) -> Response:
        try:
            found = await run_in_threadpool(function, request.app.state.studies, request)
        except Exception as error:  # a store may hold, and a user's data raise, anything
            text = f"{error}" or type(error).__name__
            status = 400 if isinstance(error, ValueError | OSError | ImportError) else 500
            return FiniteJSON({"error": text}, status)
        return FiniteJSON(found)

    return respond


def read_requested_study(stores: StudyStores, request: Request, prefix: str = "") -> StoredStudy:
    """The study that an address names: ``?store=NAME&study=NUMBER``. Raises ValueError."""
    name = request.query_params.get(f"{prefix}store", "")
    number = request.query_params.get(f"{prefix}study", "")
    if not number.isdecimal():
        raise ValueError(f"expected the number of a study, got {number!r}")
    return stores.read_study(name, int(number))


def send_stores(stores: StudyStores, request: Request) -> dict[str, Any]:
    """What the stores are called, and where they are looked for."""
    return {"folder": str(stores.folder), "stores": [*stores.addresses]}


def send_list(stores: StudyStores, request: Request) -> list[dict[str, Any]]:
    """The studies of a store."""
    return stores.list_studies(request.query_params.get("store", ""))


def send_study(stores: StudyStores, request: Request) -> dict[str, Any]:
    """What stands above a study's tabs."""
    stored = read_requested_study(stores, request)
    with stored.lock:
        return describe_progress(stored)


def send_datasets(stores: StudyStores, request: Request) -> dict[str, Any]:
    """A study over several data sets as a whole: ``?store=NAME&digest=DIGEST``."""
    name, digest = (request.query_params.get(key, "") for key in ("store", "digest"))
    return show_datasets(stores.read_datasets(name, digest))


def send_section(stores: StudyStores, request: Request) -> dict[str, Any]:
    """A tab of a study: ``&section=NAME``, or ``&arm=NAME``. Raises ValueError for another."""
    stored, section = read_requested_study(stores, request), request.query_params.get("section", "")
    arm = request.query_params.get("arm")
    with stored.lock:
        if arm is not None:
            blocks = show_arm_tab(stored.data, arm)
        elif section in SECTIONS:
            blocks = SECTIONS[section](stored.data)
        else:
            raise ValueError(f"no section {section!r}; sections: {', '.join(SECTIONS)}")
    return {"version": stored.version, "blocks": blocks}


def send_changes(stores: StudyStores, request: Request) -> dict[str, Any]:
    """In what a study's declaration differs from that of another: ``&with_store=&with_study=``."""
    new, old = read_requested_study(stores, request), read_requested_study(stores, request, "with_")
    return {"version": new.version, "blocks": show_changes(old, new)}


async def remove_study(request: Request) -> Response:
    """Remove a study: ``{"store": NAME, "study": NUMBER, "digest": TEXT}``."""
    try:
        wanted = await request.json()
        name, number, digest = (wanted[key] for key in ("store", "study", "digest"))
    except (ValueError, KeyError, TypeError):
        return FiniteJSON({"error": "expected a store, a study and its digest as JSON data"}, 400)

    def remove(stores: StudyStores, _: Request) -> dict[str, Any]:
        stores.remove_study(str(name), int(number), str(digest))
        return {"removed": f"{name}/{number}"}

    return await answer(remove)(request)


ROUTES: list[BaseRoute] = [
    Route("/stores", answer(send_stores)),
    Route("/list", answer(send_list)),
    Route("/study", answer(send_study)),
    Route("/datasets", answer(send_datasets)),
    Route("/section", answer(send_section)),
    Route("/changes", answer(send_changes)),
    Route("/remove", remove_study, methods=["POST"]),
]
"""What the page asks for, below /studies."""
