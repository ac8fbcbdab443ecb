"""Take the pictures of the app that the pages show, light and dark: docs/assets/playground-*.png, …

python -m scripts.app_pictures, with the extra chainrule[test] and the system's chromium.
"""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from PIL import Image
from tests.web.browser import chromium, open_page, read_number, running_app, wait_until

ASSETS = Path(__file__).parents[1] / "docs" / "assets"

SCREEN = {"width": 1440, "height": 960}

EPOCHS = 60


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


def main() -> None:
    """Take all of them."""
    with TemporaryDirectory() as folder, running_app(Path(folder)) as address:
        for scheme in ("light", "dark"):
            with chromium() as browser:
                options = {"viewport": SCREEN, "color_scheme": scheme}
                with open_page(browser, address, **options) as page:
                    picture_playground(page, scheme)


if __name__ == "__main__":
    main()
