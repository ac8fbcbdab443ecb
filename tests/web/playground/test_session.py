"""A page builds nets, trains them, and looks back; what is wrong is a message."""

from __future__ import annotations

import sys
import time
from queue import Queue
from threading import Event
from typing import Any
from weakref import WeakSet

import numpy as np
import pytest

from chainrule.web.playground.encoding import pack_message
from chainrule.web.playground.session import Session, join_sessions
from tests.readable import check_readable
from tests.web.playground.conftest import SMALL, unpack


def test_a_setting_is_built_and_described(page, setting):
    page.do("build", setting=setting)
    built = page.messages[0]
    assert [layer["kind"] for layer in built["sides"][0]["layers"]] == ["Linear", "Tanh", "Linear"]
    assert built["sides"][0]["parameters"] == 2 * 5 + 5 + 5 * 2 + 2
    assert len(built["samples"]["points"]) == 60
    assert page.messages[1]["epoch"] == 0


def test_every_message_arrives_as_it_was_sent(built):
    for message in built.messages:
        np.testing.assert_equal(unpack(pack_message(message)), message)


def test_a_step_trains_every_seed(built):
    frame = built.messages[-1]
    assert frame["epoch"] == 2
    assert frame["curves"][0]["train_loss"]["seeds"].shape == (2 * 3,)


def test_training_lowers_the_loss(built):
    first = built.messages[-1]["curves"][0]["train_loss"]["seeds"][:3]
    last = built.do("step", epochs=40)["curves"][0]["train_loss"]["seeds"][-3:]
    assert (last < first).all()


def test_the_band_is_of_the_seeds_that_go_on(built):
    curve = built.messages[-1]["curves"][0]["test_loss"]
    seeds = curve["seeds"].reshape(2, 3)
    np.testing.assert_allclose(curve["mean"], seeds.mean(1), rtol=1e-6)
    np.testing.assert_allclose(curve["low"], np.quantile(seeds, 0.1, axis=1), rtol=1e-6)
    np.testing.assert_allclose(curve["high"], np.quantile(seeds, 0.9, axis=1), rtol=1e-6)


def test_the_map_is_the_mean_over_the_seeds_nets(built):
    side = built.player.sides[0]
    mean = built.messages[-1]["sides"][0]["map"]["mean"].tolist()
    y = side.trainer.net.eval().forward(side.samples.grid[None])[0]
    expected = (y.softmax(-1)[..., 1].mean(0) * 255).round()
    assert max(abs(a - b) for a, b in zip(mean, expected.tolist(), strict=True)) <= 1


def test_without_probabilities_a_net_counts_by_its_choice(page, setting):
    setting["sides"][0]["loss"] = "MultiMarginLoss"
    frame = page.do("build", setting=setting)
    shares = {byte / 255 for byte in frame["sides"][0]["map"]["mean"].tolist()}
    assert shares <= {0, 1 / 3, 2 / 3, 1}


def test_of_more_than_two_classes_the_map_has_what_most_choose(page, setting, tmp_path):
    path = tmp_path / "three.csv"
    rows = "".join(f"{i % 9},{i % 7},{'abc'[i % 3]}\n" for i in range(60))
    path.write_text("x,y,kind\n" + rows, encoding="utf-8")
    setting["data"] = {"name": "table", "csv": str(path), "target": "kind"}
    frame = page.do("build", setting=setting)
    classes = {byte * 2 / 255 for byte in frame["sides"][0]["map"]["mean"].tolist()}
    assert classes <= {0, 128 * 2 / 255, 2}


def test_where_nets_agree_nothing_is_disputed(page, setting):
    setting["sides"][0]["init"] = "Zeros"
    frame = page.do("build", setting=setting)
    assert set(frame["sides"][0]["map"]["spread"].tolist()) == {0}


def test_looking_back_shows_the_net_as_it_was(built):
    then = built.messages[-1]["sides"][0]
    built.do("step", epochs=3)
    back = built.do("seek", epoch=2)
    assert back["sides"][0]["epoch"] == 2
    np.testing.assert_equal(back["sides"][0], then)
    assert back["epoch"] == 5


def test_another_seed_is_another_net(built):
    one, two = (built.do("seek", epoch=2, seed=k)["sides"][0] for k in (0, 1))
    assert (one["weights"]["0.weight"]["data"] != two["weights"]["0.weight"]["data"]).any()
    np.testing.assert_equal(one["layers"], two["layers"])


def test_the_past_that_is_kept_is_bounded_and_has_its_ends(built, monkeypatch):
    monkeypatch.setattr("chainrule.web.playground.side.MAX_KEPT_BYTES", 10 * 3 * 27 * 4)
    built.do("step", epochs=60)
    side = built.player.sides[0]
    kept = [kept.epoch for kept in side._kept]
    assert len(kept) < 14
    assert (kept[0], kept[-1]) == (0, 62)
    assert kept == sorted(kept)


def test_two_sides_have_the_same_seeds_and_batches(page, setting):
    setting["sides"].append(setting["sides"][0])
    page.do("build", setting=setting)
    curves = page.do("step", epochs=3)["curves"]
    np.testing.assert_equal(curves[0], curves[1])


def test_an_error_leaves_what_was_there(built, setting):
    setting["sides"][0]["net"]["layers"] = [["Linear", 5], "Tan"]
    message = built.do("build", setting=setting)
    assert message["type"] == "error"
    assert "number 2, Tan: no such layer; did you mean 'Tanh'" in message["message"]
    assert built.do("step")["epoch"] == 3


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "no command": ({"do": "dance"}, "no command 'dance'"),
    "no weight": ({"do": "weight", "path": "7.weight", "index": [0, 0]}, "no parameter '7.weight'"),
    "no entry": ({"do": "weight", "path": "0.weight", "index": [9, 0]}, "no entry"),
    "no layer": ({"do": "layer", "path": "9"}, "no layer '9'"),
    "no unit": ({"do": "unit", "path": "0", "unit": 50}, "has no unit 50"),
    "no number": ({"do": "step", "epochs": "many"}, "epochs: expected a number, got 'many'"),
    "no epoch": ({"do": "seek", "epoch": None}, "epoch: expected a number, got None"),
    "half an epoch": ({"do": "seek", "epoch": 1.5}, "epoch: expected a whole number, got 1.5"),
    "no speed": ({"do": "play", "speed": []}, "speed: expected a number, got []"),
    "no index": ({"do": "weight", "path": "0.weight", "index": None}, "no entry None"),
    "a list for a layer": ({"do": "layer", "path": ["0"]}, "no layer"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_is_told(built, case):
    command, said = WRONG[case]
    built.player.handle(command)
    assert built.messages[-1]["type"] == "error"
    assert said in built.messages[-1]["message"]
    check_readable(built.messages[-1]["message"])


CHANGES: dict[str, tuple[dict[str, Any], str]] = {
    "seeds": ({"seeds": 65}, "seeds"),
    "no sides": ({"sides": []}, "sides"),
    "samples": ({"data": {"name": "plane_points", "train": 10**6}}, "at most 20,000"),
    "code": ({"data": {"name": "os:listdir"}}, "only a net is a function of your own"),
    "csv": ({"data": {"name": "table", "csv": "none.csv", "target": "y"}}, "none.csv"),
    "unknown": ({"colour": "red"}, "colour"),
}


@pytest.mark.parametrize("case", CHANGES)
def test_a_wrong_setting_is_told(page, setting, case):
    change, said = CHANGES[case]
    message = page.do("build", setting={**setting, **change})
    assert message["type"] == "error"
    assert said in message["message"]


def test_a_part_that_the_playground_has_not_is_refused(page, setting):
    setting["sides"][0]["schedule"] = "StepLR"
    assert "schedule: the playground has none" in page.do("build", setting=setting)["message"]


def test_nothing_is_done_before_there_is_a_net(page):
    assert "choose a setting first" in page.do("play")["message"]


def test_nets_that_are_too_large_are_refused(page, setting):
    setting["sides"][0]["net"]["layers"] = [["Linear", 5000], ["Linear", 5000]]
    assert "take fewer seeds" in page.do("build", setting=setting)["message"]


def test_of_layers_that_no_memory_holds_the_sizes_are_told(page, setting):
    setting["sides"][0]["net"]["layers"] = [["Linear", 10**6], ["Linear", 10**6]]
    message = page.do("build", setting=setting)["message"]
    assert message.startswith("3 nets of 1,000,006,000,002 parameters")


def test_a_net_whose_function_raises_is_told_and_the_page_goes_on(
    built, setting, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.path", [*sys.path])
    made = "import sys\ndef make():\n    return 1 / 0\ndef leave():\n    sys.exit(3)\n"
    (tmp_path / "broken_net.py").write_text(made, encoding="utf-8")
    for name, message in (("make", "division by zero"), ("leave", "SystemExit: 3")):
        setting["sides"][0]["net"] = f"broken_net.py:{name}"
        assert message in built.do("build", setting=setting)["message"]
    assert built.do("step")["epoch"] == 3


def test_a_seed_that_is_not_finite_is_told_when_it_is_looked_into(built):
    side = built.player.sides[0]
    side._kept[-1].state[0][0] = float("nan")
    for what, more in (("weight", {"path": "0.weight", "index": [0, 0]}), ("unit", {"path": "0"})):
        assert "seed 0 are not finite any more" in built.do(what, **more)["message"]
    assert built.do("seek", seed=1)["type"] == "frame"


def test_a_net_of_ones_own_is_trained(page, setting, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.path", [*sys.path])
    text = "from chainrule import nn\ndef small():\n    return nn.Sequential(nn.Linear(2, 2))\n"
    (tmp_path / "own_playground.py").write_text(text, encoding="utf-8")
    setting["sides"][0]["net"] = "own_playground.py:small"
    assert page.do("build", setting=setting)["type"] == "frame"
    assert page.do("step")["epoch"] == 1
    assert "import own_playground" in page.do("code")["python"]


def test_a_net_that_was_changed_in_its_file_is_read_anew(page, setting, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.path", [*sys.path])
    setting["sides"][0]["net"] = "changing_net.py:make"
    text = "from chainrule import nn\ndef make():\n    return nn.Sequential(nn.Linear(2, {}))\n"
    for text_now in (text.format("7), nn.Linear(7, 2"), text.format(2)):
        (tmp_path / "changing_net.py").write_text(text_now, encoding="utf-8")
        page.do("build", setting=setting)
    sizes = [m["sides"][0]["parameters"] for m in page.messages if m["type"] == "built"]
    assert sizes == [2 * 7 + 7 + 7 * 2 + 2, 2 * 2 + 2]


def start_long_epoch(setting):
    """(a session whose epoch takes seconds, and has begun; what it sends)"""
    setting["data"] = {"name": "digit_images", "train": 2000, "test": 10, "standardize": "all"}
    layers = [["Conv2d", 16, 5], "ReLU", ["Conv2d", 16, 5], "ReLU"]
    setting["sides"][0]["net"]["layers"] = layers
    sent: Queue[dict[str, Any]] = Queue()
    session = Session(sent.put)
    session.start()
    session.ask({"do": "build", "setting": {**setting, "seeds": 8}})
    assert [sent.get(timeout=60)["type"] for _ in range(2)] == ["built", "frame"]
    session.ask({"do": "step", "epochs": 100})
    while not session.player.long_work:
        time.sleep(0.01)
    time.sleep(0.2)
    return session, sent


def test_the_ends_of_all_sessions_are_waited_for(monkeypatch):
    monkeypatch.setattr("chainrule.web.playground.session.SESSIONS", WeakSet())
    may_end = Event()
    session = Session(lambda message: may_end.wait(30))
    session.start()
    session.ask({"do": "dance"})
    assert not join_sessions(0.05)
    session.close()
    may_end.set()
    assert join_sessions(30)


@pytest.mark.slow
def test_an_epoch_that_takes_long_ends_with_its_page(setting):
    session, _ = start_long_epoch(setting)
    session.close()
    session.join(10)
    assert not session.is_alive


def test_a_pause_does_not_wait_for_an_epoch_that_takes_long(setting):
    session, sent = start_long_epoch(setting)
    session.ask({"do": "pause"})
    assert sent.get(timeout=30)["epoch"] < 100
    session.ask({"do": "build", "setting": SMALL})
    while sent.get(timeout=30)["type"] != "built":
        pass
    session.close()
    session.join(10)
    assert not session.is_alive


def test_a_side_that_an_interrupt_left_behind_is_trained_first(page, setting):
    setting["sides"].append(setting["sides"][0])
    page.do("build", setting=setting)
    page.player.sides[0].advance()
    page.do("seek", epoch=1)
    caught_up = page.do("step")
    assert caught_up["epoch"] == 1
    assert [len(side["test_loss"]["mean"]) for side in caught_up["curves"]] == [1, 1]
    assert [side.epoch for side in page.player.sides] == [1, 1]
    assert page.do("step")["epoch"] == 2


def test_a_csv_file_of_numbers_has_a_loss_and_no_accuracy(page, setting, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rows = "".join(f"{i},{i % 7},{2 * i}\n" for i in range(40))
    (tmp_path / "rows.csv").write_text("a,b,y\n" + rows, encoding="utf-8")
    setting["data"] = {"name": "table", "csv": "rows.csv", "target": "y", "standardize": "feature"}
    setting["data"]["standardize_target"] = True
    lost = {**setting, "data": {**setting["data"], "csv": "lost.csv"}}
    assert page.do("build", setting=lost)["message"] == "lost.csv: No such file or directory"
    setting["sides"][0]["loss"] = "MSELoss"
    assert page.do("build", setting=setting)["type"] == "frame"
    assert page.messages[1]["samples"]["kind"] == "regression"
    assert [*page.do("step")["curves"][0]] == ["train_loss", "test_loss"]


def test_the_map_of_a_number_goes_from_the_least_target_to_the_largest(page, setting, tmp_path):
    path = tmp_path / "plane.csv"
    path.write_text(
        "a,b,y\n" + "".join(f"{i / 4},{i % 7 + 0.5},{i / 2}\n" for i in range(40)), encoding="utf-8"
    )
    setting["data"] = {"name": "table", "csv": str(path), "target": "y", "standardize": "feature"}
    setting["sides"][0] |= {"loss": "MSELoss", "init": "Zeros"}
    frame = page.do("build", setting=setting)
    assert set(frame["sides"][0]["map"]["mean"].tolist()) == {0}  # 0 is the least


def test_digits_are_shown_with_the_share_of_seeds_that_tell_them(page, setting):
    setting["data"] = {"name": "digit_images", "train": 50, "test": 20, "standardize": "all"}
    page.do("build", setting=setting)
    shares = page.do("step")["sides"][0]["right"]
    assert len(shares) == 20
    assert all(0 <= share <= 1 for share in shares)
    assert len(page.messages[0]["samples"]["images"]) == 20


def test_where_all_nets_have_diverged_playing_ends(page, setting):
    setting["sides"][0] |= {"loss": "MSELoss", "optimizer": {"name": "SGD", "lr": 1e12}}
    setting["sides"][0]["net"]["layers"] = [["Linear", 5], "ReLU", ["Linear", 5], "ReLU"]
    page.do("build", setting=setting)
    page.do("play")
    for _ in range(20):
        page.do("advance")
    assert not page.player.playing
    assert "diverged in epoch" in page.messages[-1]["sides"][0]["diverged"][0]


def test_playing_goes_on_until_it_is_told_to_pause():
    sent: Queue[dict[str, Any]] = Queue()
    session = Session(sent.put)
    session.start()
    session.ask({"do": "build", "setting": SMALL})
    session.ask({"do": "play", "speed": 0})
    while sent.get(timeout=30).get("epoch", 0) < 3:
        pass
    session.ask({"do": "pause"})
    while sent.get(timeout=30).get("playing", True):
        pass
    session.close()
    session.join(10)
    assert not session.is_alive


ENDLESS = """
from chainrule import nn
def endless():
    while True: pass
"""


def test_a_net_that_is_never_made_gives_way_to_another_setting(tmp_path, monkeypatch, setting):
    (tmp_path / "endless_net.py").write_text(ENDLESS, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    sent: Queue[dict[str, Any]] = Queue()
    session = Session(sent.put)
    session.start()
    setting["sides"][0]["net"] = {"name": "endless_net.py:endless"}
    session.ask({"do": "build", "setting": setting})
    while session.player.long_work != "build":
        time.sleep(0.01)
    time.sleep(0.3)
    session.ask({"do": "build", "setting": SMALL})
    assert [sent.get(timeout=30)["type"] for _ in range(2)] == ["built", "frame"]
    session.close()
    session.join(10)
    assert not session.is_alive


def test_a_net_of_ones_own_is_measured_before_its_numbers_are_made(
    page, setting, tmp_path, monkeypatch
):
    """The numbers of this one would take 360 GB."""
    text = "from chainrule import nn\ndef vast():\n    return nn.Sequential("
    text += "nn.Linear(2, 300_000), nn.Linear(300_000, 300_000), nn.Linear(300_000, 2))\n"
    (tmp_path / "vast_net.py").write_text(text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    setting["sides"][0]["net"] = {"name": "vast_net.py:vast"}
    assert "at most 20,000,000 in all" in page.do("build", setting=setting)["message"]


def test_a_page_that_is_gone_ends_its_session():
    def send(message: dict[str, Any]) -> None:
        raise ConnectionError

    session = Session(send)
    session.start()
    session.ask({"do": "dance"})
    session.join(10)
    assert not session.is_alive
