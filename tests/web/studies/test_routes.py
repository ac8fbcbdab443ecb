"""What the page is told: every study, its numbers in the report's words, and what is wrong."""

from __future__ import annotations

import json
import os
import shutil
import socket
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from chainrule.report import ReportData, results_table
from chainrule.report.figure_data import curves_data
from chainrule.study import load_result, open_store, run
from chainrule.web import StudyStores
from chainrule.web.studies.sections import SECTIONS
from tests.study.small import small
from tests.web.studies.conftest import KEPT as DECLARED

SEARCHED = {"store": "searched", "study": "1"}
KEPT = {"store": "kept", "study": "1"}


def get(visitor, path, **parameters):
    response = visitor.get(f"/studies/{path}", params=parameters)
    assert response.status_code == 200, response.text
    return response.json()


def section(visitor, of, name):
    return get(visitor, "section", **of, section=name)["blocks"]


def first(blocks, kind):
    return next(block for block in blocks if block["kind"] == kind)


def read(folder, name, number=1):
    with open_store(folder / f"{name}.sqlite", read_only=True) as store:
        return ReportData(load_result(store, number))


def test_every_study_of_every_store_is_listed_the_last_one_first(visitor):
    assert get(visitor, "stores")["stores"] == ["kept", "searched"]
    found = get(visitor, "list", store="kept")
    assert [(of["name"], of["number"]) for of in found] == [("hot", 2), ("small", 1)]
    assert found[1]["state"] == "complete"
    assert (found[1]["arms"], found[1]["rounds"], found[1]["trainings"]) == ([2, 2], [3, 3], 6)


def test_the_head_says_how_far_the_study_is(visitor):
    study = get(visitor, "study", **SEARCHED)
    assert study["progress"] == "All 3 rounds are done."
    assert study["trainings"] == [12, 12]
    assert [arm["name"] for arm in study["arms"]] == ["narrow", "wide"]
    assert study["arms"][0]["best"]
    assert study["left"] == ""
    assert sum(row[2][1] for row in study["latest"]["cells"]) == 12


def test_a_table_is_that_of_the_report(visitor, folder):
    shown = first(section(visitor, SEARCHED, "Results"), "table")
    table = results_table(read(folder, "searched"))
    assert [[text for text, _ in row] for row in shown["cells"]] == [
        [cell.text for cell in row] for row in table.cells
    ]
    assert shown["notes"] == table.footnotes()


def test_curves_are_those_of_the_figure(visitor, folder):
    shown = first(section(visitor, SEARCHED, "Curves"), "curves")
    assert shown["data"] == json.loads(
        json.dumps(curves_data(read(folder, "searched"), shown["data"]["quantity"]).as_dict())
    )
    assert len(shown["styles"]) == 2


@pytest.mark.parametrize("name", SECTIONS)
@pytest.mark.parametrize("of", [SEARCHED, KEPT, {**KEPT, "study": "2"}], ids=["s", "k", "hot"])
def test_every_section_of_every_study_has_something_to_show(visitor, of, name):
    assert section(visitor, of, name)


def test_a_search_is_lines_and_a_table(visitor):
    blocks = section(visitor, SEARCHED, "Search")
    lines = first(blocks, "parallel")["data"]
    assert [axis["title"] for axis in lines["axes"]] == ["optimizer.lr", "validation accuracy"]
    assert len(lines["lines"]) == 3
    assert any(block.get("name") == "candidates" for block in blocks)
    assert first(blocks, "svg")["data"]["svg"].startswith("<svg")


def test_a_study_without_a_search_has_no_such_tab(visitor):
    assert "Search" not in get(visitor, "study", **KEPT)["sections"]


def test_a_diverged_training_is_listed_with_its_reason(visitor):
    table = first(section(visitor, {**KEPT, "study": "2"}, "Trouble"), "table")
    assert table["name"] == "diverged"
    assert "diverged in epoch 1" in table["cells"][0][-1][0]


def test_an_arm_shows_where_its_kept_predictions_are_wrong(visitor):
    blocks = get(visitor, "section", **KEPT, arm="wide")["blocks"]
    counts = first(blocks, "confusion")["cells"]
    assert sum(cell[1] for row in counts for cell in row[2:-1]) == 3 * 30
    names = [block.get("name") for block in blocks]
    assert names.index("rounds") < names.index("intervals") < names.index("wrong")


def test_an_arm_without_predictions_says_how_they_are_kept(visitor):
    blocks = get(visitor, "section", **SEARCHED, arm="wide")["blocks"]
    assert "--keep predictions" in first(blocks, "text")["text"]


def test_two_declarations_are_compared_field_by_field_and_line_by_line(visitor):
    other = {"with_store": "kept", "with_study": "1"}
    fields, lines = get(visitor, "changes", **SEARCHED, **other)["blocks"]
    assert "search.method" in dict(fields["facts"])
    assert any(line.startswith("+") and "grid" in line for line in lines["text"].splitlines())
    same = get(visitor, "changes", **KEPT, **other)["blocks"]
    assert same[0]["text"] == "Both declare the same."


def test_while_it_runs_it_says_so_and_after_a_kill_no_more(visitor, folder):
    path = folder / "searched.sqlite"
    remove_final_rows(path)
    lock = folder / "searched.sqlite.lock"
    lock.write_text(f"{os.getpid()} on {socket.gethostname()}")
    study = get(visitor, "study", **SEARCHED)
    assert (study["state"], study["holder"]) == ("running", lock.read_text())
    assert get(visitor, "list", store="searched")[0]["state"] == "running"
    lock.write_text(f"{2**22 + 1} on {socket.gethostname()}")  # more than any process has
    assert get(visitor, "study", **SEARCHED)["state"] == "not complete"
    lock.unlink()
    assert get(visitor, "study", **SEARCHED)["state"] == "not complete"


def remove_final_rows(path):
    """The study as a run leaves it that was ended before its last rounds."""
    with open_store(path) as store:
        (record,) = store.studies()
        rows = [row for row in store.rows(1, curves=True) if row.stage == "search"]
        store.remove(1)
        time = datetime.now(UTC).isoformat(timespec="seconds")
        store.open_study(record.name, record.digest, record.declaration, {"time": time}, rows)


def test_rows_that_come_later_are_seen(visitor, folder):
    complete = read(folder, "searched").result
    remove_final_rows(folder / "searched.sqlite")
    before = get(visitor, "study", **SEARCHED)
    with open_store(folder / "searched.sqlite") as store:
        store.add(1, [row for row in complete.rows if row.stage == "final"])
    after = get(visitor, "study", **SEARCHED)
    assert before["version"] != after["version"]
    assert (before["trainings"], after["trainings"]) == ([6, 12], [12, 12])


def test_a_study_is_removed_by_its_digest_alone(visitor, folder):
    study = get(visitor, "list", store="searched")[0]
    wrong = {"store": "searched", "study": 1, "digest": "another"}
    assert "another one now" in visitor.post("/studies/remove", json=wrong).json()["error"]
    right = {**wrong, "digest": study["digest"]}
    assert visitor.post("/studies/remove", json=right).json() == {"removed": "searched/1"}
    assert get(visitor, "list", store="searched") == []


def test_nothing_is_removed_while_a_run_holds_the_store(visitor, folder):
    study = get(visitor, "list", store="searched")[0]
    wanted = {"store": "searched", "study": 1, "digest": study["digest"]}
    with open_store(folder / "searched.sqlite") as store, store.run_lock():
        response = visitor.post("/studies/remove", json=wanted)
    assert response.status_code == 400
    assert "runs studies on it; wait for it or stop it" in response.json()["error"]


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b"\xff", b'{"store": "kept"}'])
def test_a_removal_of_nothing_is_refused(visitor, body):
    response = visitor.post("/studies/remove", content=body)
    assert response.status_code == 400
    assert "expected a store, a study and its digest" in response.json()["error"]


def test_no_page_of_another_site_removes_anything(visitor, folder):
    study = get(visitor, "list", store="kept")[0]
    wanted = {"store": "kept", "study": 2, "digest": study["digest"]}
    foreign = {"origin": "https://evil.example", "sec-fetch-mode": "navigate"}
    assert visitor.post("/studies/remove", json=wanted, headers=foreign).status_code == 403
    assert len(get(visitor, "list", store="kept")) == 2


@pytest.mark.parametrize(
    ("path", "parameters", "said"),
    [
        ("list", {"store": "nosuch"}, "no store 'nosuch'; stores: kept, searched"),
        ("list", {"store": "../kept"}, "no store '../kept'"),
        ("study", {"store": "kept", "study": "7"}, "has no study 7; studies: 1, 2"),
        ("study", {"store": "kept", "study": "x"}, "expected the number of a study, got 'x'"),
        ("section", {**KEPT, "section": "Nosuch"}, "no section 'Nosuch'; sections: Results"),
        ("section", {**KEPT, "arm": "nosuch"}, "no results of arm 'nosuch'"),
        ("changes", {**KEPT}, "expected the number of a study"),
    ],
)
def test_what_is_wrong_is_said_and_the_server_goes_on(visitor, path, parameters, said):
    response = visitor.get(f"/studies/{path}", params=parameters)
    assert response.status_code == 400
    assert said in response.json()["error"]
    assert visitor.get("/studies").status_code == 200


def test_a_damaged_store_is_told_and_the_others_are_shown(visitor, folder):
    (folder / "damaged.sqlite").write_bytes(b"no store at all" * 100)
    (folder / "empty.sqlite").touch()
    assert get(visitor, "stores")["stores"] == ["damaged", "kept", "searched"]
    response = visitor.get("/studies/list", params={"store": "damaged"})
    assert "is not a store of chainrule" in response.json()["error"]
    assert len(get(visitor, "list", store="kept")) == 2


def test_a_link_to_nowhere_and_a_folder_that_is_gone_hide_nothing(visitor, folder):
    (folder / "gone.sqlite").symlink_to(folder / "nowhere")
    assert get(visitor, "stores")["stores"] == ["kept", "searched"]
    shutil.rmtree(folder)
    assert get(visitor, "stores")["stores"] == []
    response = visitor.get("/studies/study", params=KEPT)
    assert response.status_code == 400
    assert "no store 'kept'; stores: none" in response.json()["error"]


def test_a_store_that_another_program_locks_is_told(visitor, folder, monkeypatch):
    monkeypatch.setattr("chainrule.study.store.sqlite.BUSY_SECONDS", 0.1)
    with closing(sqlite3.connect(folder / "kept.sqlite", isolation_level=None)) as other:
        other.execute("PRAGMA locking_mode = EXCLUSIVE")
        other.execute("BEGIN EXCLUSIVE")
        response = visitor.get("/studies/list", params={"store": "kept"})
        other.execute("ROLLBACK")
    assert response.status_code == 400
    assert "kept.sqlite: another process has been writing for 0.1 s" in response.json()["error"]
    assert len(get(visitor, "list", store="kept")) == 2


def test_a_study_that_cannot_be_read_hides_no_other(visitor, folder):
    with open_store(folder / "kept.sqlite") as store:
        store.open_study("newer", "a digest", {"toml": "nosuch = 1"}, {"time": "2999-01-01"})
    found = {of["name"]: of for of in get(visitor, "list", store="kept")}
    assert found.keys() == {"newer", "hot", "small"}
    assert found["newer"]["state"] == "not readable"
    assert "nosuch" in found["newer"]["problem"]


def test_a_store_behind_a_url_is_shown_without_its_password(tmp_path):
    where = f"sqlite+pysqlite:///{tmp_path / 'by-url.sqlite'}"
    run(small(), store=where)
    stores = StudyStores(tmp_path / "nowhere", ["postgresql://me:secret@host/db", where])
    assert [*stores.addresses] == ["postgresql://me:***@host/db", where]
    assert [of["name"] for of in stores.list_studies(where)] == ["small"]
    assert stores.read_study(where, 1).state == "complete"


def test_an_arm_looks_the_same_before_the_others_have_results(visitor, folder):
    complete = read(folder, "searched").result
    before = first(section(visitor, SEARCHED, "Curves"), "curves")["styles"]
    remove_final_rows(folder / "searched.sqlite")
    with open_store(folder / "searched.sqlite") as store:
        store.add(1, [row for row in complete.rows if (row.arm, row.stage) == ("wide", "final")])
    assert first(section(visitor, SEARCHED, "Curves"), "curves")["styles"] == before[1:]


def test_studies_that_were_looked_at_long_ago_are_forgotten(folder, monkeypatch):
    monkeypatch.setattr("chainrule.web.studies.stores.MAX_STUDIES", 1)
    stores = StudyStores(folder)
    one = stores.read_study("kept", 1)
    assert stores.read_study("kept", 1) is one
    stores.read_study("kept", 2)
    assert stores.read_study("kept", 1) is not one


def test_a_store_that_is_made_anew_is_read_anew(visitor, folder, monkeypatch):
    address = "/studies/study?store=kept&study=1"
    before = visitor.get(address).json()["version"]
    (folder / "kept.sqlite").unlink()
    later = SimpleNamespace(now=lambda zone: datetime(2100, 1, 1, tzinfo=zone))
    monkeypatch.setattr("chainrule.study.store.tables.datetime", later)
    run(small(**DECLARED), store=folder / "kept.sqlite")
    assert visitor.get(address).json()["version"] != before
