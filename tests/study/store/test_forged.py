"""A record whose text was forged, its digest right: an error of ours, or all as it was."""

from __future__ import annotations

import json
import random
import shutil
import sqlite3
from contextlib import closing

import pytest

from chainrule.errors import ChainruleError
from chainrule.report import results_table
from chainrule.study import StoreError, load_result, open_store, run
from chainrule.study.store.encoding import checksum
from tests.serialization.test_headers import OTHERS, find_places, forge
from tests.study.small import searched


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    path = tmp_path_factory.mktemp("forged") / "whole.sqlite"
    run(searched(), store=path)
    return path


def read(path):
    """All that is said of the study."""
    with open_store(path, read_only=True) as store:
        result = load_result(store, 1)
    return result.as_rows(), results_table(result).footnotes()


def forge_row(path, content):
    """The first row with what ``content`` makes of its text, and the digest of that."""
    with closing(sqlite3.connect(path)) as connection, connection:
        number, text = connection.execute("SELECT id, content FROM training").fetchone()
        text = content(text)
        values = (text, checksum(1, text), number)
        connection.execute("UPDATE training SET content = ?, seal = ? WHERE id = ?", values)


def forge_study(path, content):
    """The same of the study."""
    query = "SELECT id, digest, content, trainings FROM study"
    with closing(sqlite3.connect(path)) as connection, connection:
        number, digest, text, trainings = connection.execute(query).fetchone()
        text = content(text)
        values = (text, checksum(number, digest, text, trainings), number)
        connection.execute("UPDATE study SET content = ?, seal = ? WHERE id = ?", values)


def change_a_field(text, draw):
    """The JSON text with a field gone or of another kind, or cut short."""
    values = json.loads(text)
    place = draw.choice([*find_places(values)])
    other = draw.choice([..., *OTHERS, 10**30])
    changed = json.dumps(forge(values, place, other))
    return changed[: draw.randrange(len(changed))] if draw.random() < 0.1 else changed


def change_the_declaration(text, draw):
    """The JSON text of a study whose TOML has a character less, more or another."""
    values = json.loads(text)
    toml = values["declaration"]["toml"]
    k = draw.randrange(len(toml))
    sign = draw.choice(['"', "=", "[", "\n", "9", "x", "-"])
    other = toml[:k] + sign + toml[k + draw.randrange(2) :]
    values["declaration"]["toml"] = draw.choice([toml[:k], other])
    return json.dumps(values)


CHANGES = {
    "row": (forge_row, change_a_field),
    "study": (forge_study, change_a_field),
    "declaration": (forge_study, change_the_declaration),
}


def check_forged(whole, folder, kind, seeds):
    forge_record, change = CHANGES[kind]
    refused = 0
    for seed in seeds:
        draw, path = random.Random(seed), folder / "forged.sqlite"
        shutil.copy(whole, path)
        forge_record(path, lambda text, draw=draw: change(text, draw))
        try:
            read(path)
        except ChainruleError:
            refused += 1
    assert refused


@pytest.mark.parametrize("kind", CHANGES)
def test_a_forged_record_is_refused_or_read(kind, whole, tmp_path):
    check_forged(whole, tmp_path, kind, range(25))


@pytest.mark.slow
@pytest.mark.parametrize("kind", CHANGES)
def test_many_forged_records_are_refused_or_read(kind, whole, tmp_path):
    check_forged(whole, tmp_path, kind, range(100, 500))


@pytest.mark.parametrize(
    ("place", "value", "message"),
    [
        (("metrics",), ..., "metrics is missing"),
        (("metrics", "accuracy"), "high", "metrics.accuracy: 'high'"),
        (("status",), "fine", "status: 'fine'"),
        (("epochs",), 1.5, "epochs: 1.5"),
        (("colour",), "red", "colour: 'red'"),
        (("curves", 0), [1, 2], r"curves: \[1, 2\]"),
    ],
)
def test_the_error_names_row_and_field(place, value, message, whole, tmp_path):
    path = tmp_path / "forged.sqlite"
    shutil.copy(whole, path)
    forge_row(path, lambda text: json.dumps(forge(json.loads(text), place, value)))
    with pytest.raises(StoreError, match=rf"forged\.sqlite: is damaged: the row .*: {message}"):
        read(path)
