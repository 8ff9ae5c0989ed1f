"""What is hidden in training: whole squares and masks, by selection, as often as the schedule says."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pytest
import torch
from maskcover_torch.training import Constant, Cutout, Hiding, Jump, Ramp, RandomMasks, Schedule, Step

from maskcover import InvalidInput, MaskSet, cover, squares

HEIGHT, WIDTH = 10, 14
MASKS = cover(squares(size=2), image_size=(HEIGHT, WIDTH), grid=(2, 3))
FILL = -7.5
HIDINGS: dict[str, Hiding] = {
    "cutout": Cutout(size=4, fill=FILL),
    "some cutout": Cutout(size=4, fill=FILL, probability=0.5),
    "masks": RandomMasks(MASKS, fill=FILL),
    "unions": RandomMasks(MASKS, per_image=2, fill=FILL),
}

pytestmark = pytest.mark.usefixtures("one_thread")


def odd_images(count: int) -> torch.Tensor:
    """Images with every kind of float: what is shown must keep its bits, what is hidden must leave none."""
    images = torch.randn((count, 2, HEIGHT, WIDTH), generator=torch.Generator().manual_seed(1))
    images[:, :, ::3, ::4] = torch.nan
    images[:, :, 1::3] = torch.inf
    images[:, :, 2::5, 1::3] = -0.0
    return images


def bits(images: torch.Tensor) -> torch.Tensor:
    return images.view(torch.int32)


def hidden_by(
    hiding: Hiding, count: int, size: tuple[int, int] = (HEIGHT, WIDTH), progress: float = 0.0
) -> torch.Tensor:
    """Where a hiding hides, bool (count, height, width)."""
    shown = hiding(torch.ones(count, 1, *size), torch.Generator().manual_seed(2), progress)
    return shown[:, 0] != 1


@pytest.mark.parametrize("hiding", HIDINGS.values(), ids=HIDINGS)
def test_shown_pixels_keep_every_bit_hidden_ones_none_and_the_images_are_left_alone(hiding: Hiding) -> None:
    images = odd_images(40)
    before = bits(images).clone()
    shown = hiding(images, torch.Generator().manual_seed(0))
    hidden = (shown == FILL).all(dim=1, keepdim=True).expand_as(images)
    assert torch.equal(bits(images), before)
    assert torch.equal(bits(shown)[~hidden], before[~hidden])
    assert 0 < hidden.sum() < hidden.numel()
    assert shown.dtype == images.dtype


@pytest.mark.parametrize("hiding", HIDINGS.values(), ids=HIDINGS)
def test_the_same_seed_hides_the_same_and_the_next_draw_something_else(hiding: Hiding) -> None:
    images = torch.ones(20, 1, HEIGHT, WIDTH)
    one, two = torch.Generator().manual_seed(5), torch.Generator().manual_seed(5)
    first = hiding(images, one)
    assert torch.equal(first, hiding(images, two))
    assert not torch.equal(first, hiding(images, one))


@pytest.mark.parametrize(
    ("size", "image", "side"),
    [
        (Fraction(4, 7), (224, 224), 128), (Fraction(4, 7), (28, 28), 16), (128, (224, 300), 128),
        ("128px", (224, 224), 128), (0.5, (10, 14), 5), ("0.05", (30, 40), 2), (10, (10, 14), 10),
    ],
)  # fmt: skip
def test_sizes_are_pixels_or_shares_of_the_shorter_side(
    size: int | float | str | Fraction, image: tuple[int, int], side: int
) -> None:
    assert Cutout(size=size).side(*image) == side


def test_the_defaults_are_those_of_the_paper() -> None:
    assert (Cutout().count, Cutout().side(224, 224)) == (2, 128)
    assert Cutout() == Cutout(size="4/7", fill=(0.0,), probability=Constant(1.0))
    assert str(Cutout()) == str(Cutout(size="4/7"))
    assert str(Cutout()) != str(Cutout(size=128)) != str(Cutout(size=128, count=1))


@pytest.mark.parametrize("side", [1, 4, 5, 10])
def test_a_square_lies_around_a_random_centre_and_is_cut_off_at_the_border(side: int) -> None:
    boxes = set()
    for hidden in hidden_by(Cutout(size=side, count=1), 2000).numpy():
        rows, columns = np.flatnonzero(hidden.any(axis=1)), np.flatnonzero(hidden.any(axis=0))
        assert hidden.sum() == len(rows) * len(columns)
        boxes.add((rows[0], rows[-1] + 1, columns[0], columns[-1] + 1))
    tops, lefts = (range(-(side // 2), extent - side // 2) for extent in (HEIGHT, WIDTH))
    expected = {
        (max(top, 0), min(top + side, HEIGHT), max(left, 0), min(left + side, WIDTH)) for top in tops for left in lefts
    }
    assert boxes == expected


def test_several_squares_are_hidden_at_once() -> None:
    areas = {count: hidden_by(Cutout(size=3, count=count), 500).sum(dim=(1, 2)) for count in (1, 2, 3)}
    assert [int(areas[count].max()) for count in areas] == [9, 18, 27]
    assert areas[1].float().mean() < areas[2].float().mean() < areas[3].float().mean()


def test_random_masks_are_those_of_the_set_and_each_comes() -> None:
    found = {hidden.numpy().tobytes() for hidden in hidden_by(RandomMasks(MASKS), 300)}
    assert found == {mask.tobytes() for mask in np.asarray(MASKS)}


def test_two_masks_an_image_are_what_a_certificate_asks_for() -> None:
    found = {hidden.numpy().tobytes() for hidden in hidden_by(RandomMasks(MASKS, per_image=2), 1500)}
    masks = np.asarray(MASKS)
    assert found == {(one | two).tobytes() for one in masks for two in masks}


@pytest.mark.parametrize(
    "make", [lambda share: Cutout(3, 2, 0.0, share), lambda share: RandomMasks(MASKS, 1, 0.0, share)]
)
def test_the_share_of_masked_images_is_that_of_the_schedule(make: Callable[[float | Schedule], Hiding]) -> None:
    def share(probability: float | Schedule, progress: float = 0.0) -> float:
        return float(hidden_by(make(probability), 2000, progress=progress).any(dim=2).any(dim=1).float().mean())

    assert (share(0.0), share(1.0)) == (0.0, 1.0)
    assert abs(share(0.3) - 0.3) < 0.05
    ramp = Ramp(0.0, 0.8, until=0.5)
    assert [round(share(ramp, progress), 1) for progress in (0.0, 0.25, 0.5, 1.0)] == [0.0, 0.4, 0.8, 0.8]
    assert [share(Jump(at=0.5), progress) for progress in (0.0, 0.499, 0.5, 1.0)] == [0.0, 0.0, 1.0, 1.0]


def test_jump_keeps_its_earlier_name_and_the_text_that_checkpoints_compare() -> None:
    assert Step is Jump
    assert str(Jump(0.25, 0.5)) == "Step(before=0.25, after=0.5, at=0.5)"


def test_which_pixels_are_hidden_does_not_depend_on_the_share() -> None:
    every, some = (hidden_by(Cutout(size=3, probability=share), 50) for share in (1.0, 0.5))
    masked = some.any(dim=2).any(dim=1)
    assert torch.equal(every[masked], some[masked])
    assert 0 < masked.sum() < 50


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Cutout(size=0), "size"),
        (lambda: Cutout(size=-3), "size"),
        (lambda: Cutout(size=1.5), "size"),
        (lambda: Cutout(size="wide"), "size"),
        (lambda: Cutout(count=0), "count must be a whole number of at least 1; got 0"),
        (lambda: Cutout(fill=float("nan")), "fill must be a finite number"),
        (lambda: Cutout(fill=()), "fill must be a finite number"),
        (lambda: Cutout(probability=1.5), "fractions between 0 and 1"),
        (lambda: Cutout(probability=float("nan")), "fractions between 0 and 1"),
        (lambda: Ramp(until=2.0), "fractions between 0 and 1"),
        (lambda: Jump(before=-0.1), "fractions between 0 and 1"),
        (lambda: RandomMasks(MASKS, per_image=0), "per_image must be a whole number"),
        (lambda: RandomMasks(MASKS[:0]), "at least one mask"),
        (lambda: RandomMasks(MaskSet.from_boxes([(0, 4)], image_size=(9,))), "on images"),
        (lambda: RandomMasks(MASKS, fill=float("inf")), "fill must be a finite number"),
    ],
)
def test_settings_that_make_no_sense_are_refused(make: Callable[[], object], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        make()


@pytest.mark.parametrize(
    ("hiding", "images", "message"),
    [
        (Cutout(size=11), torch.ones(1, 1, 10, 14), "squares of 11 px do not fit images of 10×14"),
        (Cutout(fill=(0.0, 0.0, 0.0)), torch.ones(1, 2, 10, 14), "fill has 3 values; the images have 2 channels"),
        (Cutout(), torch.ones(1, 10, 14), "expected float images"),
        (Cutout(), torch.ones(1, 1, 10, 14, dtype=torch.uint8), "expected float images"),
        (Cutout(), np.ones((1, 1, 10, 14)), "got ndarray"),
        (RandomMasks(MASKS), torch.ones(1, 1, 14, 10), "the masks are for images of 10×14"),
    ],
)
def test_images_that_do_not_fit_are_refused(hiding: Hiding, images: torch.Tensor, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        hiding(images, torch.Generator())


def test_a_fill_may_name_each_channel() -> None:
    shown = Cutout(size=10, count=9, fill=(0.25, -1.0))(torch.ones(1, 2, 10, 10), torch.Generator().manual_seed(0))
    assert [sorted(channel.unique().tolist()) for channel in shown[0]] in ([[0.25], [-1.0]], [[0.25, 1.0], [-1.0, 1.0]])
