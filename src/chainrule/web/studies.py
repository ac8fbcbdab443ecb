"""The room of the stores: which studies there are, and how far they are."""

from starlette.routing import BaseRoute

__all__ = ["ROUTES"]

ROUTES: list[BaseRoute] = []
"""What the page asks for, below /studies."""
