"""``chainrule nets``, and the figures that need them."""

from __future__ import annotations

import shlex

import pytest

HERE = ("--jobs", "1")


def test_the_nets_of_a_run_are_saved_where_run_saves_them(call, tiny, finished, tmp_path):
    chosen = ("--arms", "small,large-*", "--rounds", "0,2")
    code, out, err = call("nets", "tiny", *HERE, *chosen, "-o", "n")
    assert (code, out) == (0, "")
    assert err.endswith("wrote 4 nets to n\n")
    names = sorted(str(path.relative_to(tmp_path / "n")) for path in tmp_path.rglob("n/*/*"))
    assert names == [
        f"{arm}/round-00{r}.safetensors" for arm in ("large-slow", "small") for r in (0, 2)
    ]


def test_a_finished_study_that_is_run_with_nets_has_the_same(call, tiny, finished, tmp_path):
    assert call("nets", tiny, *HERE, "-o", "again")[0] == 0
    assert call("run", tiny, *HERE, "--nets", "kept")[0] == 0
    files = [
        {str(p.relative_to(tmp_path / name)): p.read_bytes() for p in tmp_path.rglob(f"{name}/*/*")}
        for name in ("again", "kept")
    ]
    assert len(files[0]) == 12
    assert files[0] == files[1]


def test_a_figure_whose_nets_are_missing_says_the_command_that_makes_them(call, tiny, finished):
    plot = ("plot", "tiny", "outputs", "--arms", "small")
    code, _, err = call(*plot)
    assert code == 1
    assert "no net of arm small, round 0, in nets" in err
    made = shlex.split(err.splitlines()[-1])
    assert made == ["chainrule", "nets", "tiny", "--arms", "small", "-o", "nets"]
    assert call(*made[1:], *HERE)[0] == 0
    assert call(*plot, "--nets", "nets")[0] == 0
    code, _, err = call(*plot)
    assert code == 2
    assert "say --nets nets" in err


@pytest.mark.parametrize("rounds", ["0,", "one", "-1", "0;1"])
def test_rounds_are_numbers(call, tiny, finished, rounds):
    code, _, err = call("nets", "tiny", f"--rounds={rounds}", "-o", "n")
    assert code == 2
    assert "--rounds is numbers with commas, such as 0,3" in " ".join(err.split())
