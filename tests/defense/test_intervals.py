"""Interval certification: certain labels by listing every content of hidden cells, against every attack."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import product
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import pytest

import maskcover as mc
from maskcover.classifiers.evaluation import CERTAIN_LABELS
from maskcover.classifiers.labels import UNDECIDED, UNSEEN
from maskcover.covering import containment
from maskcover.covering.containment import Containment
from maskcover.defense import Detection, Intervals, Pending, PredictionTable, Voting, interval_certificate
from maskcover.defense.answers import Case
from maskcover.defense.procedure import first_look
from maskcover.errors import InvalidInput, NotCovering
from maskcover.masks import MaskSet, Views
from maskcover.testing import ProcedureContract, World

CLASSES = 3
Ints = npt.NDArray[np.int64]
LINE = "rectangle(1, 2)"
COVER = MaskSet.from_boxes([(0, 0, 1, 3), (0, 2, 1, 3), (0, 3, 1, 3)], (1, 6), regions=LINE)


class Bounded:
    """A classifier of images of zeros and ones whose masked predictions are certain labels, found by listing."""

    batch_size = 8
    kind: ClassVar[dict[str, str]] = {CERTAIN_LABELS: "for pixels 0 and 1"}

    def __init__(self, label_of: Callable[[Ints], int]) -> None:
        self.label_of = label_of
        self.identity = dict(self.kind)

    def scores(self, images: Sequence[Any], hidden: npt.NDArray[np.bool_]) -> npt.NDArray[np.float64]:
        """One-hot scores of the certain label; all 0 without one."""
        return np.stack([self._row(image, cells) for image, cells in zip(images, hidden, strict=True)])

    def _row(self, image: Ints, cells: npt.NDArray[np.bool_]) -> npt.NDArray[np.float64]:
        labels = set()
        for content in product((0, 1), repeat=int(cells.sum())):
            changed = image.copy()
            changed[cells] = content
            labels.add(self.label_of(changed))
        return np.eye(CLASSES)[labels.pop()] if len(labels) == 1 else np.zeros(CLASSES)


class TestIntervals(ProcedureContract):
    """In worlds where every attack is tried; the second has placements behind masks that do not cover."""

    procedures = (Intervals(),)
    worlds = (
        World(COVER),
        World(
            MaskSet.from_boxes([(0, 0, 1, 3), (0, 3, 1, 3)], (1, 6), regions=LINE) + mc.placement_masks(LINE, (1, 6))
        ),
        World(MaskSet.from_boxes([(0, 0, 2, 3), (0, 1, 2, 3), (1, 0, 2, 3), (1, 1, 2, 3)], (3, 4), regions=LINE)),
    )
    models = 24

    def model(self, random: np.random.Generator, world: World, image: Ints, label: int, *, wrong: int) -> Bounded:
        """Right about all images but `wrong` of those that an attack can make."""
        others = random.integers(CLASSES, size=1 << image.size)
        labels = others if wrong == 3 else np.full(1 << image.size, label)
        weights = 1 << np.arange(image.size)
        attacked = np.unique([int(changed.ravel() @ weights) for changed in world.attacked(image)])
        if wrong < 3:
            labels[random.choice(attacked, size=wrong)] = (label + 1) % CLASSES
        return Bounded(lambda changed: int(labels[int(changed.ravel() @ weights)]))


def covers_of(masks: MaskSet, *, listed: bool, monkeypatch: pytest.MonkeyPatch) -> Containment:
    """The containment, whose signatures are listed or said to be too many."""
    if not listed:
        monkeypatch.setattr(containment, "few_minimal", lambda *_: None)
    return Containment.of(masks)


@pytest.mark.parametrize("listed", [True, False])
def test_the_certificate_is_that_the_masks_with_the_label_cover(listed: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever was seen: every table of three masks with labels, no label, and gaps."""
    covers = covers_of(COVER, listed=listed, monkeypatch=monkeypatch)
    plain = Containment.of(COVER)
    for entries in product((0, 1, UNDECIDED, UNSEEN), repeat=3):
        labels = np.array(entries, dtype=np.int64)
        decision = interval_certificate(1, labels, 1, covers)
        certain, possible = labels == 1, (labels == 1) | (labels == UNSEEN)
        if isinstance(decision, Pending):
            assert plain(possible)
            assert not plain(certain)
            assert (labels[decision.pairs[:, 0]] == UNSEEN).all()
        else:
            assert decision.certified == (plain(certain) and (listed or not (labels == UNSEEN).any()))
            assert decision.certifying == tuple(np.flatnonzero(certain))
            assert decision.certified or not plain(possible)


@pytest.mark.parametrize("undefended", [0, UNDECIDED])
def test_another_undefended_label_certifies_nothing(undefended: int) -> None:
    """Even if all masks had the label, which bounds that are sound cannot give."""
    certificate = interval_certificate(undefended, np.array([1, 1, 1]), 1, Containment.of(COVER))
    assert not isinstance(certificate, Pending)
    assert not certificate.certified


def test_without_any_region_nothing_is_claimed(monkeypatch: pytest.MonkeyPatch) -> None:
    """No signature was hit, so none was missed either."""
    monkeypatch.setattr(containment, "few_minimal", lambda *_: ())
    certificate = interval_certificate(1, np.array([1, 1, 1]), 1, Containment.of(COVER))
    assert not isinstance(certificate, Pending)
    assert not certificate.certified


def test_a_negative_label_is_refused() -> None:
    """It would match the entries without a label."""
    with pytest.raises(InvalidInput, match="true label, 0 or more"):
        interval_certificate(-1, np.array([-1, -1, -1]), -1, Containment.of(COVER))


def test_an_image_that_is_wrong_already_needs_no_bound() -> None:
    """The undefended label comes first."""
    model = Bounded(lambda _: 0)
    result = mc.certify(model, [np.zeros((1, 6), np.int64)], [1], COVER, procedure=Intervals(), probes=False)
    assert (result.certified.tolist(), result.verdicts[0].evaluations) == ([False], 1)
    assert result.verdicts[0].defended.case is Case.UNDEFENDED


class TwoCells(Bounded):
    """Label 1 if the cells (0, 0) and (2, 2) are both 1: within the first mask of a cover, and within no placement."""

    def _row(self, image: Ints, cells: npt.NDArray[np.bool_]) -> npt.NDArray[np.float64]:
        possible = all(image[cell] == 1 or cells[cell] for cell in ((0, 0), (2, 2)))
        return np.zeros(CLASSES) if possible else np.eye(CLASSES)[0]


def test_36_bounds_stand_for_all_placements_and_fallbacks_are_asked_only_where_they_are_needed() -> None:
    """The counts of the paper's 6×6 cover of 32×32 squares; and of a cover whose first mask fails."""
    squares = mc.squares(size=32)
    covers = Containment.covering(mc.cover(squares), squares)
    assert len(covers.masks) == 36
    assert sum(term.placements for term in squares.terms(covers.masks.grid)) == 37_249
    decision = interval_certificate(1, np.full(36, UNSEEN), 1, covers)
    assert isinstance(decision, Pending)
    assert len(decision.pairs) == 36

    cover = mc.cover("squares(size=2)", image_size=8, grid=(2, 2))
    masks = cover + mc.placement_masks("squares(size=2)", image_size=8)
    model = TwoCells(lambda _: 0)
    [verdict] = mc.certify(
        model, [np.zeros((8, 8), np.int64)], [0], masks, procedure=Intervals(), probes=False, min_margin=0.0
    ).verdicts
    assert verdict.certificate.certified
    assert verdict.certificate.failing == (0, 0)
    inside = sum(cover[0].contains(mask) for mask in masks[4:])
    only = sum(cover[0].contains(mask) and not any(other.contains(mask) for other in cover[1:]) for mask in masks[4:])
    assert only <= verdict.evaluations - 5 <= inside < 49


def test_a_mask_set_that_does_not_cover_is_refused() -> None:
    """At once, with a region that it misses."""
    with pytest.raises(NotCovering):
        mc.certify(Bounded(lambda _: 0), [np.zeros((1, 6))], [0], COVER[:1], procedure=Intervals())


class Plain(Bounded):
    """An ordinary classifier: it does not say that its masked predictions are certain labels."""

    kind: ClassVar[dict[str, str]] = {}


IMAGES = [np.zeros((1, 6), np.int64)]


@pytest.mark.parametrize(
    "call",
    [
        lambda model, _: mc.certify(model, IMAGES, [0], COVER, procedure=Intervals(), probes=False),
        lambda model, out: mc.run(model, IMAGES, [0], COVER, out, procedure=Intervals()),
        lambda model, _: mc.predict(model, IMAGES, COVER, procedure=Intervals()),
        lambda model, _: mc.explain(model, IMAGES, COVER, label=0, procedure=Intervals(), probes=False),
        lambda model, _: mc.defend(model, COVER, procedure=Intervals())(IMAGES),
        lambda model, _: mc.choose(
            model, IMAGES * 4, [0] * 4, LINE, serving=40, candidates=[COVER], procedures=[Intervals()]
        ),
    ],
    ids=["certify", "run", "predict", "explain", "defend", "choose"],
)
@pytest.mark.filterwarnings("ignore::maskcover.errors.MaskcoverWarning")
def test_an_ordinary_classifier_is_refused_everywhere(call: Callable[..., Any], tmp_path: Path) -> None:
    """Its masked predictions say nothing of other contents of the hidden pixels; with bounds all of these work."""
    with pytest.raises(InvalidInput, match=r"needs certain labels.*maskcover_torch\.intervals"):
        call(Plain(lambda _: 0), tmp_path / "plain")
    call(Bounded(lambda _: 0), tmp_path / "bounded")


def test_a_run_with_other_predictions_is_not_asked_about_intervals_nor_reused(tmp_path: Path) -> None:
    """The fingerprint says which kind of prediction the rows hold."""
    images = [np.zeros((1, 6), np.int64), np.ones((1, 6), np.int64)]
    first = images[0]
    plain, bounded = (kind(lambda image: int(image[0, 0] != first[0, 0])) for kind in (Plain, Bounded))
    mc.run(plain, images, [0, 1], COVER, tmp_path / "plain", procedure=Detection(0.5))
    with pytest.raises(InvalidInput, match="needs certain labels"):
        mc.open_run(tmp_path / "plain").certified(procedure=Intervals())
    with pytest.raises(InvalidInput, match="not those of this model"):
        mc.run(bounded, images, [0, 1], COVER, tmp_path / "new", procedure=Intervals(), reuse=tmp_path / "plain")
    summary = mc.run(bounded, images, [0, 1], COVER, tmp_path / "bounded", procedure=Intervals())
    opened = mc.open_run(tmp_path / "bounded")
    assert summary.certified == 0
    assert opened.certified().tolist() == [False, False]
    elsewhere = mc.within(mc.rectangle(1, 2), np.array([[False, False, True, True, True, True]]))
    assert opened.certified(elsewhere).tolist() == [True, True]


def test_rows_with_gaps_are_no_abstentions() -> None:
    """A table of interval certification has few of its masked predictions; votes must not be counted from it."""
    table = PredictionTable(COVER.views(Views.SINGLE_MASKS))
    table.labels[-1] = 0
    look = first_look(table)
    assert look is not None
    assert look.pairs.tolist() == [[0, 0], [1, 1], [2, 2]]
    assert isinstance(Voting().certificate(table, 0, Containment.of(COVER), 0.0), Pending)


def test_every_placement_is_a_mask_of_its_own() -> None:
    """Row by row; several patches too, and too many are refused."""
    masks = mc.placement_masks("rectangle(1, 2)", image_size=(2, 3))
    assert [mask.bounds.tolist() for mask in masks] == [
        [[[row, left], [row + 1, left + 2]]] for row in range(2) for left in range(2)
    ]
    assert mc.verify(masks)
    pairs = mc.placement_masks("patches(squares(size=1), k=2)", image_size=(1, 3))
    assert {mask.area for mask in pairs} == {1, 2}
    assert mc.verify(pairs, "patches(squares(size=1), k=2)")
    with pytest.raises(InvalidInput, match="49 placements, and at most 48"):
        mc.placement_masks("squares(size=2)", image_size=8, most=48)
