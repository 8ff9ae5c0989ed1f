"""Attacks on votes, on robust masking and on detection: they break what is open, and nothing that is certified."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from maskcover_torch.attacks import AttackReport, attack
from maskcover_torch.attacks.aims import NOTHING, TwoRounds, aim_of
from maskcover_torch.attacks.masked import MaskedScores
from maskcover_torch.interval_classifier import intervals
from maskcover_torch.local_classifier import local
from maskcover_torch.model import TorchModel
from maskcover_torch.split_classifier import split
from torch import nn

import maskcover as mc
from maskcover import ChallengerMasking, Detection, DoubleMasking, Intervals, MaskSet, RobustMasking, Voting
from maskcover.certification import attack as attack_any
from maskcover.defense import Procedure, includes, parse_procedure
from maskcover.masks import Views

pytestmark = pytest.mark.usefixtures("one_thread")

SIDE, COUNT = 8, 24
REGIONS = "squares(size=2)"
BANDS = mc.bands(width=2, image_size=SIDE)
COVER = mc.cover(mc.squares(size=2), image_size=SIDE, grid=(3, 3))


class Stripes(nn.Module):
    """Three classes by the mean of what is seen: dark, grey or bright; the fill of 0 is grey."""

    def __init__(self, scale: float) -> None:
        super().__init__()
        self.scale = scale
        self.eval()

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Scores (n, 3)."""
        mean = images.mean(dim=(1, 2, 3))
        return self.scale * torch.stack([-mean, 0.05 - mean.abs(), mean], dim=1)


def images_of(seed: int) -> torch.Tensor:
    """Images of one grey each, from dark to bright, with a little noise."""
    generator = torch.Generator().manual_seed(seed)
    greys = torch.linspace(-0.9, 0.9, COUNT)[:, None, None, None]
    return greys + 0.1 * torch.randn((COUNT, 1, SIDE, SIDE), generator=generator)


CASES: dict[str, tuple[Procedure, MaskSet, float]] = {
    "votes": (Voting(), BANDS, 1.0),
    "votes above a threshold": (Voting(threshold=0.4), BANDS, 20.0),
    "clipped evidence": (Voting(evidence="clip(0, 1)"), BANDS, 8.0),
    "squashed evidence": (Voting(evidence="tanh(2, 0)"), BANDS, 8.0),
    "confidences": (Voting(evidence="confidence"), BANDS, 20.0),
    "robust masking": (RobustMasking(evidence="clip(0, 10)"), BANDS, 8.0),
    "robust masking of confidences": (RobustMasking(0.5, evidence="confidence"), BANDS, 20.0),
    "detection": (Detection(0.8), COVER, 20.0),
    "some that disagree, or are unsure": (Detection(0.9, alert_below=0.4), COVER, 20.0),
}


def attacked(name: str, numbers: Any, *, claim: bool, **options: Any) -> AttackReport:
    """An attack at up to 60 placements, which are all of them, on some images of a case."""
    procedure, masks, scale = CASES[name]
    model, images = Stripes(scale), images_of(0)
    chosen: dict[str, Any] = {"placements": 60, "views": 10, "batch_size": 40} | options
    return attack(
        model, images[numbers], labels_of(name)[numbers], masks, regions=REGIONS, procedure=procedure, low=-1.0,
        high=1.0, certified=np.full(len(numbers), claim), **chosen,
    )  # fmt: skip


def labels_of(name: str) -> Any:
    """The labels of the clean images with nothing hidden, which is what they are by construction."""
    with torch.no_grad():
        return Stripes(CASES[name][2])(images_of(0)).argmax(dim=1).numpy()


@pytest.mark.parametrize("name", CASES)
def test_what_is_open_is_broken_and_what_is_certified_is_not(name: str) -> None:
    procedure, masks, scale = CASES[name]
    result = mc.certify(
        Stripes(scale), list(images_of(0)), labels_of(name), masks, regions=REGIONS, procedure=procedure, batch_size=40
    )
    certified = np.flatnonzero(result.certified)[::5]
    right = np.flatnonzero(~result.certified & (result.defended == result.labels))
    assert len(certified) >= 3
    assert len(right)
    whole = attacked(name, certified, claim=True, steps=4)
    assert whole.refutations == ()
    assert whole.attempts >= 49 * len(certified)
    broken = attacked(name, right, claim=False, steps=10)
    assert broken.broken.any()
    for outcome, number in zip(broken.outcomes, right.tolist(), strict=True):
        if outcome.image is not None:
            changed = (outcome.image != images_of(0)[number]).any(dim=0)
            assert 0 < int(changed.sum()) <= 4


class Nearest(nn.Module):
    """Four classes by the mean of what is seen: the nearest of four greys, in units of a full image or of a band."""

    GREYS = (-0.45, -0.15, 0.15, 0.45)

    def __init__(self, shown: float, scale: float) -> None:
        super().__init__()
        self.shown, self.scale = shown, scale
        self.eval()

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Scores (n, 4)."""
        mean = images.mean(dim=(1, 2, 3)) / self.shown
        return self.scale * (0.5 - (mean[:, None] - torch.tensor(self.GREYS)).abs())


@pytest.mark.parametrize(
    ("procedure", "scale"),
    [
        (Voting(top=2), 1.0),
        (Voting(threshold=0.3, top=2), 4.0),
        (Voting(evidence="clip(0, 1)", top=2), 2.0),
        (Detection(0.3, top=2), 8.0),
    ],
    ids=str,
)
def test_labels_among_the_first_two_are_pushed_out_where_that_is_open_and_never_where_certified(
    procedure: Procedure, scale: float
) -> None:
    """Columns have one of four greys each, and bands vote for the nearest; for detection images have one grey."""
    generator = torch.Generator().manual_seed(3)
    votes = isinstance(procedure, Voting)
    masks, model = (BANDS, Nearest(0.25, scale)) if votes else (COVER, Nearest(1.0, scale))
    if votes:
        usual = torch.randint(4, (COUNT, 1, 1, 1), generator=generator).expand(-1, 1, 1, SIDE)
        other = torch.randint(4, (COUNT, 1, 1, SIDE), generator=generator)
        rare = torch.rand((COUNT, 1, 1, SIDE), generator=generator) < torch.arange(COUNT)[:, None, None, None] % 4 / 5
        images = torch.tensor(Nearest.GREYS)[torch.where(rare, other, usual)].expand(-1, 1, SIDE, SIDE).clone()
    else:
        images = torch.linspace(-0.6, 0.6, COUNT)[:, None, None, None].expand(-1, 1, SIDE, SIDE).clone()
    options: dict[str, Any] = {"regions": REGIONS, "procedure": procedure, "batch_size": 40}
    certified = open_broken = 0
    for place in range(2):
        answers = mc.certify(model, list(images), [0] * COUNT, masks, **options).verdicts
        labels = np.array([getattr(verdict.defended, "labels")[place] for verdict in answers])  # noqa: B009
        result = mc.certify(model, list(images), labels, masks, **options)
        # Whatever is claimed is attacked, and so is what is right and open.
        right = np.array([verdict.right for verdict in result.verdicts])
        chosen = np.flatnonzero(right)[::2]
        report = attack(
            model, images[chosen], labels[chosen], masks, certified=result.certified[chosen], low=-1.0, high=1.0,
            placements=12, steps=12, views=10, **options,
        )  # fmt: skip
        assert report.refutations == ()
        certified += int(report.certified.sum())
        open_broken += int((report.broken & ~report.certified).sum())
        for outcome, number in zip(report.outcomes, chosen.tolist(), strict=True):
            if outcome.image is not None:
                changed = (outcome.image != images[number]).any(dim=0)
                assert 0 < int(changed.sum()) <= 4
                [answer] = mc.predict(model, [outcome.image], masks, procedure=procedure, batch_size=40)
                assert not answer.alert
                assert not includes(answer, int(labels[number]))
    assert certified >= 3
    assert open_broken >= 2


def test_views_are_shared_out_among_wrong_labels() -> None:
    """Of every three masks one is pushed to the target, the others to the likeliest labels besides."""
    aim = aim_of(Voting(top=3))
    scores = torch.tensor([[5.0, 4.0, 3.0, 2.0, 1.0]] * 3, requires_grad=True)
    loss = aim.loss(scores, torch.arange(3), torch.tensor([0, 0, 0]), torch.tensor([4, 4, 4]))
    loss.backward()  # type: ignore[no-untyped-call]  # torch's own
    assert scores.grad is not None
    assert scores.grad.argmin(dim=1).tolist() == [4, 1, 2]


def test_where_any_mask_that_disagrees_alerts_what_is_silent_and_right_is_certified() -> None:
    """With a threshold of 0 every mask of such an image has the label, so that nothing is left to break."""
    model, images, labels = Stripes(20.0), images_of(0), labels_of("detection")
    procedure = Detection(0.0, alert_below=0.5)
    options: dict[str, Any] = {"regions": REGIONS, "procedure": procedure, "batch_size": 40}
    result = mc.certify(model, list(images), labels, COVER, **options)
    assert (result.certified | (result.defended != result.labels)).all()
    assert (result.certified & result.alerts).any()
    numbers = np.flatnonzero(result.certified)[::3]
    report = attack(
        model, images[numbers], labels[numbers], COVER, certified=np.full(len(numbers), True), low=-1.0, high=1.0,
        placements=60, steps=4, **options,
    )  # fmt: skip
    assert report.refutations == ()


SCORES = torch.tensor([[2.0, -1.0, 0.5], [2.0, -1.0, 0.5], [0.0, 0.0, 3.0]], requires_grad=True)
LABELS, TARGETS, FIRST = torch.tensor([0, 0, 0]), torch.tensor([2, 1, 2]), torch.tensor([NOTHING, 0, 1])


def slope(text: str) -> torch.Tensor:
    """The gradient of the loss by the scores."""
    (gradient,) = torch.autograd.grad(aim_of(parse_procedure(text)).loss(SCORES, FIRST, LABELS, TARGETS), SCORES)
    return gradient


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("voting(evidence='clip(0, 1)')", [[1, -1, 0], [0, 0, 0]]),
        ("robust_masking(evidence='clip(0, 4)')", [[1, -1, 0], [0, 0, -1]]),
    ],
)
def test_evidence_is_pushed_within_its_range_only(text: str, expected: list[list[int]]) -> None:
    assert slope(text)[1:].tolist() == expected  # the first row is that with nothing hidden


@pytest.mark.parametrize("text", ["voting()", "voting(threshold=0.3)", "challenger_masking()", "detection(0.0)"])
def test_labels_are_pushed_to_the_target(text: str) -> None:
    gradient = slope(text)
    assert (gradient.gather(1, TARGETS[:, None]) < 0).all()
    assert (gradient[:2, 0] > 0).all()


def test_a_mask_may_be_unsure_instead_where_that_is_silent() -> None:
    # The second row says 0 with a confidence of 0.79: nearer to 0.75 than to its target; where 0.75 is an alert, not.
    unsure = slope("detection(0.75)")
    assert unsure[1, 0] > 0
    assert unsure[1, 1] < 0
    assert unsure[1, 1].abs() < 0.1
    assert slope("detection(0.75, alert_below=0.8)")[1, 1] < -0.9
    # With nothing hidden only the target counts.
    assert torch.equal(unsure[0], slope("detection(0.0)")[0])
    # Below the threshold there is nothing to do.
    assert not slope("detection(0.85)")[1].any()


def test_views_are_those_that_show_the_patch_and_the_image_as_it_is() -> None:
    visible = torch.diag_embed(torch.tensor([[True, False, True, True], [False, True, False, True]]))
    margins = torch.zeros(2, 4, 4)
    generator = torch.Generator().manual_seed(0)
    chosen: list[set[int]] = [set(), set()]
    for _ in range(20):
        first, second = aim_of(Voting()).pairs(margins, visible, 2, generator)
        assert torch.equal(first, second)
        for row, numbers in zip(chosen, first.tolist(), strict=True):
            assert len(set(numbers)) == 2
            row.update(numbers)
    assert chosen == [{0, 2, 3}, {1, 3}]
    first, _ = aim_of(Detection(0.5)).pairs(margins, visible, 3, generator)
    assert first[:, 0].tolist() == [NOTHING, NOTHING]
    assert set(first[1].tolist()) == {NOTHING, 1, 3}


def test_the_unions_of_a_first_round_are_pushed_too() -> None:
    visible, margins = torch.ones((2, 9, 9), dtype=torch.bool), torch.zeros(2, 9, 9)
    one, other = COVER.pairing[1].tolist()
    visible[1, one, other] = visible[1, other, one] = False
    generator = torch.Generator().manual_seed(0)
    chosen: list[set[tuple[int, int]]] = [set(), set()]
    for _ in range(30):
        aim = aim_of(ChallengerMasking(first_round="pairs"), COVER)
        first, second = aim.pairs(margins, visible, 8, generator)
        assert first.shape == second.shape == (2, 8)
        for unions, numbers in zip(
            chosen, zip(first[:, -2:].tolist(), second[:, -2:].tolist(), strict=True), strict=True
        ):
            unions.update(zip(*numbers, strict=True))
    pairs = {(low, high) for low, high in COVER.pairing.tolist()}
    assert chosen == [pairs, pairs - {(one, other)}]
    assert aim_of(ChallengerMasking(), COVER) == aim_of(ChallengerMasking())


def test_masks_of_levels_are_pushed_too_and_protect_a_placement_with_the_masks() -> None:
    masks = COVER.with_levels(mc.cover(REGIONS, COVER.grid, grid=(2, 2)))
    masked = MaskedScores(TorchModel(Stripes(1.0)), masks, Views.PAIRS)
    margins = masked.margins(images_of(0)[:2], torch.zeros(2, dtype=torch.int64))
    assert margins.shape == (2, 13, 13)
    assert (margins.isfinite().sum(dim=(1, 2)) == 81 + 4).all()
    aim = aim_of(DoubleMasking(first_round="levels"), masks)
    assert isinstance(aim, TwoRounds)
    assert {(number, number) for number in range(9, 13)} == set(aim.first_round)
    rows, inside = np.array([*[0.5] * 9, 0.2, -0.1, 0.3, 0.4]), np.zeros((3, 13), dtype=np.bool_)
    inside[0, [0, 9]] = inside[1, [0, 10]] = inside[2, [9]] = True
    assert aim.strength(rows, inside).tolist() == [0.2, -0.1, -np.inf]


@pytest.mark.parametrize("first_round", ["pairs", "grid(2, 2)"])
def test_an_attack_on_a_first_round_breaks_nothing_that_is_certified(first_round: str) -> None:
    images, labels, procedure = images_of(0), labels_of("detection"), DoubleMasking(first_round=first_round)
    options: dict[str, Any] = {"regions": REGIONS, "procedure": procedure, "batch_size": 40}
    result = mc.certify(Stripes(1.0), list(images), labels, COVER, **options)
    numbers = np.flatnonzero(result.certified)[::5]
    report = attack(
        Stripes(1.0), images[numbers], labels[numbers], COVER, certified=np.full(len(numbers), True), low=-1.0,
        high=1.0, placements=10, steps=2, views=8, **options,
    )  # fmt: skip
    assert len(numbers) >= 3
    assert report.refutations == ()
    assert report.attempts >= 10 * len(numbers)


def test_a_mask_without_a_number_hides_nothing() -> None:
    masked, images = MaskedScores(TorchModel(Stripes(1.0)), BANDS, Views.SINGLE_MASKS), images_of(0)
    nothing, first = torch.full((COUNT,), NOTHING), torch.zeros(COUNT, dtype=torch.int64)
    assert torch.equal(masked.scores(images, nothing, nothing), Stripes(1.0)(images))
    hidden = torch.from_numpy(np.asarray(BANDS)[0])
    assert torch.equal(masked.scores(images, nothing, first), Stripes(1.0)(images.masked_fill(hidden, 0.0)))


def test_placements_are_open_where_votes_may_turn() -> None:
    rows, inside = np.array([0.5, 0.5, 0.5, -0.5, np.nan]), np.array([[1, 1, 1, 1, 0], [1, 1, 0, 0, 0]], dtype=bool)
    assert aim_of(Voting()).strength(np.nan_to_num(rows), inside).tolist() == [1.0, -1.0]
    assert aim_of(Detection(0.5)).strength(np.nan_to_num(rows), inside).tolist() == [0.5, 0.5]
    assert [aim_of(procedure).by_masks for procedure in (Voting(), Detection(0.5), ChallengerMasking())] == [
        False, True, True,
    ]  # fmt: skip


class Cells(TorchModel):
    """A classifier whose views are the columns of an image, each scored by itself from one pass; no mask is drawn."""

    def masked_scores(self, masks: MaskSet, views: Views) -> MaskedScores:
        """Scores with gradients, and a count of them."""
        return Columns(self, masks, views)


class Columns(MaskedScores):
    """The scores of a column are those of the image with only that column shown."""

    calls = 0

    def scores(self, images: torch.Tensor, first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
        """See `MaskedScores.scores`."""
        Columns.calls += 1
        return super().scores(images, first, second)


def test_a_classifier_that_scores_views_in_its_own_way_is_attacked_through_them() -> None:
    Columns.calls = 0
    classifier = Cells(Stripes(1.0), batch_size=40)
    report = attack(
        classifier, images_of(0), labels_of("votes"), BANDS, regions=REGIONS, procedure="voting", low=-1.0, high=1.0,
        placements=5, steps=2,
    )  # fmt: skip
    assert Columns.calls > 0
    assert report.refutations == ()
    with pytest.raises(mc.InvalidInput, match="a classifier with a method masked_scores; got str"):
        attack("no model", images_of(0), labels_of("votes"), BANDS, regions=REGIONS)  # type: ignore[arg-type]


class Grid(nn.Module):
    """Scores of three classes for each 2×2 cell of an image: dark, grey and bright."""

    def __init__(self) -> None:
        super().__init__()
        self.passed = 0
        self.eval()

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Scores (n, 3, rows, columns)."""
        self.passed += len(images)
        mean = nn.functional.avg_pool2d(images, 2)
        return torch.cat([-mean, 0.05 - mean.abs(), mean], dim=1)


@pytest.mark.parametrize(
    "procedure", [Voting(evidence="clip(0, 1)"), RobustMasking(evidence="clip(0, 1)"), Voting()], ids=str
)
def test_cells_are_attacked_through_one_pass(procedure: Procedure) -> None:
    classifier = local(Grid())
    masks = classifier.own_masks(mc.Grid.of(SIDE))
    # Some of one grey, and some so noisy that a few cells decide.
    noise = 0.5 * torch.randn((8, 1, SIDE, SIDE), generator=torch.Generator().manual_seed(1))
    images = torch.cat([images_of(0)[::4], noise.clamp(-1, 1)])
    options: dict[str, Any] = {"regions": REGIONS, "procedure": procedure}
    labels = mc.certify(classifier, list(images), np.zeros(len(images), np.int64), masks, **options).defended
    result = mc.certify(classifier, list(images), labels, masks, **options)
    assert result.certified.any()
    options |= {"low": -1.0, "high": 1.0, "placements": 60}
    certified, others = (np.flatnonzero(flags) for flags in (result.certified, ~result.certified))
    some = certified[::2]
    held = attack_any(
        classifier, images[some], labels[some], masks, certified=np.full(len(some), True), steps=4, **options
    )
    assert held.refutations == ()
    assert held.attempts == 49 * len(some)
    broken = attack_any(
        classifier, images[others], labels[others], masks, certified=np.full(len(others), False), steps=10, views=16,
        **options,
    )  # fmt: skip
    assert broken.broken.any()


def test_scores_of_cells_are_those_of_the_evaluator_and_carry_gradients() -> None:
    classifier = local(Grid())
    masks = classifier.own_masks(mc.Grid.of(SIDE))
    evaluator, masked = classifier.evaluator(masks), classifier.masked_scores(masks, Views.SINGLE_MASKS)
    images = images_of(0)[:2].repeat_interleave(4, dim=0).requires_grad_()
    pairs = torch.tensor([[0, 0], [5, 5], [NOTHING, NOTHING], [3, 4]] * 2)
    scores = masked.scores(images, *pairs.T)
    rows = [evaluator.load(image) for image in images.detach()]
    asked = evaluator.batch_size
    expected = evaluator.scores((rows * asked)[:asked], np.tile(pairs.numpy(), (asked, 1))[:asked])[:8]
    assert torch.allclose(scores.detach(), torch.from_numpy(np.asarray(expected)), atol=1e-6)
    (gradient,) = torch.autograd.grad(scores[5, 2], images)
    # Cell 5 is that of rows 2 and 3, columns 2 and 3; of equal images in a row the first one gets the gradient.
    assert torch.nonzero(gradient).tolist() == [[4, 0, row, column] for row in (2, 3) for column in (2, 3)]


class Cut(nn.Module):
    """A front end of windows of two pixels, and a head: three classes by the mean of the cells."""

    def __init__(self) -> None:
        super().__init__()
        self.front = nn.AvgPool2d(2)
        self.eval()

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Scores (n, 3)."""
        mean = self.front(images).mean(dim=(1, 2, 3))
        return torch.stack([-mean, 0.05 - mean.abs(), mean], dim=1)


@pytest.mark.filterwarnings("ignore:mask 0 hides more than half")
def test_a_split_network_is_attacked_through_its_cells() -> None:
    images, classifier = images_of(0), split(Cut(), "front", batch_size=40)
    masks = classifier.cover(REGIONS, SIDE, grid=(2, 2))
    with torch.no_grad():
        labels = Cut()(images).argmax(dim=1).numpy()
    result = mc.certify(classifier, list(images), labels, masks)
    certified = np.flatnonzero(result.certified)[::5]
    right = np.flatnonzero(~result.certified & (result.defended == result.labels))
    assert len(certified) >= 2
    assert len(right)
    options: dict[str, Any] = {"placements": 60, "views": 10, "batch_size": 40, "low": -1.0, "high": 1.0}
    whole = attack_any(classifier, images[certified], labels[certified], masks, certified=None, steps=4, **options)
    assert whole.refutations == ()
    assert whole.attempts >= 49 * len(certified)
    broken = attack_any(classifier, images[right], labels[right], masks, steps=10, **options)
    assert broken.broken.any()
    for outcome, number in zip(broken.outcomes, right.tolist(), strict=True):
        if outcome.image is not None:
            assert 0 < int((outcome.image != images[number]).any(dim=0).sum()) <= 4  # pixels, not cells


def test_masks_of_cells_on_images_hold_what_reaches_no_other_cell() -> None:
    """A region lies inside such a mask exactly when the cells that it reaches lie inside the mask of cells."""
    classifier = split(Cut(), "front")
    masks = classifier.cover("squares(size=3)", SIDE, grid=(3, 3))
    drawn, regions = classifier.drawn(masks, classifier.regions("squares(size=3)", SIDE))
    assert str(regions) == "squares(size=3)"
    assert drawn.grid.shape == (SIDE, SIDE)
    for cells, pixels in zip(np.asarray(masks), np.asarray(drawn), strict=True):
        assert np.array_equal(pixels, np.kron(cells, np.ones((2, 2), dtype=bool)))
    with pytest.raises(mc.InvalidInput, match="one region set"):
        classifier.drawn(masks, mc.union(*(classifier.regions(f"squares(size={side})", SIDE) for side in (2, 3))))


def test_a_network_with_bounds_is_attacked_at_its_undefended_label() -> None:
    weights = torch.stack([-torch.ones(SIDE * SIDE), torch.zeros(SIDE * SIDE), torch.ones(SIDE * SIDE)])
    linear = nn.Linear(SIDE * SIDE, 3)
    with torch.no_grad():
        linear.weight.copy_(weights / SIDE**2)
        linear.bias.copy_(torch.tensor([0.0, 0.05, 0.0]))
    model = nn.Sequential(nn.Flatten(), linear).eval()
    images, classifier = images_of(0).clamp(-1, 1), intervals(model, (-1.0, 1.0), batch_size=40)
    with torch.no_grad():
        labels = model(images).argmax(dim=1).numpy()
    result = mc.certify(classifier, list(images), labels, COVER, procedure=Intervals())
    certified, right = np.flatnonzero(result.certified)[::4], np.flatnonzero(~result.certified)
    assert len(certified) >= 2
    options: dict[str, Any] = {"placements": 60, "batch_size": 40, "low": -1.0, "high": 1.0, "procedure": Intervals()}
    assert attack_any(classifier, images[certified], labels[certified], COVER, steps=4, **options).refutations == ()
    assert attack_any(classifier, images[right], labels[right], COVER, steps=10, **options).broken.any()
