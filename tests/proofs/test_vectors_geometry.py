"""The golden vectors that Coq computed from proven definitions, against the functions of the library."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from maskcover import rectangles
from maskcover.covering.axis import AxisMasks, axis_masks
from maskcover.covering.products import product_grid
from maskcover.grid import Grid

PROOFS = Path(__file__).parents[2] / "proofs"


def _vectors(name: str) -> Iterator[tuple[tuple[int, ...], list[str]]]:
    """The numbers given and the words found, for every line of one kind."""
    for line in (PROOFS / "vectors_geometry.txt").read_text().splitlines():
        if line.startswith(f"{name} "):
            given, found = line.split(" : ")
            yield tuple(map(int, given.split()[1:])), found.split()


def test_starts_are_those_of_coq() -> None:
    vectors = list(_vectors("starts"))
    assert len(vectors) == sum(length**2 for length in range(1, 13))
    for (length, size, stride), found in vectors:
        axis = AxisMasks(length, size, stride)
        assert axis.starts == tuple(map(int, found))
        assert axis.count == len(found)


def test_starts_that_cover_several_times_are_those_of_coq() -> None:
    vectors = list(_vectors("folded"))
    assert len(vectors) == 3 * sum(length**2 for length in range(1, 8))
    for (length, size, stride, multiplicity), found in vectors:
        axis = AxisMasks(length, size, stride, multiplicity)
        assert axis.starts == tuple(map(int, found))
        assert axis.count == len(found)


def test_eq_3_is_that_of_coq() -> None:
    vectors = list(_vectors("eq3"))
    assert len(vectors) == sum(length**2 for length in range(1, 13))
    for (length, patch, budget), found in vectors:
        axis = axis_masks(length, patch, budget)
        assert [axis.stride, axis.size] == list(map(int, found))
        assert axis.count <= budget
        assert axis.covers >= patch


def test_products_are_those_of_coq() -> None:
    vectors = list(_vectors("product"))
    assert len(vectors) == 3 * 4 * 3 * 2
    for (height, width, *numbers), found in vectors:
        boxes = product_grid(Grid((height, width)), tuple(numbers[:2]), tuple(numbers[2:])).boxes()
        sides = (zip(box.start, box.stop, strict=True) for box in boxes)
        assert ["x".join(f"{start}-{stop}" for start, stop in box) for box in sides] == found


def test_maximal_rectangles_are_those_of_coq() -> None:
    vectors = list(_vectors("rectangles"))
    assert len(vectors) == 13
    for (height, width, area), found in vectors:
        (term,) = rectangles(f"{area}px").terms(Grid((height, width)))
        assert ["x".join(map(str, shape)) for shape in term.shapes] == found
