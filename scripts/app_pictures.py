"""Take the pictures of the app that the pages show, light and dark, as docs/assets/*.png.

python -m scripts.app_pictures, with the extra chainrule[test] and the system's chromium.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from PIL import Image
from tests.web.browser import chromium, open_page, read_number, running_app, wait_until

ASSETS = Path(__file__).parents[1] / "docs" / "assets"

SCREEN = {"width": 1440, "height": 960}

EPOCHS = 60

STUDY_SCREEN = {"width": 960, "height": 950}

STUDY = """
name = "widths"
summary = "hidden units of a net that tells the disk from its surroundings"
rounds = 24
epochs = 60
batch_size = 10
cohort_size = 4
loss = "CrossEntropyLoss"

[data]
name = "disk_points"
train = 1000
test = 300

[net]
name = "disk_net"

[optimizer]
name = "Adam"
lr = 0.003

[arms.narrow]
net.hidden = 4

[arms.middle]
net.hidden = 16

[arms.wide]
net.hidden = 64
"""


def save_picture(picture: bytes, name: str) -> None:
    """Write a picture in 200 colours, which is a third of its size."""
    image = Image.open(BytesIO(picture)).convert("RGB")
    image.quantize(200, dither=Image.Dither.NONE).save(ASSETS / f"{name}.png", optimize=True)


def picture_playground(page: Any, scheme: str) -> None:
    """The disk after some epochs; and where the gradient of a weight comes from."""
    wait_until(lambda: read_number(page, "pictures") >= 1)
    page.click("#play")
    wait_until(lambda: read_number(page, "epoch") >= EPOCHS)
    page.click("#play")
    wait_until(lambda: read_number(page, "playing") == 0)
    save_picture(page.screenshot(), f"playground-{scheme}")
    page.locator(".weight canvas.cells").first.click(position={"x": 60, "y": 5})
    page.wait_for_selector("dialog table.sums")
    save_picture(page.locator("dialog").screenshot(), f"weight-{scheme}")


@contextmanager
def running_study(folder: Path) -> Iterator[None]:
    """A study that runs in a process of its own, until it is not needed any more."""
    (folder / "widths.toml").write_text(STUDY, encoding="utf-8")
    command = [sys.executable, "-m", "chainrule", "run", "widths.toml", "--jobs", "1", "--quiet"]
    process = subprocess.Popen(command, cwd=folder)
    try:
        yield
    finally:
        process.kill()
        process.wait()


def picture_study(page: Any, address: str, scheme: str) -> None:
    """A study when a third of it is done: how far it is, and its curves."""
    page.goto(address.partition("?")[0] + "studies")
    page.get_by_role("link", name="widths/1").click()
    page.get_by_role("tab", name="Curves").click()
    page.get_by_text("Arms: 3").click()
    progress = page.get_by_label("trainings done")
    wait_until(lambda: 3 * progress.evaluate("(bar) => bar.value") > 24 * 3, 300)
    page.get_by_text("test loss: mean").wait_for()
    page.mouse.move(0, 0)
    save_picture(page.screenshot(), f"study-{scheme}")


def main() -> None:
    """Take all of them."""
    for scheme in ("light", "dark"):
        with (
            TemporaryDirectory() as folder,
            running_app(Path(folder)) as address,
            chromium() as browser,
        ):
            options = {"viewport": SCREEN, "color_scheme": scheme}
            with open_page(browser, address, **options) as page:
                picture_playground(page, scheme)
            options = {"viewport": STUDY_SCREEN, "color_scheme": scheme}
            with running_study(Path(folder)), open_page(browser, address, **options) as page:
                picture_study(page, address, scheme)


if __name__ == "__main__":
    main()
