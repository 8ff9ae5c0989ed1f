"""Pictures: what is drawn, where, and what cannot be."""

from __future__ import annotations

import inspect
import subprocess
import sys
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from matplotlib.axes import Axes
from matplotlib.collections import PatchCollection
from matplotlib.figure import Figure
from PIL import Image

import maskcover as mc
import maskcover.plot
from maskcover.covering.placements import placement_map
from maskcover.defense import DetectionCurve, Levels
from maskcover.plot import (
    BARE,
    HIDDEN,
    draw_bound,
    draw_certified_sizes,
    draw_detection,
    draw_frontier,
    draw_masks,
    draw_placements,
    draw_tiling,
    draw_witness,
    percent_down,
    save,
)
from maskcover.runs import CertifiedSizes

GRID = (12, 20)
REGIONS = "squares(size=3)"


@pytest.fixture
def masks() -> mc.MaskSet:
    return mc.cover(REGIONS, image_size=GRID, grid=(3, 4))


def rectangles(ax: Axes, number: int) -> list[tuple[float, float, float, float]]:
    """(top, left, bottom, right) of the rectangles of one collection."""
    collection = ax.collections[number]
    assert isinstance(collection, PatchCollection)
    boxes = [path.get_extents() for path in collection.get_paths()]
    return [(box.y0, box.x0, box.y1, box.x1) for box in boxes]


def width(path: Path) -> int:
    with Image.open(path) as image:
        return image.width


@pytest.mark.parametrize("count", [1, 2, 7, 12])
def test_every_mask_has_its_picture(masks: mc.MaskSet, count: int) -> None:
    frames, hidden = (rectangles(draw_masks(masks[:count]), number) for number in (0, 1))
    assert len(frames) == len(hidden) == count
    for mask, frame, (top, left, bottom, right) in zip(masks, frames, hidden, strict=False):
        place = top - frame[0], left - frame[1], bottom - frame[0], right - frame[1]
        assert place == pytest.approx((*mask.boxes[0].start, *mask.boxes[0].stop))


def test_small_pictures_do_not_overlap_and_lie_in_the_axes(masks: mc.MaskSet) -> None:
    ax = draw_masks(masks)
    (left, right), (bottom, top) = ax.get_xlim(), ax.get_ylim()
    frames = rectangles(ax, 0)
    assert all(left <= f[1] and f[3] <= right and top <= f[0] and f[2] <= bottom + 1e-9 for f in frames)
    assert not any(
        a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3] for a in frames for b in frames if a != b
    )


def test_unions_of_boxes_are_drawn_box_by_box() -> None:
    masks = mc.MaskSet.from_boxes([[(0, 0, 3, 3), (8, 10, 3, 3)]], image_size=GRID)
    assert len(rectangles(draw_masks(masks), 1)) == 2


def test_of_very_many_masks_the_first_are_drawn_and_the_title_says_so() -> None:
    masks = mc.MaskSet.from_boxes([(n // 40, n % 40, 1, 1) for n in range(1200)], image_size=40)
    ax = draw_masks(masks)
    assert len(rectangles(ax, 0)) == 1024
    assert ax.get_title() == "the first 1,024 of 1,200 masks on 40×40, the largest hides 0.1 %"


def test_an_empty_set_has_a_picture() -> None:
    assert draw_masks(mc.MaskSet.from_boxes([], image_size=GRID)).get_title().startswith("0 masks")


def test_what_is_given_is_drawn_upon(masks: mc.MaskSet) -> None:
    ax = Figure().add_subplot()
    report = mc.verify(masks[1:], REGIONS)
    map_ = placement_map(masks, REGIONS)
    assert draw_masks(masks, ax) is draw_witness(report, ax) is draw_placements(np.zeros((*GRID, 3)), map_, ax) is ax


def test_no_picture_touches_pyplot() -> None:
    code = (
        "import sys, maskcover as mc, maskcover.plot as p; p.draw_masks(mc.cover(mc.squares(3), 12)); "
        "print('matplotlib.pyplot' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"


def test_the_witness_is_the_last_thing_drawn(masks: mc.MaskSet) -> None:
    report = mc.verify(masks[1:], REGIONS)
    assert report.witness is not None
    ax = draw_witness(report)
    (missed,) = rectangles(ax, -1)
    assert missed == pytest.approx((*report.witness[0].span.start, *report.witness[0].span.stop))
    assert str(report.witness[0]) in ax.get_title()


def test_every_patch_of_a_witness_is_drawn() -> None:
    masks = mc.cover("patches(squares(size=2), k=2)", image_size=20, grid=(4, 4))
    report = mc.verify(masks[1:])
    assert report.witness is not None
    assert len(rectangles(draw_witness(report), -1)) == len(report.witness) == 2


def test_the_nearest_mask_is_named_with_the_share_that_it_holds() -> None:
    masks = mc.MaskSet.from_boxes([(0, 0, 2, 2), (0, 0, 4, 3)], image_size=8)
    legend = draw_witness(mc.verify(masks, "squares(size=4)")).get_legend()
    assert legend is not None
    assert "mask 1, holds 75 % of it" in [text.get_text() for text in legend.get_texts()]


def test_there_is_no_nearest_mask_of_none() -> None:
    legend = draw_witness(mc.verify(mc.MaskSet.from_boxes([], image_size=8), "squares(size=4)")).get_legend()
    assert legend is not None
    assert len(legend.get_texts()) == 2


def test_masks_that_cover_have_no_witness_to_draw(masks: mc.MaskSet) -> None:
    with pytest.raises(mc.InvalidInput, match="the masks cover"):
        draw_witness(mc.verify(masks, REGIONS))


def test_the_map_is_blue_where_all_is_certified_and_red_where_nothing_is(masks: mc.MaskSet) -> None:
    black = np.zeros((*GRID, 3))
    every = np.asarray(draw_placements(black, placement_map(masks, REGIONS)).images[0].get_array())
    none = np.asarray(draw_placements(black, placement_map(masks[:0], REGIONS)).images[0].get_array())
    assert len(np.unique(every.reshape(-1, 3), axis=0)) == len(np.unique(none.reshape(-1, 3), axis=0)) == 1
    assert every[0, 0, 2] > every[0, 0, 0]
    assert none[0, 0, 0] > none[0, 0, 2]
    assert HIDDEN != BARE


def test_the_share_in_the_title_is_rounded_down(masks: mc.MaskSet) -> None:
    title = draw_placements(np.zeros((*GRID, 3)), placement_map(masks[1:], REGIONS)).get_title()
    assert not title.startswith("100 %")
    assert percent_down(Fraction(10**9 - 1, 10**9)) == "99.9 %"


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (np.zeros((20, 12, 3)), "shape"),
        (np.zeros(GRID), "shape"),
        (np.zeros((*GRID, 3), dtype=np.uint8), "uint8"),
        (np.full((*GRID, 3), 1.01), "0, 1"),
        (np.full((*GRID, 3), np.nan), "0, 1"),
    ],
)
def test_images_that_cannot_be_drawn(masks: mc.MaskSet, image: np.ndarray, message: str) -> None:
    with pytest.raises(mc.InvalidInput, match=message):
        draw_placements(image, placement_map(masks, REGIONS))


@pytest.mark.parametrize("size", [(9,), (5, 6, 7)])
def test_only_grids_of_two_dimensions_are_drawn(size: tuple[int, ...]) -> None:
    masks = mc.cover("squares(size=1)", image_size=size, grid=(3,) * len(size))
    with pytest.raises(mc.InvalidInput, match="height, width"):
        draw_masks(masks)
    with pytest.raises(mc.InvalidInput, match="height, width"):
        draw_witness(mc.verify(masks[1:], "squares(size=1)"))
    with pytest.raises(mc.InvalidInput, match="height, width"):
        draw_placements(np.zeros((*size, 3)), placement_map(masks, "squares(size=1)"))


def test_save_writes_a_picture_and_a_wider_one_with_a_witness(tmp_path: Path, masks: mc.MaskSet) -> None:
    save(tmp_path / "masks.png", masks)
    save(tmp_path / "covers.png", masks, mc.verify(masks, REGIONS))
    save(tmp_path / "fails.png", masks[1:], mc.verify(masks[1:], REGIONS))
    widths = [width(tmp_path / f"{name}.png") for name in ("masks", "covers", "fails")]
    assert widths[0] == widths[1] < widths[2]
    assert {path.name for path in tmp_path.iterdir()} == {"covers.png", "fails.png", "masks.png"}


def test_save_is_reproducible(tmp_path: Path, masks: mc.MaskSet) -> None:
    save(tmp_path / "a.png", masks)
    save(tmp_path / "b.png", masks)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


def test_save_refuses_what_is_no_png(tmp_path: Path, masks: mc.MaskSet) -> None:
    with pytest.raises(mc.InvalidInput, match=r"\.png"):
        save(tmp_path / "masks.jpg", masks)


def test_save_leaves_nothing_behind_when_it_fails(tmp_path: Path, masks: mc.MaskSet) -> None:
    (tmp_path / "folder.png").mkdir()
    for path in (tmp_path / "missing" / "a.png", tmp_path / "folder.png"):
        with pytest.raises(mc.InvalidInput, match="cannot write"):
            save(path, masks)
    assert [path.name for path in tmp_path.iterdir()] == ["folder.png"]


def test_missing_matplotlib_names_the_extra() -> None:
    code = "import sys; sys.modules['matplotlib'] = None; import maskcover.plot"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "MissingExtra" in done.stderr
    assert "[plot]'" in done.stderr


def test_a_frontier_is_one_point_a_set() -> None:
    sets = mc.frontier(REGIONS, GRID, most_masks=12)
    ax = draw_frontier(sets)
    (line,) = ax.lines
    assert np.asarray(line.get_xdata()).tolist() == [len(one) for one in sets]
    assert np.asarray(line.get_ydata()).tolist() == [100 * one.largest_hidden_area / 240 for one in sets]
    assert ax.get_title() == "squares(size=3) on 12×20"


def test_a_bound_is_its_placements_the_heavier_the_stronger() -> None:
    bound = mc.lower_bound(REGIONS, GRID, max_mask_shape=(6, 6), time_limit=0)
    ax = draw_bound(bound)
    assert rectangles(ax, 1) == [(*box.start, *box.stop) for box in bound.placements]
    weighted = mc.LowerBound(bound.regions, bound.grid, 36, bound.placements[:2], (1, 4), 8)
    edges = np.asarray(draw_bound(weighted).collections[1].get_edgecolor())
    assert np.allclose(edges[:, 3], (0.4, 1.0))


def test_nothing_is_drawn_of_no_sets_and_of_other_dimensions() -> None:
    with pytest.raises(mc.InvalidInput, match="expected at least one mask set"):
        draw_frontier(())
    with pytest.raises(mc.InvalidInput, match="grids \\(height, width\\)"):
        draw_bound(mc.lower_bound("squares(size=3)", (9,), max_mask_area=5, time_limit=0))


def test_a_tiling_is_its_tiles_with_their_masks(masks: mc.MaskSet) -> None:
    (tiled,) = mc.prove(masks).stencils
    ax = draw_tiling(tiled)
    assert rectangles(ax, 0) == [(*box.start, *box.stop) for box, _ in tiled.tiles]
    assert [text.get_text() for text in ax.texts] == [str(mask) for _, mask in tiled.tiles]
    assert ax.get_ylim() == (10, 0)
    with pytest.raises(mc.InvalidInput, match="tilings are drawn of two dimensions"):
        draw_tiling(mc.prove(mc.cover("squares(size=3)", (9,), grid=(7,))).stencils[0])


def test_a_certificate_is_drawn_with_its_tiling(masks: mc.MaskSet, tmp_path: Path) -> None:
    (tiled,) = mc.prove(masks).stencils
    save(tmp_path / "plain.png", masks)
    save(tmp_path / "tiled.png", masks, mc.verify(masks), tiled)
    assert width(tmp_path / "tiled.png") > 1.5 * width(tmp_path / "plain.png")


def test_detection_is_two_step_curves_over_all_thresholds() -> None:
    curve = DetectionCurve((Levels(0.5, 0.75), Levels(0.25, 0.25)))
    ax = draw_detection(curve)
    clean, certified = (np.asarray(line.get_xydata()) for line in ax.lines)
    assert clean.tolist() == [[0, 0], [0.25, 0], [0.5, 50], [0.75, 100], [1, 100]]
    assert certified.tolist() == [[0, 100], [0.25, 100], [0.5, 50], [0.75, 50], [1, 0]]
    assert {line.get_drawstyle() for line in ax.lines} == {"steps-pre"}


def test_both_rules_of_detection_are_drawn_with_their_false_alarms() -> None:
    curve = DetectionCurve((Levels(0.5, 0.75), Levels(0.25, 0.25)))
    low = DetectionCurve((Levels(np.inf, np.inf), Levels(0.25, 0.25)))
    lines = draw_detection(curve, low=low).lines
    assert [line.get_linestyle() for line in lines] == ["-"] * 3 + ["--"] * 3
    alerts, alerts_low = (np.asarray(lines[number].get_xydata()).tolist() for number in (2, 5))
    assert alerts == [[0, 100], [0.25, 100], [0.5, 50], [1, 0]]
    assert alerts_low == [[0, 100], [0.25, 100], [1, 50]]
    assert str(lines[5].get_label()) == "clean: an alert, alerts on low confidence too"


def test_certified_sizes_are_a_step_curve_with_a_band_where_rows_cannot_tell() -> None:
    sizes = CertifiedSizes("rectangles", 1, np.array([0, 3, 5]), np.array([0, 4, 5]), 6)
    ax = draw_certified_sizes(sizes)
    (line,) = ax.lines
    heights = dict(np.asarray(line.get_xydata()).tolist())
    assert {size: heights[size] for size in (1, 3, 4, 6, 7)} == pytest.approx(
        {1: 200 / 3, 3: 200 / 3, 4: 100 / 3, 6: 0, 7: 0}
    )
    assert (line.get_drawstyle(), ax.get_xlabel(), len(ax.collections)) == ("steps-pre", "area in pixels", 1)
    exact = CertifiedSizes("squares", 2, np.array([2]), np.array([2]), 3)
    ax = draw_certified_sizes(exact)
    assert (len(ax.collections), ax.get_title()) == (0, "2 squares, 1 image")
    with pytest.raises(mc.InvalidInput, match="of no size"):
        draw_certified_sizes(CertifiedSizes("squares", 2, np.array([0]), np.array([0]), 0))


def test_every_drawing_takes_axes_and_returns_them() -> None:
    functions = [getattr(maskcover.plot, name) for name in maskcover.plot.__all__ if name.startswith("draw_")]
    assert len(functions) > 10
    for function in functions:
        parameters = inspect.signature(function).parameters
        assert parameters["ax"].default is None, function.__name__
        assert function.__annotations__["return"] == "Axes", function.__name__
    own = Figure().add_subplot()
    sizes = CertifiedSizes("squares", 1, np.array([2]), np.array([2]), 3)
    assert draw_certified_sizes(sizes, own) is own


def test_views_are_drawn_where_they_show_the_image_with_the_map_of_votes(tmp_path: Path) -> None:
    views = mc.bands(width=3, stride=3, image_size=10)

    class Shown:
        """Calls an image 1 if a pixel that is shown is bright."""

        batch_size = 4

        def scores(self, images: Any, hidden: npt.NDArray[np.bool_]) -> npt.NDArray[np.float64]:
            bright = np.array([(image > 0.5)[~hide].any() for image, hide in zip(images, hidden, strict=True)])
            return np.stack([1.0 - bright, 1.0 * bright], axis=1)

    image = np.zeros((10, 10, 3))
    image[:, 4] = 1.0
    why = mc.explain(
        Shown(), [image[:, :, 0]], views, regions="squares(size=1)", procedure="voting", label=0, probes=False
    )
    ax = maskcover.plot.draw_one_mask_labels(why)
    assert ax.get_title() == "views: 3 of 4 have the label"
    boxes = [collection.get_paths()[0].get_extents() for collection in ax.collections]
    # The last view goes round the end: columns 9, 0 and 1, of which the larger part is drawn.
    assert [(box.x0 + box.x1) / 2 for box in boxes] == pytest.approx([1.5, 4.5, 7.5, 1.0])
    maskcover.plot.save_explanation(tmp_path / "why.png", image, why)
    assert width(tmp_path / "why.png") > 500
    # A pixel of the columns 0 and 1 touches two views of the three for the label, any other pixel one view.
    assert why.map().fraction == Fraction(4, 5)
