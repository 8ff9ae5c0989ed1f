"""Mask sets that `cover` takes or starts from: each covers, is taken only where it is better, and is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from maskcover import CoverCertificate, InvalidInput, MaskSet, avoiding, cover, rectangles, squares, verify
from maskcover.certificate import check
from maskcover.covering import starts
from maskcover.covering.starts import FOLDER, ShippedSet, shipped_sets
from tests.cli.conftest import Run, run

__all__ = ["run"]

PER_CENT = rectangles(area=0.01)
SHIPPED = shipped_sets()
LARGE = "rectangles(area=0.01)"


def test_every_file_of_the_folder_is_a_shipped_set() -> None:
    assert {shipped.path for shipped in SHIPPED} == {path for path in FOLDER.iterdir() if path.suffix == ".json"}
    assert SHIPPED


@pytest.mark.parametrize("shipped", SHIPPED, ids=lambda shipped: shipped.path.name)
def test_shipped_sets_cover_and_are_what_their_names_say(shipped: ShippedSet) -> None:
    certificate = CoverCertificate.load(shipped.path)
    masks = certificate.masks
    assert verify(masks, certificate.regions)
    assert check.main([str(shipped.path)]) == 0
    assert (len(masks), masks.largest_hidden_area, masks.grid.shape) == (
        shipped.masks,
        shipped.largest,
        shipped.sides,
    )
    assert f"rectangles-{certificate.regions.removeprefix('rectangles(area=').removesuffix(')')}-" in shipped.path.name
    assert max(mask.span.volume for mask in masks) == shipped.largest
    assert len(cover(certificate.regions, masks.grid, max_mask_area=shipped.largest, shipped=False)) > shipped.masks


def fewest(largest: int) -> ShippedSet:
    """The best set for 1 %, by the names."""
    return min(
        (one for one in SHIPPED if one.largest <= largest and "rectangles-0.01-" in one.path.name),
        key=lambda one: one.masks,
    )


def test_cover_takes_a_shipped_set_that_is_better_and_says_so() -> None:
    masks = cover(PER_CENT, max_mask_area=4902)
    best = fewest(4902)
    assert len(masks) == best.masks < 78
    assert masks.optimality is not None
    assert masks.optimality.origin == best.origin
    assert f"from the set {best.path.name.removesuffix('.cover.json')} shipped with maskcover" in str(masks.optimality)
    assert masks.largest_hidden_area == best.largest
    assert verify(masks, PER_CENT)
    assert set(masks) == set(MaskSet.load(best.path))


def test_a_shipped_set_serves_smaller_regions_too() -> None:
    smaller = rectangles(area=0.0099)
    masks = cover(smaller, max_mask_area=4902)
    assert len(masks) <= fewest(4902).masks
    assert masks.regions == str(smaller)


@pytest.mark.parametrize(
    ("arguments", "sides"),
    [
        ({"max_mask_area": 4901 - 600}, 224),  # smaller masks than any that is shipped
        ({"max_mask_area": 4902}, 225),
        ({"max_mask_area": 4902, "align": 2}, 224),
        ({"max_mask_area": 4902, "multiplicity": 2}, 224),
        ({"grid": (3, 3)}, 224),
        ({"max_mask_area": 4902, "shipped": False}, 224),
    ],
)
def test_shipped_sets_are_left_alone_where_they_do_not_fit(arguments: dict[str, object], sides: int) -> None:
    masks = cover(PER_CENT, sides, **arguments)  # type: ignore[arg-type]
    assert masks.optimality is None or masks.optimality.origin is None


def test_larger_regions_are_not_covered_by_a_shipped_set() -> None:
    masks = cover(rectangles(area=0.0101), max_mask_area=4902)
    assert masks.optimality is not None
    assert masks.optimality.origin is None
    assert verify(masks, rectangles(area=0.0101))


def test_regions_that_may_not_lie_everywhere_keep_their_plan() -> None:
    regions = avoiding(PER_CENT, (50, 50, 100, 100))
    assert cover(regions) == cover(regions, shipped=False)


def test_the_grid_of_one_shape_stays() -> None:
    masks = cover(squares(32), max_mask_area=64 * 64)
    assert masks == cover(squares(32), max_mask_area=64 * 64, shipped=False)
    assert masks.optimality is not None
    assert masks.optimality.is_proven


def test_budgets_of_masks_and_evaluations() -> None:
    best = fewest(4902)
    assert cover(PER_CENT, masks=best.masks, shipped=False).largest_hidden_area > best.largest
    by_masks = cover(PER_CENT, masks=best.masks)
    assert len(by_masks) <= best.masks
    assert by_masks.largest_hidden_area <= best.largest
    by_evaluations = cover(PER_CENT, evaluations=best.evaluations)
    assert by_evaluations.evaluations <= best.evaluations
    assert by_evaluations.largest_hidden_area <= best.largest
    fewer = cover(PER_CENT, masks=best.masks - 1)
    assert len(fewer) < best.masks


def test_a_shipped_file_that_does_not_cover_is_not_taken(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    best = fewest(4902)
    broken = MaskSet.load(best.path)[1:]
    path = tmp_path / f"rectangles-0.01-224x224-{len(broken)}-masks-{best.largest}-px.cover.json"
    broken.save(path)
    lie = ShippedSet(path, (224, 224), len(broken), best.largest)
    monkeypatch.setattr(starts, "shipped_sets", lambda: (lie,))
    masks = cover(PER_CENT, max_mask_area=4902)
    assert len(masks) == 78
    assert masks.optimality is not None
    assert masks.optimality.origin is None


def test_a_start_is_taken_if_it_is_better(tmp_path: Path) -> None:
    start = MaskSet.load(fewest(4902).path)
    start.save(tmp_path / "start.json")
    for value in (start, tmp_path / "start.json", str(tmp_path / "start.json")):
        masks = cover(PER_CENT, max_mask_area=4902, shipped=False, start=value)
        assert set(masks) == set(start)
        assert masks.optimality is not None
        assert str(masks.optimality.origin).startswith("the start")
    worse = cover(PER_CENT, max_mask_area=4902, shipped=False)
    masks = cover(PER_CENT, max_mask_area=4902, start=worse)
    assert len(masks) == len(start)
    assert masks.optimality is not None
    assert masks.optimality.origin == fewest(4902).origin


def test_a_search_never_gets_worse_than_its_start() -> None:
    start = cover(rectangles(area=0.06), 16, max_mask_area=60)
    masks = cover(rectangles(area=0.06), 16, max_mask_area=60, start=start, time_limit=0.3)
    assert len(masks) <= len(start)
    assert verify(masks, rectangles(area=0.06))


def test_bad_starts_are_refused() -> None:
    start = MaskSet.load(fewest(4902).path)
    with pytest.raises(InvalidInput, match=r"expected a start that covers .*, but the start .*no mask contains"):
        cover(PER_CENT, max_mask_area=4902, start=start[1:])
    largest = start.largest_hidden_area
    allowed = rf"a box of {largest:,} px, but at most {largest - 1:,} px are allowed; allow max_mask_area"
    with pytest.raises(InvalidInput, match=allowed):
        cover(PER_CENT, max_mask_area=largest - 1, start=start)
    with pytest.raises(InvalidInput, match="without align= and multiplicity="):
        cover(PER_CENT, max_mask_area=4902, align=2, start=start)
    with pytest.raises(InvalidInput, match="one patch at a time"):
        cover("patches(squares(8), k=2)", start=start)
    with pytest.raises(InvalidInput, match="images of 225×225, but the start is for 224×224"):
        cover(PER_CENT, 225, max_mask_area=4902, start=start)


@pytest.mark.parametrize("workers", [0, -1, 1.5, "two", True])
def test_workers_are_a_count(workers: object) -> None:
    with pytest.raises(InvalidInput, match="workers"):
        cover(squares(3), 9, workers=workers, time_limit=0.1)  # type: ignore[arg-type]


def test_the_command(run: Run) -> None:
    made = run("cover", LARGE, "--max-mask-area", "4902px", "--no-shipped", "-o", "c.json")
    assert made.code == 0
    assert "78 masks cover" in made.out
    assert "shipped with maskcover" not in made.out
    best = fewest(4902)
    taken = run("cover", LARGE, "--max-mask-area", "4902px", "--workers", "1", "--start", "c.json")
    assert f"{best.masks} masks, from the set" in taken.out
    assert run("cover", LARGE, "--max-mask-area", "4902px", "--json").json["origin"] == best.origin
    refused = run("cover", "rectangles(area=0.011)", "--max-mask-area", "4902px", "--start", "c.json")
    assert refused.code == 2
    assert "expected a start that covers" in refused.err
