"""What values show in notebooks: escaped, small, and true."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import numpy.typing as npt
import pytest

import maskcover as mc
from maskcover.notebooks import code, html_table, panels, paragraph
from maskcover.runs import open_run, run

HOSTILE = "<script>alert(1)</script>\"'&\n\x1b\ud800"
MASKS = mc.cover(mc.squares(size=3), image_size=12, grid=(3, 3))


def brightness(images: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    mean = images.mean(axis=(1, 2))
    return np.stack([0.5 - mean, mean - 0.5], axis=1)


@pytest.mark.parametrize("text", [code(HOSTILE), paragraph(HOSTILE), html_table([HOSTILE], [[HOSTILE]])])
def test_texts_are_escaped(text: str) -> None:
    assert "<script" not in text
    text.encode("utf-8")
    assert "".join(ET.fromstring(text).itertext()).startswith("<script>alert(1)</script>\"'&\\n\\x1b\\ud800")  # noqa: S314


def test_long_texts_are_cut() -> None:
    assert len(code("<" * 10**6)) < 20_000
    assert code("\x00" * 10**6).endswith("…</code>")
    assert len(code("\x00" * 10**6)) < 20_000


def test_region_sets_show_their_text() -> None:
    assert mc.union(mc.squares(3), mc.stripes(2))._repr_html_() == (
        "<code>union(squares(size=3), stripes(width=2))</code>"
    )


def test_a_mask_set_is_a_drawing_with_a_panel_for_each_mask() -> None:
    text = MASKS._repr_html_()
    root = ET.fromstring(f"<div>{text}</div>")  # noqa: S314
    rectangles = list(root.iter("{http://www.w3.org/2000/svg}rect"))
    assert len(rectangles) == 18
    for mask, (frame, hidden) in zip(MASKS, zip(rectangles[::2], rectangles[1::2], strict=True), strict=True):
        top, left = (float(hidden.get(name, "")) - float(frame.get(name, "")) for name in ("y", "x"))
        height, width = float(hidden.get("height", "")), float(hidden.get("width", ""))
        (box,) = mask.boxes
        assert [top, left, height, width] == pytest.approx([*box.start, *box.extents], abs=1e-3)


def test_drawings_of_many_masks_are_small() -> None:
    many = mc.MaskSet.from_array(np.random.default_rng(0).random((40, 40, 40)) < 0.3)
    for masks in (many, mc.cover("squares(size=3)", 224, grid=(24, 24))):
        assert len(masks._repr_html_()) < 20_000
    assert panels((4, 4), []).count("<rect") == 0
    video = mc.cover(mc.tubes(mc.squares(size=2)), (2, 6, 6))
    assert "<svg" not in video._repr_html_()


def test_results_summaries_and_runs_show_their_counts(tmp_path: Path) -> None:
    images, labels = np.ones((3, 12, 12)), [1, 1, 0]
    result = mc.certify(brightness, images, labels, MASKS, batch_size=4, fill=0.5)
    summary = run(brightness, images, labels, MASKS, tmp_path / "<b>", batch_size=4, fill=0.5)
    opened = open_run(tmp_path / "<b>")
    for text in (result._repr_html_(), summary._repr_html_(), opened._repr_html_()):
        root = ET.fromstring(f"<div>{text}</div>")  # noqa: S314
        rows = [[cell.text for cell in row] for row in root.iter("tr")]
        assert rows[-1][:2] == ["certified", "2"]
        assert len(text) < 20_000
    assert "<b>" not in opened._repr_html_()
    assert "&lt;b&gt;: against squares(size=3)" in opened._repr_html_()
