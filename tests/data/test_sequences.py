"""Sequences to learn from."""

from __future__ import annotations

import pytest
import torch

from chainrule.data import (
    Alphabet,
    DataError,
    adding,
    characters,
    copying,
    modular_arithmetic,
    read_text,
)
from chainrule.data.datasets.loaders import (
    adding_sequences,
    copying_sequences,
    modular_pairs,
    text_characters,
)


def test_the_marked_numbers_add_up():
    data = adding(50, 7, seed=3)
    numbers, marks = data.inputs.unbind(-1)
    assert torch.allclose((numbers * marks).sum(1, keepdim=True), data.targets)
    assert (marks[:, :3].sum(1) == 1).all()
    assert (marks[:, 3:].sum(1) == 1).all()


def test_what_is_to_be_copied_comes_first_then_a_pause_then_the_questions():
    data = copying(9, 3, delay=4, symbols=5, seed=1)
    assert data.inputs.shape == (9, 10)
    assert torch.equal(data.inputs[:, :3], data.targets + 1)
    assert (data.inputs[:, 3:7] == 0).all()
    assert (data.inputs[:, 7:] == 6).all()
    assert data.targets.amin() == 0
    assert data.targets.amax() == 4


@pytest.mark.parametrize("draw", [adding, copying])
def test_a_replica_is_the_plain_draw_of_its_seed(draw):
    both = draw(5, seed=[3, 8])
    assert torch.equal(both.replica(1).inputs, draw(5, seed=8).inputs)
    assert not torch.equal(both.inputs[0], both.inputs[1])


@pytest.mark.parametrize(("operation", "answer"), [("+", 1), ("-", 3), ("*", 3)])
def test_an_operation_modulo_a_number(operation, answer):
    data = modular_arithmetic(5, operation)
    assert len(data) == 25
    assert data.inputs[2 * 5 + 4].tolist() == [2, 4]
    assert data.targets[2 * 5 + 4] == answer


def test_pairs_that_test_are_not_learned_from():
    train, test = modular_pairs(7, modulus=11, fraction=0.4)
    assert (len(train), len(test)) == (48, 73)
    both = torch.cat([train.sources, test.sources]).flatten()
    assert both.sort().values.tolist() == [*range(121)]


def test_a_stretch_and_what_follows_it():
    alphabet = Alphabet.from_text("abcdefg")
    data = characters("abcdefgabc", 4, alphabet)
    assert [alphabet.decode(row) for row in data.inputs] == ["abcd", "fgab"]
    assert alphabet.decode(data.targets) == "ec"


def test_a_text_goes_there_and_back():
    alphabet = Alphabet.from_text("no melon")
    assert alphabet.characters == " elmno"
    assert alphabet.decode(alphabet.encode("lemon")) == "lemon"


def test_a_file_is_shared_out(tmp_path):
    path = tmp_path / "text.txt"
    path.write_bytes(b"\xef\xbb\xbf" + b"ab\r\ncd\r\n" * 20)
    assert "\r" not in read_text(path)
    train, test = text_characters(3, path=str(path), length=5, test_fraction=0.25)
    assert (len(train), len(test)) == (15, 5)
    assert not set(train.sources.flatten().tolist()) & set(test.sources.flatten().tolist())


@pytest.mark.parametrize("source", [adding_sequences, copying_sequences])
def test_training_and_test_sequences_are_drawn_apart(source):
    train, test = source(2, train=20, test=20)
    assert not torch.equal(train.inputs, test.inputs)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: adding(-1), "adding: expected n at least 0 and length at least 2, got -1 and 20"),
        (lambda: adding(3, 1), "length at least 2, got 3 and 1"),
        (lambda: copying(3, 0), "copying: expected n at least 0 and length at least 1"),
        (lambda: copying(3, delay=-1), "expected delay at least 0 .* got -1 and 8"),
        (lambda: modular_arithmetic(1), "a modulus of at least 2, got 1"),
        (lambda: modular_arithmetic(7, "/"), "expected the operation '\\+', '-', '\\*', got '/'"),
        (lambda: modular_pairs(0, fraction=1.0), "a fraction between 0 and 1, got 1.0"),
        (lambda: Alphabet("aba"), "expected each character once, got 'aba'"),
        (lambda: characters("abc", 0), "a length of at least 1, got 0"),
    ],
)
def test_what_cannot_be_drawn_is_told(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_a_text_that_is_none_is_told(tmp_path):
    with pytest.raises(DataError, match="a text of 3 characters has no 5 with one after them"):
        characters("abc", 5)
    with pytest.raises(DataError, match="no character 'z' in the alphabet 'ab'"):
        characters("abz", 1, Alphabet("ab"))
    (tmp_path / "binary").write_bytes(b"\xff\x00\xfe")
    with pytest.raises(DataError, match="binary: not a text in UTF-8"):
        read_text(tmp_path / "binary")
