"""Where the keys of a TOML text stand, and that what is wrong in a file is told with its line."""

from __future__ import annotations

import re

import pytest

from chainrule.study import Study, StudyError
from chainrule.study.spec.toml_lines import find_line, find_lines

TEXT = '''\
# a = 1
name = "x" # b = 2
summary = """
c = 3
[d]
"""
values = [
  1, # e = 4
  { f = 5 },
]
net = { name = "plane_net", hidden = 3 }
optimizer.lr = 0.1

[arms."a.b"]
net.hidden = 3
[space]
"optimizer.lr" = [0.1, "]"]
'literal.\\' = { low = 1 }
[[list]]
one = 1
'''


def test_each_key_has_its_line():
    assert find_lines(TEXT) == {
        ("name",): 2,
        ("summary",): 3,
        ("values",): 7,
        ("net",): 11,
        ("optimizer",): 12,
        ("optimizer", "lr"): 12,
        ("arms",): 14,
        ("arms", "a.b"): 14,
        ("arms", "a.b", "net"): 15,
        ("arms", "a.b", "net", "hidden"): 15,
        ("space",): 16,
        ("space", "optimizer.lr"): 17,
        ("space", "literal.\\"): 18,
        ("list",): 19,
        ("list", "one"): 20,
    }


@pytest.mark.parametrize(
    ("place", "line"),
    [(("net", "hidden"), 11), (("values", 1, "f"), 7), (("none",), None), ((), None)],
)
def test_what_has_no_line_of_its_own_has_that_of_what_it_is_in(place, line):
    assert find_line(find_lines(TEXT), place) == line


WRONG = """\
name = "wrong"
epoch = 3
data = "disk_points"
goal = "min"
net = "plane_net"
loss = "CrossEntropyLoss"
optimizer = "Adam"

[selection]
last = 3

[arms.a]
lr = 0.1

[factors.f.yes]
optimizr = 3

[quick]
search = { metod = "grid" }
clipnorm = 3
"""


def test_all_that_is_wrong_is_told_at_once_each_with_its_line():
    with pytest.raises(StudyError) as caught:
        Study.from_toml(WRONG, "wrong.toml")
    assert str(caught.value).splitlines() == [
        "wrong.toml is not a study:",
        "  line 2, epoch: no such field; did you mean 'epochs'?",
        "  line 4, goal: is called direction now",
        "  line 10, selection.last: is called average_last now",
        "  line 13, arms.a.lr: no such field; did you mean 'optimizer.lr'?",
        "  line 16, factors.f.yes.optimizr: no such field; did you mean 'optimizer'?",
        "  line 19, quick.search.metod: no such field; did you mean 'method'?",
        "  line 20, quick.clipnorm: no such field; did you mean 'clip_norm'?",
    ]


FIELDS_AND_MORE = """\
name = "two words"
epochs = "many"
baseline = "c"
direction = "min"
serach = { method = "grid" }
loss = "CrossEntropyLoss"
optimizer = "Adam"
data = "disk_points"
net = "disk_net"
space = { "optimizer.lr" = [0.1, 0.2] }
[arms.a]
[arms.b]
[quick]
arms.d = {}
"""


def test_beside_wrong_fields_it_is_said_what_of_the_right_ones_does_not_go_together():
    with pytest.raises(StudyError) as caught:
        Study.from_toml(FIELDS_AND_MORE, "a.toml")
    lines = [line.strip() for line in str(caught.value).splitlines()[1:]]
    assert [line.partition(":")[0] for line in lines] == [
        "nowhere in a.toml, failure_value",
        "line 1, name",
        "line 2, epochs",
        "line 3, baseline",
        "line 5, serach",
        "line 14, quick.arms.d",
    ]


def test_a_wrong_value_has_its_line_too(tmp_path):
    path = tmp_path / "wrong.toml"
    path.write_text(
        'name = "w"\n\nepochs = 0\nloss = "MSELoss"\ndata = "pairs"\nnet = "pair_mlp"\n'
    )
    with pytest.raises(StudyError, match=r"\n  line 3, epochs: expected at least 1, got 0$"):
        Study.load(path)


MISSING = {
    "net": (r"\[net\]\n.*\n", r"nowhere in a.toml, net.name: .*; expected \[net\] with name"),
    "name": ('name = "a"\n', 'nowhere in a.toml, name: is missing; expected name = "…"'),
    "space": (r"\[space\]\n.*\n", r"nowhere in a.toml, space: .*expected \[space\] with values"),
    "values": ('"optimizer.lr".*\n', r"line 10, space: .*there is nothing to search; expected"),
    "search": (r"\[search\]\n.*\n", r"nowhere in a.toml, search: there is a space .*\[search\]"),
    "method": ("method = .*\n", r'line 12, search: .*expected \[search\] with method = "grid"'),
    "candidates": ('"grid"', '"tpe"', r"line 12, search.candidates: .*such as candidates = 20"),
    "quotes": ('"optimizer.lr"', "optimizer.lr", r'line 11, .*the path in quotes: "optimizer.lr"'),
    "list": (r"\[0.1, 0.3\]", "0.1", r"line 11, space.optimizer.lr: expected a list of values, or"),
    "path": ("optimizer.lr", "optimiser.lr", r"line 11, path 'optimiser.lr': no such field; did"),
    "range": (r"\[0.1, 0.3\]", "{ lo = 1 }", "line 11, space.optimizer.lr.lo: no such field"),
}
WHOLE = """\
name = "a"
loss = "CrossEntropyLoss"
optimizer = "SGD"
[data]
name = "disk_points"

[net]
name = "disk_net"

[space]
"optimizer.lr" = [0.1, 0.3]
[search]
method = "grid"
"""


@pytest.mark.parametrize("change", MISSING.values(), ids=MISSING)
def test_what_is_missing_is_said_with_its_line_or_that_it_is_nowhere(change):
    old, *new, said = change
    with pytest.raises(StudyError, match=said):
        Study.from_toml(re.sub(old, new[0] if new else "", WHOLE), "a.toml")


ARMS = """\
net = "disk_net"
loss = "MSELoss"
optimizer = "Adam"
data = { name = "disk_points" }
name = "a"

[arms.a]
epochs = 0
[arms.b]
net = 3
timing = true
"""


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (ARMS, ["line 11, arms.b.timing: expected at the top of the study: arms do not differ"]),
        (
            ARMS.replace("timing", "drop_last"),
            ["line 8, arm a: epochs: expected at least 1", "line 10, arm b: net: expected a name"],
        ),
        (
            ARMS.replace("arms.", "factors.f.").replace("timing", "drop_last"),
            ["line 8, arm a: epochs: expected at least 1", "line 10, arm b: net: expected a name"],
        ),
        ("rounds = 0\nquick.arms = 3\n", ["line 1, rounds: expected at least 1, got 0"]),
        ("datasets = 2\n", ["line 1, datasets: expected a table, got 2"]),
        ("name = 2020-01-01\n", ["line 1, name: expected a text, got 2020-01-01 without quotes"]),
        (
            f"{ARMS}\n[datasets.one]\ntrain = 3\n".replace('{ name = "disk_points" }', "{}"),
            [r"line 13, datasets.one.name: is missing; expected \[datasets.one\] with"],
        ),
    ],
)
def test_a_problem_has_the_line_of_the_arm_or_level_that_has_it(text, said):
    with pytest.raises(StudyError) as caught:
        Study.from_toml(text, "a.toml")
    for line in said:
        assert re.search(rf"^  {line}", str(caught.value), re.MULTILINE), str(caught.value)


def test_an_arm_that_nobody_wrote_is_not_named():
    with pytest.raises(StudyError, match=r"^net\.name: is missing"):
        Study(name="a", data="disk_points")
