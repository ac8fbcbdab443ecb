"""Two stores: a study that was searched, and one whose nets fail, with their predictions."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from chainrule.study import run
from chainrule.web import StudyStores, build_application
from tests.study.small import searched, small
from tests.web.conftest import ADDRESS, TOKEN

KEPT = {"keep": "predictions", "metrics": {"accuracy": "Accuracy"}, "metric": "accuracy"}
HOT = {"hot": {"optimizer": {"name": "SGD", "lr": 1e38}}, "narrow": {}}


@pytest.fixture(scope="session")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of stores, which no test may write to."""
    folder = tmp_path_factory.mktemp("stored")
    run(searched(), store=folder / "searched.sqlite")
    run(small(**KEPT), store=folder / "kept.sqlite")
    run(small(arms=HOT, name="hot"), store=folder / "kept.sqlite")
    return folder


@pytest.fixture
def folder(stored: Path, tmp_path: Path) -> Path:
    """The same stores, to write to."""
    return Path(shutil.copytree(stored, tmp_path / "runs"))


@pytest.fixture
def visitor(folder: Path) -> Iterator[TestClient]:
    """A browser that looks at them."""
    app = build_application(TOKEN, stores=StudyStores(folder))
    with TestClient(app, ADDRESS) as client:
        client.get(f"/?token={TOKEN}")
        client.headers["origin"] = ADDRESS
        yield client
