"""Every public function of the geometry refuses what it cannot mean, by name, and writes nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import maskcover as mc

# Called as a user without a type checker would call it.
ANY: Any = mc
MASKS = mc.MaskSet.from_boxes([(0, 0, 4, 9), (5, 0, 4, 9)], image_size=9)
SQUARES = mc.squares(3)


class Odd:
    """Something that is nothing, and shows itself when printed."""

    def __repr__(self) -> str:
        return "<odd>"


@dataclass(frozen=True)
class Case:
    """A call, the name of the public function that is called, and what its refusal says."""

    public: str
    call: Callable[[], object]
    message: str


CASES = [
    Case("Box", lambda: ANY.Box(None, (1,)), "start must be whole numbers"),
    Case("Box", lambda: ANY.Box((0,), 1), "stop must be whole numbers"),
    Case("Box", lambda: ANY.Box("a", "b"), "start must be whole numbers; got 'a'"),
    Case("Box", lambda: mc.Box((3, 3), (3, 4)), r"0 <= start < stop .* on every axis; got .*\(3, 3\)"),
    Case("Box", lambda: mc.Box.at((0, 0), (1,)), "as many|axes"),
    Case("Box", lambda: ANY.Box.at((0, 0), None), "extents must be whole numbers"),
    Case("Grid", lambda: ANY.Grid(None), "image_size must be whole numbers"),
    Case("Grid", lambda: ANY.Grid(224), "image_size must be whole numbers"),
    Case("Grid", lambda: mc.Grid((224, 0)), "at least 1 pixel"),
    Case("Grid", lambda: ANY.Grid.of(None), "image_size must be whole numbers"),
    Case("Grid", lambda: ANY.Grid.of(Odd()), "image_size must be whole numbers"),
    Case("Grid", lambda: ANY.Grid.of("224"), "image_size must be whole numbers"),
    Case("Mask", lambda: ANY.Mask(None), "[Bb]ox"),
    Case("Mask", lambda: ANY.Mask([Odd()]), "[Bb]ox"),
    Case("Mask", lambda: mc.Mask([mc.Box((0,), (1,)), mc.Box((0, 0), (1, 1))]), "same number of axes"),
    Case("Mask", lambda: ANY.Mask.from_array("hidden"), "bool"),
    Case("Mask", lambda: ANY.Mask.from_array(np.zeros((3, 3))), "bool"),
    Case("MaskSet", lambda: ANY.MaskSet(224, ()), "[Gg]rid"),
    Case("MaskSet", lambda: ANY.MaskSet(mc.Grid((9, 9)), [mc.Box((0, 0), (1, 1))]), "[Mm]ask"),
    Case("MaskSet", lambda: ANY.MaskSet.from_boxes(7), "expected boxes"),
    Case("MaskSet", lambda: ANY.MaskSet.from_boxes([Odd()]), "expected boxes"),
    Case("MaskSet", lambda: ANY.MaskSet.from_boxes([(0, 0, 1, None)], 9), "whole numbers"),
    Case("MaskSet", lambda: mc.MaskSet.from_boxes([(0, 0, 9, 10)], 9), "does not lie on the 9×9 grid"),
    Case("MaskSet", lambda: ANY.MaskSet.from_array(Odd()), "expected a bool array"),
    Case("MaskSet", lambda: mc.MaskSet.from_array(np.ones((1, 9, 9)) * 255), "expected a bool array"),
    Case("verify", lambda: ANY.verify(SQUARES, MASKS), r"first; got Squares .*verify\(masks, regions\)"),
    Case("verify", lambda: ANY.verify("squares(3)", MASKS), "other way round"),
    Case(
        "verify",
        lambda: ANY.verify(SQUARES),
        r"cover\(squares\(size=3\)\) makes masks for",
    ),
    Case(
        "lower_bound",
        lambda: ANY.lower_bound(SQUARES, 9, max_mask_shape="99"),
        "max_mask_shape must be 2 whole .* '99'",
    ),
    Case(
        "lower_bound", lambda: ANY.lower_bound(SQUARES, 9, max_mask_shape=9), "max_mask_shape must be 2 whole numbers"
    ),
    Case("lower_bound", lambda: ANY.lower_bound(SQUARES, 9, max_mask_shape=(9, 9.5)), "max_mask_shape must be 2 whole"),
    Case("lower_bound", lambda: mc.lower_bound(SQUARES, 9, max_mask_shape=(9, 9, 9)), "max_mask_shape must be 2 whole"),
    Case(
        "lower_bound", lambda: ANY.lower_bound(SQUARES, 9, max_mask_area=9, time_limit=Odd()), "time_limit is a number"
    ),
    Case("Grid", lambda: mc.Grid((1,) * 9), "at most 8 sides; got 9"),
    Case("Grid", lambda: ANY.Grid((Decimal("1.5"), 2)), "image_size must be whole numbers"),
    Case("Grid", lambda: ANY.Grid((Decimal("1e99999999"), 2)), "image_size must be whole numbers"),
    Case("Grid", lambda: ANY.Grid((Decimal("NaN"), 2)), "image_size must be whole numbers"),
    Case("frontier", lambda: ANY.frontier(SQUARES, 9, align=None), "align must be a whole number"),
    Case("MaskSet", lambda: mc.MaskSet.load("no/such/file.json"), "cannot read no/such/file.json"),
    Case("MaskSet", lambda: ANY.MaskSet.load(None), "path|file"),
    Case("MaskSet", lambda: MASKS.save("no/such/folder/masks.json"), "cannot write no/such/folder/masks.json"),
    Case("MaskSet", lambda: ANY.MaskSet.save(MASKS, None), "path|file|write"),
    Case("MaskSet", lambda: MASKS + mc.MaskSet.from_boxes([], 8), "cannot join masks for 9×9 and for 8×8"),
    Case("RegionSet", lambda: SQUARES.describe(2), "3×3 and has no place on 2×2"),
    Case("RegionSet", lambda: ANY.RegionSet.describe(SQUARES, "x"), "image_size must be whole numbers"),
    Case("cover", lambda: ANY.cover(None), "expected a region set or its text, .* got None"),
    Case("cover", lambda: ANY.cover(Odd()), "got <odd>"),
    Case("cover", lambda: mc.cover("circles(3)"), r"expected one of .*squares, .* found 'circles\(3\)'"),
    Case("cover", lambda: ANY.cover(SQUARES, None), "image_size must be whole numbers"),
    Case("cover", lambda: mc.cover(SQUARES, (0, 9)), "at least 1 pixel"),
    Case("cover", lambda: mc.cover(SQUARES, 2), "has no place on 2×2"),
    Case("cover", lambda: mc.cover(SQUARES, 9, masks=0), "masks=0 is too small"),
    Case("cover", lambda: ANY.cover(SQUARES, 9, masks=Odd()), "masks must be a whole number; got <odd>"),
    Case("cover", lambda: ANY.cover(SQUARES, 9, evaluations="9px"), "evaluations must be a whole number"),
    Case("cover", lambda: ANY.cover(SQUARES, 9, max_mask_area=Odd()), "max_mask_area must be pixels"),
    Case("cover", lambda: mc.cover(SQUARES, 9, max_mask_area=8), "a largest hidden area of 9 px"),
    Case("cover", lambda: ANY.cover(SQUARES, 9, grid=Odd()), "grid must be 2 whole numbers"),
    Case("cover", lambda: mc.cover(SQUARES, 9, grid=(3, 3), masks=9), "name one budget at most"),
    Case("parse_regions", lambda: ANY.parse_regions(None), "expected a region set or its text"),
    Case("parse_regions", lambda: mc.parse_regions("squares(size=)"), "cannot read the region text"),
    Case("parse_regions", lambda: mc.parse_regions("import os"), "cannot read the region text 'import os'"),
    Case("patches", lambda: ANY.patches(Odd(), 2), "expected a region set such as .* got <odd>"),
    Case("patches", lambda: mc.patches(SQUARES, 0), "k is the number of patches"),
    Case("patches", lambda: ANY.patches(SQUARES, "2"), "k is the number of patches, .* got '2'"),
    Case("rectangle", lambda: ANY.rectangle(None, 3), "height must be pixels"),
    Case("rectangle", lambda: mc.rectangle(3, "wide"), "width must be pixels .* got 'wide'"),
    Case("rectangle", lambda: ANY.rectangle(3, 0.5), "width is a length in whole pixels"),
    Case("rectangles", lambda: ANY.rectangles(None), "area must be pixels"),
    Case("rectangles", lambda: mc.rectangles(-0.01), "area must be pixels"),
    Case("rectangles", lambda: mc.rectangles(100.0), "area as a fraction must lie strictly between 0 and 1; got 100"),
    Case("rectangles", lambda: mc.rectangles(9, min_side=-1), "min_side must be at least 1 pixel"),
    Case("rectangles", lambda: mc.rectangles(9, max_aspect=0), "max_aspect is long side over short side"),
    Case("rectangles", lambda: ANY.rectangles(9, max_aspect=Odd()), "max_aspect .* got <odd>"),
    Case("rectangles", lambda: mc.rectangles(9, max_aspect=10**5000), "max_aspect"),
    Case("squares", lambda: mc.squares(), "squares takes either"),
    Case("squares", lambda: ANY.squares(Odd()), "size must be pixels .* got <odd>"),
    Case("squares", lambda: ANY.squares(3.0), "size as a fraction must lie strictly between 0 and 1"),
    Case("squares", lambda: mc.squares(area="a lot"), "area must be pixels .* got 'a lot'"),
    Case("union", lambda: mc.union(), "union needs at least one region set"),
    Case("union", lambda: ANY.union([SQUARES, SQUARES]), "expected a region set such as"),
    Case("verify", lambda: ANY.verify(None, SQUARES), "verify expects a MaskSet first; got NoneType"),
    Case("verify", lambda: ANY.verify(SQUARES, MASKS), "verify expects a MaskSet first; got Squares"),
    Case("verify", lambda: ANY.verify(np.asarray(MASKS), SQUARES), "MaskSet.from_array makes one"),
    Case("verify", lambda: mc.verify(MASKS), "these masks claim no region set; name one"),
    Case("verify", lambda: mc.verify(MASKS, "squares"), "expected squares with its arguments in brackets"),
    Case("verify", lambda: mc.verify(MASKS, mc.squares(10)), "10×10 and has no place on 9×9"),
    Case("verify", lambda: ANY.verify(MASKS, 3), "expected a region set or its text"),
]


@pytest.mark.parametrize("case", CASES, ids=[f"{case.public}-{number}" for number, case in enumerate(CASES)])
def test_bad_input_is_refused_by_name_and_nothing_is_written(
    case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(mc.InvalidInput, match=case.message):
        case.call()
    assert list(tmp_path.iterdir()) == []


GEOMETRY = {
    "Box",
    "Grid",
    "Mask",
    "MaskSet",
    "RegionSet",
    "cover",
    "frontier",
    "lower_bound",
    "parse_regions",
    "patches",
    "rectangle",
} | {
    "rectangles",
    "squares",
    "union",
    "verify",
}


def test_every_public_function_of_the_geometry_is_tried() -> None:
    assert {case.public for case in CASES} == GEOMETRY
    assert set(mc.__all__) >= GEOMETRY


@pytest.mark.parametrize("error", [mc.MaskFileError, mc.ImpossibleCover, mc.NotCovering])
def test_every_refusal_is_an_invalid_input(error: type[Exception]) -> None:
    assert issubclass(error, mc.InvalidInput)
    assert issubclass(mc.InvalidInput, mc.MaskcoverError)
    assert issubclass(mc.InvalidInput, ValueError)
