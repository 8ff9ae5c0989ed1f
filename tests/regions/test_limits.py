"""Texts that would take for ever are refused in one sentence, and long unions are decided."""

from __future__ import annotations

import numpy as np
import pytest

import maskcover as mc
from maskcover.regions.base import brief, prune

LARGE = mc.Grid((2**20, 2**19))


@pytest.mark.parametrize(
    ("regions", "size", "message"),
    [
        ("rectangles(area=0.5)", LARGE, "more than 100,000 shapes"),
        ("rectangles(area=0.5)", mc.Grid((300, 300, 300)), "more than 20,000 shapes"),
        ("within(rectangles(area=0.5), (0, 0, 9, 9))", LARGE, "more than 100,000 shapes"),
        ("stripes(width=1)", mc.Grid((2**39,)), "more than 50,000 places"),
        ("stripes(width=1)", LARGE, "more than 50,000 places"),
        ("tubes(squares(size=1), frames=1)", mc.Grid((2**30, 4, 4)), "more than 20,000 frames"),
        ("through(squares(size=5), Resize(65536), source=(65536, 65536))", mc.Grid((65536, 65536)), "takes .* steps"),
    ],
)
def test_threat_56_what_would_take_for_ever_is_refused(regions: str, size: mc.Grid, message: str) -> None:
    with pytest.raises(mc.InvalidInput, match=message):
        mc.parse_regions(regions).terms(size)


def test_threat_56_a_union_of_thousands_of_shapes_is_decided() -> None:
    members = [mc.rectangle(1 + number % 40, 1 + number // 40) for number in range(1600)]
    (term,) = mc.union(*members).terms(mc.Grid((40, 40)))
    assert term.shapes == ((40, 40),)


def test_boxes_are_compared_only_so_often_and_kept_after_that(monkeypatch: pytest.MonkeyPatch) -> None:
    regions = [mc.within(mc.squares(size), (0, size, 12, 14 - size)) for size in range(1, 6)]
    stencils = [stencil for family in regions for stencil in family.terms(mc.Grid((12, 14)))[0].slots[0]]
    full = prune(stencils)
    monkeypatch.setattr("maskcover.regions.base._MOST_COMPARED", 3)
    kept = prune(stencils)
    assert len(kept) >= len(full)
    for stencil in stencils:
        places = [
            other.places for other in kept if all(a >= b for a, b in zip(other.extents, stencil.extents, strict=True))
        ]
        assert places
    assert {stencil.cells for stencil in kept} == {stencil.cells for stencil in stencils}


def test_long_texts_are_cut_in_messages() -> None:
    long = mc.union(*(mc.rectangle(number, 15) for number in range(1, 400)))
    assert len(brief(long)) == 193
    assert brief(mc.squares(3)) == "squares(size=3)"
    with pytest.raises(mc.InvalidInput) as refusal:
        mc.patches(mc.union(long, mc.patches(mc.squares(1), 2)), 2)
    assert len(str(refusal.value)) < 300


def test_boxes_that_are_too_intricate_to_draw_are_refused() -> None:
    steps = np.arange(100_000)
    bounds = np.stack(
        [np.stack([2 * steps, 2 * steps], axis=1), np.stack([2 * steps + 1, 2 * steps + 1], axis=1)], axis=1
    )
    with pytest.raises(mc.InvalidInput, match="too intricate"):
        mc.Cells.from_bounds(bounds)


@pytest.mark.parametrize(
    "regions",
    ["squares(area=2)", "rectangles(area=8, min_side=2)", "within(patches(squares(area=3), k=2), (0, 0, 9, 9))"],
)
def test_an_area_of_a_few_pixels_asks_whether_a_fraction_was_meant(regions: str) -> None:
    # Once for a set and a grid, of a size that no other test has.
    with pytest.warns(mc.MaskcoverWarning, match=r"pixels of 227×229; was a fraction meant\?.* is \w+\(area=\"\d%\"\)"):
        mc.parse_regions(regions).describe((227, 229))


@pytest.mark.parametrize(
    ("regions", "size"),
    [("squares(area=9)", 224), ("squares(area=0.02)", 224), ("squares(area=2)", (12, 14)), ("squares(size=2)", 224)],
)
@pytest.mark.filterwarnings("error")
def test_other_areas_ask_nothing(regions: str, size: int | tuple[int, int]) -> None:
    assert mc.parse_regions(regions).describe(size).pixels
