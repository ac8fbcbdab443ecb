"""The app, asked as its own pages ask it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient

from chainrule.web import build_application

TOKEN = "a-token"
ADDRESS = "http://127.0.0.1:8765"


@pytest.fixture
def stranger() -> Iterator[TestClient]:
    """A browser that has no token yet."""
    with TestClient(build_application(TOKEN), ADDRESS, follow_redirects=False) as client:
        yield client


@pytest.fixture
def client(stranger: TestClient) -> TestClient:
    """A browser that came by the printed address, and has the cookie."""
    stranger.get(f"/?token={TOKEN}")
    stranger.headers["origin"] = ADDRESS
    return stranger
