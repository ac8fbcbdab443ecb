"""Names, arguments and values of components that are none: said with the line they stand on."""

from __future__ import annotations

import pytest

from chainrule.study import Study
from chainrule.study.plan.dry_run import find_problems
from chainrule.study.spec.components import add_component_lines

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
    return [add_component_lines(one, study, str(path)) for one in find_problems(study)]


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
    said = add_component_lines(message, Study.load(path), str(path)).splitlines()
    assert said[0] == "no arm can be trained"
    assert said[1].startswith("  line 8, net.hiden: arm a: net plane_net(hiden=4)")
