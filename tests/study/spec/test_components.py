"""Names, arguments and values of components that are none: said with the line they stand on."""

from __future__ import annotations

import pytest

from chainrule.study import Study, StudyError
from chainrule.study.plan.dry_run import find_problems
from chainrule.study.spec.components import ComponentProblems

RIGHT = """\
name = "lines"
epochs = 2
[data]
name = "disk_points"
train = 60
[net]
name = "plane_net"
hidden = 4
[loss]
name = "CrossEntropyLoss"
[optimizer]
name = "SGD"
lr = 0.1
[metrics]
accuracy = "Accuracy"
[search]
method = "grid"
[space]
"net.layers" = [1, 2]
[arms]
a = {}
b = { optimizer = { name = "Adam", eps = 1e-7 } }
[arms.c]
net.hidden = 5
[quick]
net.hidden = 3
"""

WRONG = {
    "argument of the net": ("hidden = 4", "hiden = 4", "line 8, net.hiden: arms a, b: net plane"),
    "of another optimizer": ("lr = 0.1", "betas = [0.9, 0.9]", "line 13, optimizer.betas: arms a"),
    "of an arm": ("eps = 1e-7", "momentum = 0.9", "line 22, arms.b.optimizer.momentum: arm b: "),
    "without its name": ("net.hidden = 5", "net.hiden = 5", "line 24, arms.c.net.hiden: arm c: "),
    "of the small form": (
        "net.hidden = 3",
        "net.hiden = 3",
        "line 26, quick.net.hiden: quick form",
    ),
    "of a metric": (
        '"Accuracy"',
        '{ name = "Accuracy", hed = "a" }',
        "line 15, metrics.accuracy.hed: ",
    ),
    "of the space": ("net.layers", "net.layer", "line 19, space.net.layer: arms a, b: net plane"),
    "value of the space": ("[1, 2]", "[1, 1.5]", "line 19, space.net.layers: arms a, b: net plane"),
    "of the data": ("train = 60", "trian = 60", "line 5, data.trian: data disk_points("),
    "value": ("hidden = 4", 'hidden = "4"', "line 8, net.hidden: arms a, b: net plane_net("),
    "name": ('"CrossEntropyLoss"', '"CrossEntropy"', "line 10, loss.name: arms a, b, c: loss"),
}


def say(tmp_path, text):
    """What the dry run says of it, with lines."""
    path = tmp_path / "lines.toml"
    path.write_text(text)
    study = Study.load(path)
    components = ComponentProblems(study.as_dict(), study.space, str(path))
    return [components.locate(one) for one in find_problems(study)]


def test_what_is_right_is_right(tmp_path):
    assert say(tmp_path, RIGHT) == []


@pytest.mark.parametrize(("old", "new", "message"), WRONG.values(), ids=[*WRONG])
def test_what_is_wrong_is_said_with_its_line(old, new, message, tmp_path):
    assert old in RIGHT
    assert say(tmp_path, RIGHT.replace(old, new, 1))[0].startswith(message)


def test_a_message_of_several_lines_has_each_place(tmp_path):
    path = tmp_path / "lines.toml"
    path.write_text(RIGHT.replace("hidden = 4", "hiden = 4"))
    message = (
        "no arm can be trained\n  arm a: net plane_net(hiden=4): no argument 'hiden'; did you "
    )
    message += "mean 'hidden'? it takes hidden, layers, activation, output, norm, outputs, dropout"
    study = Study.load(path)
    components = ComponentProblems(study.as_dict(), study.space, str(path))
    said = components.locate(message).splitlines()
    assert said[0] == "no arm can be trained"
    assert said[1].startswith("  line 8, net.hiden: arm a: net plane_net(hiden=4)")


def test_what_no_message_is_about_is_listed_with_its_line(tmp_path):
    path = tmp_path / "lines.toml"
    path.write_text(
        RIGHT.replace("hidden = 4", "hiden = 4").replace('"CrossEntropyLoss"', '"Cross"')
    )
    study = Study.load(path)
    components = ComponentProblems(study.as_dict(), study.space, str(path))
    unsaid = components.list_unsaid(["sha256: expected that of the file"])
    assert [line.partition(": ")[0] for line in unsaid] == [
        "line 8, net.hiden",
        "line 10, loss.name",
    ]
    assert components.list_unsaid(unsaid) == []
    nowhere = ComponentProblems(study.as_dict(), study.space, "lines:STUDY").list_unsaid([])
    assert [line.partition(": ")[0] for line in nowhere] == ["net.hiden", "loss.name"]


MANY = """\
name = "many"
metric = "acuracy"
direction = "min"
loss = "CrossEntropyLos"
baseline = "c"
[data]
name = "disk_points"
trian = 60
[net]
name = "plane_net"
hiden = 4
[optimizer]
name = "Adam"
momentum = 0.9
[search]
method = "random"
[search.race]
min_splits = 3
[space]
"optimizer.lr" = [0.1, 0.2]
[arms.a]
[arms.b]
"""


def test_all_that_does_not_go_together_is_said_at_once_with_the_names_that_are_none():
    with pytest.raises(StudyError) as caught:
        Study.from_toml(MANY, "many.toml")
    title, *lines = str(caught.value).splitlines()
    assert title == "many.toml is not a study:"
    assert [": ".join(line.strip().split(": ")[:1]) for line in lines] == [
        "nowhere in many.toml, failure_value",
        "line 2, metric",
        "line 4, loss.name",
        "line 5, baseline",
        "line 8, data.trian",
        "line 11, net.hiden",
        "line 14, optimizer.momentum",
        "line 15, search.candidates",
        "line 18, search.race.min_splits",
    ]


def test_each_arm_that_is_wrong_is_said_and_what_is_wrong_in_all_once():
    text = MANY[MANY.index("[data]") :].replace("trian", "train").replace("hiden", "hidden")
    text = f'name = "x"\nloss = "MSELoss"\n{text}candidates = 2\n'.replace(
        "[arms.a]\n[arms.b]\n", ""
    )
    text = text.replace("[search.race]\nmin_splits = 3\n", "").replace("candidates = 2\n", "")
    text = text.replace('"random"', '"random"\ncandidates = 2').replace("momentum = 0.9\n", "")
    arms = "[arms.a]\nepochs = 0\n[arms.b]\nbatch_size = 0\n[arms.c]\nbatch_size = 0\n"
    with pytest.raises(StudyError) as caught:
        Study.from_toml(text + arms, "x.toml")
    said = [line.strip().split(" expected")[0] for line in str(caught.value).splitlines()[1:]]
    assert [line.partition(", ")[2] or line for line in said] == [
        "arm a: epochs:",
        "arm b: batch_size:",
    ]
