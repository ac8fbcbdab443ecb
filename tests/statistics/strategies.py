"""What hypothesis draws: the scores of two arms, as continuous numbers or as accuracies."""

from __future__ import annotations

from hypothesis import strategies as st

CONTINUOUS = st.floats(-1, 1, allow_subnormal=False)
ACCURACIES = st.integers(0, 20).map(lambda right: right / 20)


@st.composite
def arms(draw, how_many=2, least=2, most=12):
    """Some lists of scores of the same length."""
    n = draw(st.integers(least, most))
    score = draw(st.sampled_from([CONTINUOUS, ACCURACIES]))
    return [draw(st.lists(score, min_size=n, max_size=n)) for _ in range(how_many)]


PROBABILITIES = st.lists(st.floats(0, 1), min_size=1, max_size=12)
