"""What conclusions are about, as the search was made."""

from __future__ import annotations

import pytest

from chainrule.study.search.scope import describe_search_scope, search_rounds
from chainrule.study.store.record import SEARCH_ROUND
from tests.study.small import searched, small

THREE = {"a": {}, "b": {}, "c": {}}


def test_a_search_is_made_in_each_round_or_once_before_them():
    assert [*search_rounds(searched(search={"method": "grid"}))] == [0, 1, 2]
    assert [*search_rounds(searched())] == [SEARCH_ROUND]


@pytest.mark.parametrize(
    ("arms", "scope"),
    [
        ({"only": {}}, "about this setting, not the arm."),
        ({"a": {}, "b": {}}, "about these two settings, not these arms."),
        (THREE, "about these 3 settings, not these arms."),
    ],
)
def test_conclusions_of_one_search_are_about_the_settings_it_found(arms, scope):
    assert describe_search_scope(searched(arms=arms)).endswith(scope)


def test_else_they_are_about_the_arms():
    assert describe_search_scope(searched(search={"method": "grid"})) == ""
    assert describe_search_scope(small()) == ""
    own = {name: {"optimizer": {"lr": 0.1}} for name in "ab"}
    assert describe_search_scope(searched(arms=own)) == ""
