"""What one open page shows and does: a setting, its nets in training, and the answers to clicks."""

from __future__ import annotations

import time
from collections.abc import Callable
from math import isfinite
from typing import Any, TypeAlias, final

from chainrule._util.user_code import describe_error
from chainrule.web.playground.code import python_code, study_toml
from chainrule.web.playground.frames import build_frame, recent_curves
from chainrule.web.playground.glass import explain_layer, explain_unit, explain_weight
from chainrule.web.playground.samples import PlaygroundSamples, load_samples
from chainrule.web.playground.setting import Setting, read_setting
from chainrule.web.playground.side import Side

__all__ = ["Message", "Player"]

Message: TypeAlias = dict[str, Any]

FRAME_SECONDS = 0.025
"""The least time from one picture to the next."""

MAX_EPOCHS = 10_000


@final
class Player:
    """Does what a page asks, one thing after the other.

    ``send`` hands a message to the page, and raises ConnectionError where that is gone. An error of
    what was asked becomes a message, and what was there before stays. ``is_asked`` says whether
    there is something else to do.
    """

    def __init__(
        self, send: Callable[[Message], None], is_asked: Callable[[], bool] = lambda: False
    ) -> None:
        self.send, self.is_asked = send, is_asked
        self.setting: Setting | None = None
        self.samples: PlaygroundSamples | None = None
        self.sides: list[Side] = []
        self.playing = False
        self.long_work: str | None = None
        """What it does now that may take long: "build" or "train"."""
        self.speed = 0.0
        self.k = 0
        self._sent = 0

    def handle(self, command: Message) -> None:
        """Do one thing; whatever is wrong with it is told to the page."""
        try:
            action = ACTIONS.get(str(command.get("do")))
            if action is None:
                raise ValueError(f"no command {command.get('do')!r}")
            if action is not Player.build and not self.sides:
                raise ValueError("there is no net yet: choose a setting first")
            action(self, command)
        except ConnectionError:
            raise
        except (Exception, SystemExit) as error:  # of a net of the user's: anything
            self.playing = False
            message = describe_error(error)
            self.send({"type": "error", "message": message, "about": command.get("do")})

    def build(self, command: Message) -> None:
        """Take a setting: its samples are drawn, its nets made; nothing is trained yet."""
        self.long_work = "build"
        try:
            setting = read_setting(command.get("setting"))
            samples = self._find_samples(setting)
            sides = [Side(setting, side, samples) for side in setting.sides]
        finally:
            self.long_work = None
        self.setting, self.samples, self.sides = setting, samples, sides
        self.playing, self._sent, self.k = False, 0, min(self.k, setting.seeds - 1)
        self.send(
            {
                "type": "built",
                "samples": samples.describe(),
                "sides": [side.describe() for side in sides],
                "seeds": setting.seeds,
            }
        )
        self.show(self.epoch)

    def _find_samples(self, setting: Setting) -> PlaygroundSamples:
        """Those of a setting; where it has those that are here, these."""
        if self.samples is None or self.setting is None or not same_data(self.setting, setting):
            return load_samples(setting.data, setting.seed)
        return self.samples

    @property
    def epoch(self) -> int:
        """How many are done."""
        return max(side.epoch for side in self.sides)

    def play(self, command: Message) -> None:
        """Train on and on; ``speed`` is epochs a second, 0 as many as there are."""
        self.speed = max(0.0, read_number(command, "speed", self.speed))
        self.playing = True

    def pause(self, command: Message) -> None:
        """Stop, and show where."""
        self.playing = False
        self.show(self.epoch)

    def step(self, command: Message) -> None:
        """An epoch, or so many."""
        self.playing = False
        for _ in range(min(max(1, read_whole(command, "epochs", 1)), MAX_EPOCHS)):
            if not self.train_epoch():
                break
        self.show(self.epoch)

    def advance(self, command: Message) -> None:
        """As many epochs as there is time for until the next picture, then the picture."""
        start = time.monotonic()
        self.train_epoch()
        until = start + (1 / self.speed if self.speed else FRAME_SECONDS)
        while self.speed == 0 and self.playing and time.monotonic() < until:
            self.train_epoch()
        self.show(self.epoch)
        while self.playing and (left := until - time.monotonic()) > 0:
            if self.is_asked():
                return
            time.sleep(min(left, FRAME_SECONDS))

    def train_epoch(self) -> bool:
        """One epoch of each side; False, and playing ends, where there is nothing left to train.

        That is so too where it was interrupted; a side that it left behind is trained first.
        """
        before = [side.epoch for side in self.sides]
        behind = [side for side in self.sides if side.epoch < self.epoch and side.is_running]
        self.long_work = "train"
        try:
            for side in behind or self.sides:
                side.advance()
                if side.was_interrupted:
                    break
        finally:
            self.long_work = None
        goes_on = [side.epoch for side in self.sides] != before and self.epoch < MAX_EPOCHS
        goes_on = goes_on and not any(side.was_interrupted for side in self.sides)
        self.playing = self.playing and goes_on
        return goes_on

    def seek(self, command: Message) -> None:
        """Look back at an epoch, or at another seed."""
        assert self.setting is not None
        self.k = min(max(0, read_whole(command, "seed", self.k)), self.setting.seeds - 1)
        self.show(read_whole(command, "epoch", self.epoch))

    def show(self, epoch: int) -> None:
        """Send a picture, and the curves since the last."""
        frames = [build_frame(side, epoch, self.k) for side in self.sides]
        curves = [recent_curves(side, self._sent) for side in self.sides]
        self.send(
            {
                "type": "frame",
                "epoch": self.epoch,
                "from": self._sent,
                "seed": self.k,
                "playing": self.playing,
                "sides": frames,
                "curves": curves,
            }
        )
        running = [side.epoch for side in self.sides if side.is_running]
        self._sent = min(running, default=self.epoch)

    def show_layer(self, command: Message) -> None:
        """How a layer is written."""
        side = self._side(command)
        layers, path = dict(side.view.named_modules()), str(command.get("path"))
        if path not in layers:
            raise ValueError(f"no layer {path!r}")
        self._answer(command, explain_layer(layers[path]))

    def show_weight(self, command: Message) -> None:
        """Where the gradient of a weight comes from."""
        side = self._side(command)
        shown = side.look_at(read_whole(command, "epoch", side.epoch))
        path, index = str(command.get("path")), command.get("index")
        self._answer(command, explain_weight(side, self.k, shown, path, index))

    def show_unit(self, command: Message) -> None:
        """What a unit responds to."""
        side = self._side(command)
        side.look_at(read_whole(command, "epoch", side.epoch))
        path, unit = str(command.get("path")), read_whole(command, "unit", 0)
        self._answer(command, explain_unit(side, self.k, path, unit))

    def show_code(self, command: Message) -> None:
        """The same as Python, and as a study."""
        assert self.setting is not None
        assert self.samples is not None
        written = {
            "python": python_code(self.setting, self.samples, self.epoch),
            "toml": study_toml(self.setting, self.samples, self.epoch),
        }
        self._answer(command, written)

    def _side(self, command: Message) -> Side:
        return self.sides[min(max(0, read_whole(command, "side", 0)), len(self.sides) - 1)]

    def _answer(self, command: Message, found: Message) -> None:
        self.send({"type": "answer", "to": command["do"], "side": command.get("side", 0), **found})


def read_number(command: Message, name: str, default: float) -> float:
    """A number of a command. Raises ValueError where it is none."""
    value = command.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
        raise ValueError(f"{name}: expected a number, got {value!r}")
    return value


def read_whole(command: Message, name: str, default: int) -> int:
    """A whole number of a command. Raises ValueError where it is none."""
    value = read_number(command, name, default)
    if value != int(value):
        raise ValueError(f"{name}: expected a whole number, got {value!r}")
    return int(value)


def same_data(a: Setting, b: Setting) -> bool:
    """Whether two settings draw the same samples."""
    return (a.data, a.seed) == (b.data, b.seed)


ACTIONS: dict[str, Callable[[Player, Message], None]] = {
    "build": Player.build,
    "play": Player.play,
    "pause": Player.pause,
    "step": Player.step,
    "advance": Player.advance,
    "seek": Player.seek,
    "layer": Player.show_layer,
    "weight": Player.show_weight,
    "unit": Player.show_unit,
    "code": Player.show_code,
}
"""What a page may ask for."""
