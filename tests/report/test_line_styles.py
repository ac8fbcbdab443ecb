"""Up to sixty lines are told from each other."""

import itertools

from chainrule.report.line_styles import line_style


def test_sixty_lines_and_sixty_marks_differ():
    styles = [line_style(i) for i in range(60)]
    assert len({(style.color, style.dashes) for style in styles}) == 60
    assert len({(style.color, style.marker) for style in styles}) == 60


def test_neighbours_differ_in_colour_and_in_mark():
    styles = [line_style(i) for i in range(60)]
    for one, other in itertools.pairwise(styles):
        assert one.color != other.color
        assert one.marker != other.marker


def test_dashes_are_as_matplotlib_has_them():
    assert line_style(0).linestyle == "-"
    assert line_style(6).linestyle == (0, line_style(6).dashes)
