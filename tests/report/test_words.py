"""Region sets in plain English."""

from __future__ import annotations

import pytest

import maskcover as mc
from maskcover.cells import Cells
from maskcover.grid import Grid
from maskcover.regions.base import RegionSet, Term
from maskcover.report import claim_sentence, region_words

WORDS = {
    "squares(size=32)": "any one square of 32×32 pixels",
    "squares(area=0.01)": "any one square of 23×23 pixels (1 % of the image)",
    "squares(area=500)": "any one square of 23×23 pixels",
    "rectangle(height=3, width=5)": "any one rectangle of 3×5 pixels (height × width)",
    "rectangles(area=100)": "any one rectangle of at most 100 pixels",
    'rectangles(area="1/3", min_side=4, max_aspect=2)': (
        "any one rectangle of at most 16,726 pixels (100/3 % of the image), with sides of at least 4 pixels, "
        "its long side at most 2 times the short one"
    ),
    "sides(fraction=0.25)": (
        "any one side of the image (top, bottom, left or right), up to 25 % of its height or width"
    ),
    "half_planes(rows=(75, 149), columns=112)": (
        "any one patch of any size on one side of a line across the image (before row 75, 149; before column 112)"
    ),
    "stripes(width=3)": "any one horizontal or vertical stripe of 3 pixels right across the image",
    "stripes(width=3, axis=0)": "any one horizontal stripe of 3 pixels right across the image",
    "stripes(width=3, axis=1)": "any one vertical stripe of 3 pixels right across the image",
    "disc(diameter=14.5)": "any one disc of 14.5 pixels in diameter, at any whole pixel",
    "disc(diameter=3, subpixel=True)": "any one disc of 3 pixels in diameter, at any place",
    "within(squares(size=8), (1, 2, 30, 40))": (
        "any one square of 8×8 pixels that lies wholly inside the area (1, 2, 30, 40)"
    ),
    "within(squares(size=8), (1, 2, 30, 40), touching=True)": (
        "any one square of 8×8 pixels that touches the area (1, 2, 30, 40)"
    ),
    "avoiding(squares(size=8), (1, 2, 30, 40))": (
        "any one square of 8×8 pixels that does not touch the area (1, 2, 30, 40)"
    ),
    "union(squares(size=8), stripes(width=3, axis=1))": (
        "any one square of 8×8 pixels, or into any one vertical stripe of 3 pixels right across the image"
    ),
    "patches(squares(size=8), k=2)": "any 2 regions at once, each of them one square of 8×8 pixels",
    "patches([squares(size=8), rectangles(area=9)])": (
        "these regions at once: any one square of 8×8 pixels; and any one rectangle of at most 9 pixels"
    ),
    "through(squares(size=8), CenterCrop((224, 224)), source=(300, 400))": (
        "any one square of 8×8 pixels, drawn on an image of 300×400 pixels before it is resized or cropped"
    ),
    "through(squares(size=3), ReceptiveField(4, 4), source=(32, 32))": (
        "any one square of 3×3 pixels, drawn on an image of 32×32 pixels"
    ),
    "through(squares(size=3), Resize((32, 32)), ReceptiveField(4, 4), source=(40, 40))": (
        "any one square of 3×3 pixels, drawn on an image of 40×40 pixels before it becomes the model's input of 32×32 "
        "pixels"
    ),
    'bitmap("110/011")': 'any one region of bitmap("110/011")',
}


@pytest.mark.parametrize(("text", "words"), WORDS.items(), ids=WORDS)
def test_a_family_has_words_of_its_own_or_its_text(text: str, words: str) -> None:
    assert region_words(mc.parse_regions(text), Grid.of(224)) == words


def test_without_an_image_an_area_stays_a_fraction() -> None:
    assert region_words(mc.squares(area=0.01)) == (
        "any one square of 1 % of the image, its side rounded up to whole pixels"
    )
    assert region_words(mc.rectangles(area=0.01)) == "any one rectangle of at most 1 % of the image"


def test_videos_have_the_words_of_their_frames() -> None:
    tube = mc.tubes(mc.squares(area="1/36"), frames=2)
    assert region_words(tube, Grid((4, 6, 6))) == (
        "any one square of 1×1 pixels (25/9 % of the image), in the same place in 2 consecutive frames"
    )
    assert region_words(mc.squares(size=2), Grid((4, 6, 6))) == "any one cube of 2×2×2 pixels"


class Odd(RegionSet):
    """A family of somebody else."""

    def expand(self, grid: Grid, inside: Cells) -> tuple[Term, ...]:  # noqa: ARG002
        return ()

    def __str__(self) -> str:
        return "odd(\n<script>)" + "x" * 1000


def test_an_unknown_family_has_its_text_on_one_line_and_cut() -> None:
    words = region_words(Odd())
    assert words.startswith(r"any one region of odd(\n<script>)xxx")
    assert words.endswith("… (shortened)")
    assert len(words) < 300


def test_the_claim_of_a_detecting_defence_allows_an_alert() -> None:
    claim = claim_sentence(mc.squares(4), Grid.of(28), "of the image", may_alert=True)
    assert claim.endswith("the defended model answers the true label, or raises an alert.")
