"""A study over several data sets as a whole: in the list, on a page of its own, from its parts."""

from __future__ import annotations

import os
import shutil
import socket

import pytest
from starlette.testclient import TestClient

from chainrule.report import datasets_progress, datasets_table
from chainrule.study import load_datasets_result, open_store, run_datasets
from chainrule.web import StudyStores, build_application
from tests.report.tables.test_datasets import ARMS
from tests.study.results.test_datasets_result import disks
from tests.web.conftest import ADDRESS, TOKEN
from tests.web.studies.test_routes import first, get


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("datasets")
    run_datasets(disks(arms=ARMS, summary="three sizes"), store=folder / "disks.sqlite")
    return folder


@pytest.fixture
def folder(made, tmp_path):
    return shutil.copytree(made, tmp_path / "runs")


@pytest.fixture
def visitor(folder):
    with TestClient(build_application(TOKEN, stores=StudyStores(folder)), ADDRESS) as client:
        client.get(f"/?token={TOKEN}")
        yield client


@pytest.fixture
def digest(visitor):
    return get(visitor, "list", store="disks")[0]["digest"]


def test_the_list_has_it_before_its_parts(visitor):
    whole, *parts = get(visitor, "list", store="disks")
    assert (whole["number"], whole["name"], whole["datasets"]) == (None, "small", [3, 3])
    assert whole["state"] == "complete"
    assert whole["trainings"] == sum(part["trainings"] for part in parts)
    assert {part["part_of"]["digest"] for part in parts} == {whole["digest"]}


def test_its_page_says_what_the_report_says(visitor, folder, digest):
    with open_store(folder / "disks.sqlite", read_only=True) as store:
        result = load_datasets_result(store, digest)
    study = get(visitor, "datasets", store="disks", digest=digest)
    assert (study["name"], study["summary"], study["state"]) == ("small", "three sizes", "complete")
    assert study["progress"] == datasets_progress(result)
    tables = {b["name"]: b for b in study["blocks"] if b["kind"] == "table"}
    assert [[text for text, _ in row] for row in tables["datasets"]["cells"]] == [
        [cell.text for cell in row] for row in datasets_table(result).cells
    ]
    assert len(tables["comparisons"]["cells"]) == len(result.comparisons.comparisons)
    ranks = first(study["blocks"], "ranks")["data"]
    assert sorted(ranks["arms"]) == sorted(ARMS)
    assert ranks["mean_ranks"] == sorted(ranks["mean_ranks"])


def test_its_parts_are_named_with_their_studies(visitor, digest):
    parts = get(visitor, "datasets", store="disks", digest=digest)["parts"]
    assert [part["dataset"] for part in parts] == ["few", "some", "many"]
    for part in parts:
        assert (part["state"], part["rounds"]) == ("complete", [3, 3])
        study = get(visitor, "study", store="disks", study=part["number"])
        assert (study["part_of"]["dataset"], study["part_of"]["digest"]) == (
            part["dataset"],
            digest,
        )


def test_a_part_that_is_not_begun_says_so_and_one_that_runs(visitor, folder, digest):
    path = folder / "disks.sqlite"
    with open_store(path) as store:
        many = next(of for of in store.studies() if of.name == "small.many")
        store.remove(many.id)
    lock = folder / "disks.sqlite.lock"
    lock.write_text(f"{os.getpid()} on {socket.gethostname()}")
    study = get(visitor, "datasets", store="disks", digest=digest)
    listed = get(visitor, "list", store="disks")[0]
    lock.unlink()
    assert listed["state"] == "running"
    assert [part["state"] for part in study["parts"]][-1] == "not begun"
    assert study["parts"][-1]["number"] is None
    assert study["state"] == "running"
    after = get(visitor, "datasets", store="disks", digest=digest)
    assert after["state"] == "not complete"
    assert after["progress"].startswith("Not finished: 2 of 3 data sets")


def test_with_two_data_sets_it_says_why_nothing_is_compared(visitor, folder, digest):
    with open_store(folder / "disks.sqlite") as store:
        for of in store.studies():
            if of.name != "small.few":
                store.remove(of.id)
    blocks = get(visitor, "datasets", store="disks", digest=digest)["blocks"]
    assert blocks[0]["kind"] == "text"
    assert first(blocks, "table")["name"] == "datasets"


def test_another_digest_is_told(visitor):
    response = visitor.get("/studies/datasets", params={"store": "disks", "digest": "x"})
    assert response.status_code == 400
    assert "no study over several data sets" in response.json()["error"]


def test_those_that_were_looked_at_long_ago_are_forgotten(folder, digest, monkeypatch):
    monkeypatch.setattr("chainrule.web.studies.stores.MAX_STUDIES", 0)
    stores = StudyStores(folder)
    one = stores.read_datasets("disks", digest)
    assert stores.read_datasets("disks", digest).result is not one.result
    monkeypatch.setattr("chainrule.web.studies.stores.MAX_STUDIES", 1)
    one = stores.read_datasets("disks", digest)
    assert stores.read_datasets("disks", digest).result is one.result
