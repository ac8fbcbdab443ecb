"""``chainrule plot`` and ``report``."""

from __future__ import annotations

import pytest

from chainrule.study import Study, run
from tests.cli.conftest import TINY


def test_every_figure_that_makes_sense_is_written_and_named(call, finished, tmp_path):
    code, out, err = call("plot", "tiny", "--format", "svg")
    folder = tmp_path / "runs" / "tiny"
    names = sorted(path.name for path in folder.iterdir())
    assert (code, out) == (0, "")
    assert names == [
        "boxes.svg",
        "curve-grid.svg",
        "curves-test_accuracy.svg",
        "curves-test_loss.svg",
        "data.svg",
        "differences.svg",
        "effects.svg",
        "search-large.svg",
        "search-small.svg",
        "seconds.svg",
        "validation.svg",
    ]
    assert all(f"wrote runs/tiny/{name}\n" in err for name in names)


@pytest.mark.parametrize(("form", "begin"), [("png", b"\x89PNG"), ("pdf", b"%PDF")])
def test_one_kind_in_another_folder_and_format(call, finished, tmp_path, form, begin):
    code, _, err = call("plot", "tiny", "boxes", "-o", "a/b", "--format", form)
    assert (code, err) == (0, f"wrote a/b/boxes.{form}\n")
    assert (tmp_path / "a" / "b" / f"boxes.{form}").read_bytes().startswith(begin)


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        ((), "-o a/p.svg is one file, not 11 figures (data, boxes, seconds, …)"),
        (("curves",), "is one file, not 2 figures (curves-test_loss, curves-test_accuracy)"),
        (
            ("boxes", "--format", "pdf"),
            "-o a/p.svg: expected a file that ends in .pdf, or a folder",
        ),
        (("boxes", "-o", "p.jpg"), "-o p.jpg: expected a file that ends in .png or .svg or .pdf"),
        (("boxes",), ""),
    ],
)
def test_the_file_of_a_picture_takes_one_figure(call, finished, tmp_path, words, problem):
    code, _, err = call("plot", "tiny", "-o", "a/p.svg", *words)
    if not problem:
        assert (code, err) == (0, "wrote a/p.svg\n")
        assert b"<svg" in (tmp_path / "a" / "p.svg").read_bytes()
    else:
        assert code == 2
        assert problem in " ".join(err.replace("│", "").split())
        assert not (tmp_path / "a").exists()


def test_what_there_is_too_little_for_is_left_out_unless_asked_for(call, tmp_path):
    (tmp_path / "runs").mkdir()
    run(Study.from_toml(TINY), arms="small-slow", store=tmp_path / "runs" / "tiny.sqlite")
    code, _, err = call("plot", "tiny")
    assert code == 0
    assert "no differences: " in err
    code, _, err = call("plot", "tiny", "differences")
    assert code == 1
    assert err.startswith("chainrule: ")


def test_several_runs_give_their_critical_differences(call, finished, tmp_path):
    for seed in (5, 6):
        run(Study.from_toml(TINY).with_overrides(seed=seed), store=tmp_path / f"{seed}.sqlite")
    code, _, err = call("plot", "tiny", "5.sqlite", "6.sqlite", "-o", "figures")
    assert (code, err) == (0, "wrote figures/critical-differences.png\n")
    assert call("plot", "tiny", "5.sqlite", "boxes")[0] == 2


def test_a_kind_needs_a_run(call):
    code, _, err = call("plot", "boxes")
    assert code == 2
    assert "RUN" in err


def test_the_page_is_written(call, finished, tmp_path):
    code, out, err = call("report", "tiny")
    assert (code, out, err) == (0, "", "wrote runs/tiny.html\n")
    assert "<html" in (tmp_path / "runs" / "tiny.html").read_text(encoding="utf-8")
    assert call("report", "runs/tiny.sqlite", "-o", "c/page.html")[2] == "wrote c/page.html\n"


def test_a_folder_that_cannot_be_made_is_named(call, finished, tmp_path):
    (tmp_path / "taken").write_text("a file", encoding="utf-8")
    code, _, err = call("report", "tiny", "-o", "taken/page.html")
    assert code == 1
    assert err.startswith("chainrule: no folder taken")


def test_arms_and_dots_are_chosen(call, finished, tmp_path):
    for dpi in ("40", "80"):
        assert call("plot", "tiny", "curves", "--arms", "large*", "--dpi", dpi, "-o", dpi)[0] == 0
    sizes = [(tmp_path / dpi / "curves-test_loss.png").stat().st_size for dpi in ("40", "80")]
    assert sizes[0] < sizes[1]
    code, _, err = call("plot", "tiny", "curves", "--arms", "huge")
    assert code == 1
    assert "huge" in err


def test_what_saved_nets_learned(call, tmp_path):
    assert call("run", write_tiny(tmp_path), "--nets", "nets", "--jobs", "1")[0] == 0
    code, _, err = call("plot", "tiny", "outputs", "predictions", "--nets", "nets")
    assert (code, err) == (
        0,
        "wrote runs/tiny/outputs.png\nwrote runs/tiny/predictions.png\n",
    )


def test_without_the_nets_their_figures_are_refused(call, finished):
    code, _, err = call("plot", "tiny", "outputs")
    assert code == 1
    assert "chainrule nets tiny -o nets" in err


def write_tiny(folder) -> str:
    path = folder / "tiny.toml"
    path.write_text(TINY, encoding="utf-8")
    return str(path)
