"""The room in which nets train while one looks at them."""

from starlette.routing import BaseRoute

__all__ = ["ROUTES"]

ROUTES: list[BaseRoute] = []
"""What the page asks for, below /playground."""
