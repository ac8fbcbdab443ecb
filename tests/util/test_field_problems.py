"""What is said of data that are not as a model of them has it."""

from __future__ import annotations

import warnings

import torch
from pydantic import BaseModel, ConfigDict
from torch import Tensor

from chainrule._util.field_problems import find_first_problem


class Values(BaseModel):
    """A tensor, and a table in a list."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    state: Tensor
    parts: list[dict[str, int] | list[int]] = []


def test_what_must_be_an_object_is_named():
    assert find_first_problem(Values, {"state": []}) == "state: expected a Tensor, got []"


def test_the_place_within_lists_and_tables():
    data = {"state": torch.zeros(1), "parts": [{"a": 1}, {"a": "x"}]}
    assert find_first_problem(Values, data).startswith("parts.1.a: expected a whole number")
    assert find_first_problem(Values, {"parts": []}) == "state: is missing"


def test_a_tensor_has_no_fields():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        data = {"state": torch.zeros(1), "parts": [torch.zeros(2, 2)]}
        assert find_first_problem(Values, data).startswith("parts.0: expected a table, got tensor(")
