"""The room in which nets train while one looks at them.

A page has a ``session``, a thread with a ``player``: it builds a ``setting`` into ``samples`` and
``side``s, of which ``frames`` has what is drawn, ``glass`` what is looked into, and ``code`` the
same as a file.
"""

from chainrule.web.playground.routes import ROUTES
from chainrule.web.playground.session import join_sessions

__all__ = ["ROUTES", "join_sessions"]
