"""The drawing of the front says what the figures say."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure

from maskcover import choose
from maskcover.plot import draw_choice
from tests.choosing.worlds import Hashing, images_of


def test_points_are_costs_and_certified_fractions_and_the_front_goes_through_the_best() -> None:
    choice = choose(
        Hashing(2), images_of(24, 12), np.zeros(24, np.int64), "squares(size=2)", serving=12,
        candidates=["grid(2, 2)", "grid(3, 3)", "grid(4, 4)"], procedures=["double_masking()"],
    )  # fmt: skip
    # As if the dearer candidates certified more, so that the front has several points.
    ranking = sorted(choice.ranking, key=lambda entry: -entry.cost("serving"))
    better = [replace(entry, certified=np.arange(24) < 20 - 4 * place) for place, entry in enumerate(ranking)]
    choice = replace(choice, ranking=tuple(better))
    axes = Figure().add_subplot()
    ax = draw_choice(choice, axes)
    assert ax is axes
    lines = {str(line.get_label()): np.asarray(line.get_xydata()).tolist() for line in ax.lines}
    front = [[entry.cost("serving"), 100 * entry.certified_fraction] for entry in choice.front]
    assert lines["Pareto front"] == front
    assert lines[f"chosen: {choice.winner.candidate}"] == [
        [choice.winner.cost("serving"), 100 * choice.winner.certified_fraction]
    ]
    assert [x for x, _ in lines["at most 12 masked predictions an image when serving (mean)"]] == [12, 12]
    low, high = choice.winner.certified_interval
    (bars,) = (collection for collection in ax.collections if isinstance(collection, LineCollection))
    heights = np.asarray(bars.get_segments()[0])[:, 1]
    assert heights.tolist() == pytest.approx([100 * low, 100 * high])
    assert ax.get_title() == "squares(size=2), 24 images"
    assert len(front) == len(choice.ranking) == 3


def test_without_axes_a_figure_is_made() -> None:
    choice = choose(
        Hashing(2), images_of(4, 12), np.zeros(4, np.int64), "squares(size=2)", candidates=["grid(2, 2)"], certifying=99
    )
    assert draw_choice(choice).get_xlabel() == "masked predictions an image when certifying"
