"""Voting: the vote theorem against every attack, sums over masks against counting, and views that are of no use."""

from __future__ import annotations

from fractions import Fraction
from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

import maskcover as mc
from maskcover.classifiers.observations import Evidence
from maskcover.covering import containment
from maskcover.covering.containment import Containment
from maskcover.defense import Certificate, PredictionTable, Voting, parse_procedure
from maskcover.defense.voting import vote, vote_certificate, vote_map
from maskcover.errors import InvalidInput, NotCovering
from maskcover.masks import MaskSet, Views
from maskcover.regions import RegionSet
from maskcover.testing import ProcedureContract, World

CLASSES = 3
Labels = npt.NDArray[np.int64]


class TestVoting(ProcedureContract):
    """On bands and blocks so small that every attack can be tried."""

    procedures = (Voting(), Voting(threshold=0.5), Voting(threshold=0.2))
    worlds = (
        World(mc.bands(width=2, image_size=(2, 6)), "rectangle(1, 1)"),
        World(mc.bands(width=1, stride=2, wrap=False, image_size=(1, 7)), "rectangle(1, 2)"),
        World(mc.blocks(size=2, image_size=(3, 4)), "squares(size=1)"),
    )


class TestVotingByEvidence(ProcedureContract):
    """Views that score all classes."""

    procedures = (Voting(evidence="clip(0, 2)"), Voting(evidence="tanh(0.5, -1)"), Voting(evidence="confidence"))
    worlds = (
        World(mc.bands(width=2, image_size=(2, 6)), "rectangle(1, 1)"),
        World(mc.receptive_fields(1, image_size=(2, 5)), "squares(size=2)"),
    )


class TestVotingWithItsOwnMasks(ProcedureContract):
    """Views that the procedure names."""

    procedures = (Voting(shown="bands(width=2)"),)
    worlds = (World(mc.bands(width=2, image_size=(2, 6)), "rectangle(1, 1)"),)


def one_hot(labels: Labels) -> Labels:
    """The votes of views for one class each; −1 abstains."""
    votes = np.zeros((len(labels), CLASSES), dtype=np.int64)
    votes[labels >= 0, labels[labels >= 0]] = 1
    return votes


def worst(votes: Labels, untouched: npt.NDArray[np.bool_], label: int) -> bool:
    """Whether the answer is the label however the touched views vote, for one class each or not at all."""
    for attack in product(range(-1, CLASSES), repeat=int((~untouched).sum())):
        attacked = votes.copy()
        attacked[~untouched] = one_hot(np.array(attack, dtype=np.int64))
        if vote(attacked).label != label:
            return False
    return True


LINE = MaskSet.from_boxes([(0, cell, 1, 1) for cell in range(4)], (1, 4))


@pytest.mark.parametrize("labels", list(product(range(-1, CLASSES), repeat=4)))
def test_the_certificate_is_what_every_attack_says(labels: tuple[int, ...]) -> None:
    """Each of four views shows one cell, so that a cell touches one of them, and two cells two."""
    masks = mc.bands(width=1, image_size=(1, 4))
    votes = one_hot(np.array(labels))
    for regions in ("squares(size=1)", "rectangle(1, 2)"):
        covers = Containment(masks, mc.parse_regions(regions))
        cells = 1 if regions.startswith("squares") else 2
        sets = [np.array([not first <= view < first + cells for view in range(4)]) for first in range(5 - cells)]
        for label in range(CLASSES):
            certified = vote_certificate(votes, np.ones(4, np.bool_), label, covers).certified
            assert certified == all(worst(votes, untouched, label) for untouched in sets)


def test_a_view_that_is_not_relied_on_counts_as_touched() -> None:
    masks = mc.bands(width=1, image_size=(1, 5))
    covers = Containment(masks, mc.squares(size=1))
    votes = one_hot(np.zeros(5, dtype=np.int64))
    assert vote_certificate(votes, np.ones(5, np.bool_), 0, covers).certified
    assert not vote_certificate(votes, np.arange(5) > 1, 0, covers).certified


REGIONS = st.sampled_from(
    [mc.squares(size=1), mc.squares(size=2), mc.rectangles(area=3), mc.union(mc.squares(size=2), mc.rectangle(1, 3)),
     mc.within(mc.squares(size=1), (0, 0, 3, 3)), mc.polygon([(0, 0), (0, 2), (2, 0)])]
)  # fmt: skip


@given(st.data(), REGIONS)
def test_sums_over_masks_are_those_of_counting(data: st.DataObject, regions: RegionSet) -> None:
    """By signatures and by placements alike: every region contributes its sums, or smaller sets of masks do."""
    shape = (4, 5)
    array = data.draw(st.lists(st.lists(st.booleans(), min_size=20, max_size=20), min_size=1, max_size=5))
    masks = MaskSet(mc.Grid(shape), tuple(map(mc.Mask.from_array, np.array(array).reshape(-1, *shape))))
    weights = np.array([[10**number, 1] for number in range(len(masks))])
    hidden = np.asarray(masks)
    expected = set()
    for term in regions.terms(masks.grid):
        for stencil in term.slots[0]:
            for place in np.argwhere(stencil.places.to_array(masks.grid)).tolist():
                cells = stencil.at(tuple(place)).to_array(masks.grid)
                inside: Any = (hidden | ~cells).all(axis=(1, 2))
                expected.add(tuple((weights * inside[:, None]).sum(axis=0).tolist()))
    placed = Containment(masks, regions)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(containment, "few_minimal", lambda *_: None)
        totals = placed.totals(weights)
    assert totals is not None
    assert {tuple(row) for row in totals.tolist()} == expected
    listed = Containment(masks, regions).totals(weights)
    assert listed is not None
    assert {tuple(row) for row in listed.tolist()} <= expected
    assert min(row[1] for row in listed.tolist()) == min(row[1] for row in expected)


@given(st.data(), REGIONS, st.sampled_from([(0, 1), (-2, 2), (0, 5)]))
def test_the_map_is_the_theorem_one_placement_at_a_time(
    data: st.DataObject, regions: RegionSet, span: tuple[int, int]
) -> None:
    """Against a loop over placements and classes; equal masks, too, and views that are not relied on."""
    shape, (low, high) = (4, 5), span
    array = data.draw(st.lists(st.lists(st.booleans(), min_size=20, max_size=20), min_size=2, max_size=6))
    masks = MaskSet(mc.Grid(shape), tuple(map(mc.Mask.from_array, np.array(array).reshape(-1, *shape))))
    numbers = st.lists(st.integers(low, high), min_size=CLASSES, max_size=CLASSES)
    scores = np.array([data.draw(numbers) for _ in masks])
    reliable = np.array([data.draw(st.sampled_from([True, True, False])) for _ in masks])
    label = data.draw(st.integers(0, CLASSES - 1))
    placements = vote_map(scores, reliable, label, Containment(masks, regions), low, high)
    assert placements is not None
    hidden = np.asarray(masks)
    for stencil, allowed, certified in placements.placements():
        assert not (certified & ~allowed).any()
        for place in np.argwhere(allowed).tolist():
            cells = stencil.at(tuple(place)).to_array(masks.grid)
            untouched = (hidden | ~cells).all(axis=(1, 2)) & reliable
            assert certified[tuple(place)] == holds(scores[untouched], int((~untouched).sum()), label, low, high)


def holds(untouched: Labels, touched: int, label: int, low: int, high: int) -> bool:
    """The vote theorem for one region, and that sums are never all 0, which is no label."""
    leads = [
        sum(int(view[label] - view[rival]) for view in untouched) - (high - low) * touched
        for rival in range(CLASSES)
        if rival != label
    ]
    ahead = all(lead >= (rival < label) for lead, rival in zip(leads, others(label), strict=True))
    least = sum(int(view[label]) for view in untouched) + low * touched
    return ahead and (least != 0 or any(lead > 0 for lead in leads))


def others(label: int) -> list[int]:
    """All classes but one."""
    return [rival for rival in range(CLASSES) if rival != label]


@pytest.mark.parametrize(("wrap", "regions"), [(True, "rectangle(1, 1)"), (False, "rectangle(1, 2)")])
def test_the_rule_of_the_papers_certifies_less_and_nothing_else(wrap: bool, regions: str) -> None:
    """De-randomised smoothing asks that the first class leads the second by more than twice the touched views."""
    views = mc.bands(width=1, wrap=wrap, image_size=(1, 7))
    covers, count = Containment(views, mc.parse_regions(regions)), len(views)
    totals = covers.totals(np.ones((count, 1), dtype=np.int64))
    assert totals is not None
    touched = count - int(totals.min())
    outcomes = {(True, True): 0, (False, True): 0, (False, False): 0, (True, False): 0}
    for labels in product(range(CLASSES), repeat=count):
        votes = one_hot(np.array(labels))
        sums = votes.sum(axis=0)
        label = int(sums.argmax())
        papers = int(sums[label]) - int(np.delete(sums, label).max()) > 2 * touched
        ours = vote_certificate(votes, np.ones(count, np.bool_), label, covers).certified
        outcomes[papers, ours] += 1
    assert outcomes[True, False] == 0
    assert outcomes[False, True] > 0
    assert outcomes[True, True] > 0


def test_touched_views_are_counted_where_the_stride_does_not_divide_the_axis() -> None:
    """By the formula ⌈(32 + 19 − 1) / 10⌉ = 5, but the last band of the 23 begins 4 columns before the first one."""
    views = mc.bands(width=19, stride=10, image_size=224)
    assert len(views) == 23
    totals = Containment(views, mc.squares(size=32)).totals(np.ones((23, 1), dtype=np.int64))
    assert totals is not None
    assert 23 - int(totals.min()) == 6


def test_there_is_no_map_for_several_patches() -> None:
    views = mc.bands(width=1, image_size=(3, 9))
    pair = Containment(views, mc.parse_regions("patches(squares(size=1), k=2)"))
    assert vote_map(one_hot(np.zeros(9, dtype=np.int64)), np.ones(9, np.bool_), 0, pair) is None


def test_an_explanation_of_votes_has_their_map() -> None:
    image = np.array([[0.0, 0.0, 0.0, 1.0, 1.0]])
    views = mc.bands(width=1, image_size=(1, 5))

    class Shown:
        """Calls an image 1 if a pixel that is shown is bright."""

        batch_size = 4

        def scores(self, images: Any, hidden: npt.NDArray[np.bool_]) -> npt.NDArray[np.float64]:
            bright = np.array([(image > 0.5)[~hide].any() for image, hide in zip(images, hidden, strict=True)])
            finite = [[0.0] if np.isfinite(image).all() else [np.nan] for image in images]
            scores: npt.NDArray[np.float64] = np.stack([1.0 - bright, 1.0 * bright], axis=1) + np.array(finite)
            return scores

    why = mc.explain(Shown(), [image], views, regions="squares(size=1)", procedure="voting", label=0, probes=False)
    assert not why.certified
    assert why.certified_fraction == why.map().fraction == Fraction(2, 5)
    ((_, _, certified),) = why.map().placements()
    assert certified.tolist() == [[False, False, False, True, True]]
    assert "40.00% of the placements certified\n" in f"{why}\n"
    pair = mc.explain(
        Shown(), [image], views, regions="patches(squares(size=1), k=2)", procedure="voting", label=0, probes=False
    )
    assert not pair.has_map
    with pytest.raises(InvalidInput, match="there is no map: votes certifies without single masks"):
        pair.map()
    broken = mc.explain(
        Shown(), [image * np.nan], views, regions="squares(size=1)", procedure="voting", label=0, probes=False
    )
    assert broken.certified_fraction == 0
    with pytest.raises(InvalidInput, match="scores were not finite"):
        broken.map()
    result = mc.certify(Shown(), [image], [0], views, regions="squares(size=1)", procedure="voting", probes=False)
    assert result.certified_fraction(0) == Fraction(2, 5)
    with pytest.raises(InvalidInput, match="has the map"):
        result.map(0)


def test_several_patches_are_certified_by_their_joint_signatures() -> None:
    views = mc.bands(width=1, image_size=(3, 9))
    pair = Containment(views, mc.parse_regions("patches(squares(size=1), k=2)"))
    votes = one_hot(np.zeros(9, dtype=np.int64))
    assert vote_certificate(votes, np.ones(9, np.bool_), 0, pair).certified
    votes = one_hot(np.array([0] * 6 + [1] * 3))
    assert vote_certificate(votes, np.ones(9, np.bool_), 0, Containment(views, mc.squares(size=1))).certified
    assert not vote_certificate(votes, np.ones(9, np.bool_), 0, pair).certified


@pytest.mark.parametrize("text", ["patches(squares(size=1), k=2)", "patches([rectangle(1, 2), rectangle(2, 1)])"])
def test_where_joint_signatures_are_too_many_their_combinations_decide(text: str) -> None:
    """Every two patches contribute the sums over the masks that contain both, or those over fewer masks."""
    views = mc.receptive_fields(2, image_size=(3, 4))
    regions, hidden = mc.parse_regions(text), np.asarray(views)
    weights = np.array([[10**number, 1] for number in range(len(views))])
    expected = set()
    for term in regions.terms(views.grid):
        patches = [
            [
                stencil.at(tuple(place)).to_array(views.grid)
                for stencil in slot
                for place in np.argwhere(stencil.places.to_array(views.grid)).tolist()
            ]
            for slot in term.slots
        ]
        for pair in product(*patches):
            inside: Any = (hidden | ~np.any(pair, axis=0)).all(axis=(1, 2))
            expected.add(tuple((weights * inside[:, None]).sum(axis=0).tolist()))  # fmt: skip
    exact = Containment(views, regions).totals(weights)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(containment, "few_minimal", lambda *_: None)
        combined = Containment(views, regions).totals(weights)
        patch.setattr(containment, "_MOST_JOINT", 10)
        assert Containment(views, regions).totals(weights) is None
        with pytest.raises(NotCovering, match="too many different sets"):
            Voting().expect_use(Containment(views, regions))
        certificate = vote_certificate(
            one_hot(np.zeros(6, np.int64)), np.ones(6, np.bool_), 0, Containment(views, regions)
        )
        assert not certificate.certified
    assert exact is not None
    assert combined is not None
    assert {tuple(row) for row in exact.tolist()} <= {tuple(row) for row in combined.tolist()} <= expected
    # No two patches lie inside fewer masks than one of the combinations does.
    digits = [{number for number in range(6) if row[0] // 10**number % 10} for row in combined.tolist()]
    assert all(any(some <= {number for number in range(6) if total[0] // 10**number % 10} for some in digits)
               for total in expected)  # fmt: skip


def test_the_stride_that_does_not_divide_touches_one_view_more() -> None:
    """Of 224 columns, bands of 19 from every tenth, a patch of 32 touches 6, where ⌈(32 + 19 − 1)/10⌉ is 5."""
    views = mc.bands(width=19, stride=10, image_size=224)
    totals = Containment(views, mc.squares(size=32)).totals(np.ones((len(views), 1), dtype=np.int64))
    assert totals is not None
    assert len(views) - int(totals.min()) == 6


@pytest.mark.parametrize("wrap", [True, False])
@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize(("kind", "side"), [("columns", 2), ("rows", 3), ("blocks", 2)])
def test_views_show_their_windows_and_nothing_else(kind: str, side: int, stride: int, wrap: bool) -> None:
    shape = (5, 7)
    if kind == "blocks":
        views = mc.blocks(side, stride=stride, wrap=wrap, image_size=shape)
    else:
        views = mc.bands(side, kind, stride=stride, wrap=wrap, image_size=shape)
    axes = {"columns": [1], "rows": [0], "blocks": [0, 1]}[kind]
    starts: list[list[int]] = []
    for axis, length in enumerate(shape):
        if axis not in axes:
            starts.append([-1])
        elif wrap:
            starts.append(list(range(0, length, stride)))
        else:
            starts.append(sorted({*range(0, length - side + 1, stride), length - side}))
    expected = []
    for corner in product(*starts):
        shown = np.ones(shape, dtype=np.bool_)
        for axis, start in enumerate(corner):
            if start >= 0:
                cells = np.zeros(shape[axis], dtype=np.bool_)
                cells[np.arange(start, start + side) % shape[axis]] = True
                shown &= cells.reshape([-1 if other == axis else 1 for other in range(2)])
        expected.append(~shown)
    assert np.array_equal(np.asarray(views), np.array(expected))


def test_views_that_a_thin_region_outvotes_are_refused_at_once() -> None:
    views = mc.bands(width=4, image_size=32)
    with pytest.raises(NotCovering, match=r"touches 28 of 32 views.*min_side=10"):
        Voting().expect_use(Containment.of(views, "rectangles(area=25)"))
    Voting().expect_use(Containment.of(views, "rectangles(area=25, min_side=3)"))


def test_half_of_the_views_touched_is_not_yet_hopeless() -> None:
    views = mc.bands(width=2, image_size=8)
    Voting().expect_use(Containment.of(views, "rectangle(1, 3)"))
    with pytest.raises(NotCovering, match="touches 5 of 8 views"):
        Voting().expect_use(Containment.of(views, "rectangle(1, 4)"))


def test_other_masks_than_those_that_it_names_are_refused() -> None:
    with pytest.raises(InvalidInput, match="names its own masks"):
        Voting("bands(width=4)").expect_masks(mc.bands(width=3, image_size=32))


def test_predictions_with_other_views_than_the_named_ones_are_refused() -> None:
    with pytest.raises(InvalidInput, match="names its own masks"):
        mc.predict(lambda images: images, np.zeros((1, 9, 9)), mc.bands(3, image_size=9), procedure="voting(bands(2))")


def test_without_any_region_nothing_is_certified(monkeypatch: pytest.MonkeyPatch) -> None:
    covers = Containment(LINE, mc.squares(size=1))
    monkeypatch.setattr(Containment, "totals", lambda _, weights: weights[:0])
    assert not vote_certificate(one_hot(np.zeros(4, np.int64)), np.ones(4, np.bool_), 0, covers).certified


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("voting", Voting()),
        ("voting(bands(width=4, axis='columns'))", Voting("bands(width=4)")),
        ("voting(shown=blocks(12, stride=4), threshold=0.3)", Voting("blocks(size=12, stride=4)", 0.3)),
    ],
)
def test_texts_name_views_and_thresholds(text: str, value: Voting) -> None:
    assert parse_procedure(text) == value
    assert parse_procedure(str(value)) == value


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("voting(bands())", "missing a required argument"),
        ("voting(bands(width=4, image_size=32))", "without the image size"),
        ("voting(stripes(width=4))", "views are bands"),
        ("voting(bands(width=__import__('os')))", "cannot read the views"),
        ("voting(threshold=2)", "threshold must be a number from 0 to 1"),
    ],
)
def test_texts_that_name_no_views_are_refused(text: str, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        parse_procedure(text)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: mc.bands(width=9, image_size=9), "hides nothing"),
        (lambda: mc.bands(width=0, image_size=9), "width is a whole number"),
        (lambda: mc.bands(width=2, stride=True, image_size=9), "stride is a whole number"),
        (lambda: mc.bands(width=2, axis="diagonal", image_size=9), "axis is"),
        (lambda: mc.blocks(size=True, image_size=9), "size is a whole number"),
    ],
)
def test_views_of_odd_sizes_are_refused(make: object, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        make()  # type: ignore[operator]


def test_scores_must_be_whole_numbers_in_their_range_for_two_classes_or_more() -> None:
    covers = Containment(LINE, mc.squares(size=1))
    odd: tuple[Any, ...] = (np.zeros((4, 1), np.int64), np.full((4, 2), 2), np.zeros((4, 2)))
    for votes in odd:
        with pytest.raises(InvalidInput, match=r"scores of (a view|views) are"):
            vote_certificate(votes, np.ones(4, np.bool_), 0, covers)
    with pytest.raises(InvalidInput, match="is none of 2 classes"):
        vote_certificate(np.zeros((4, 2), np.int64), np.ones(4, np.bool_), 2, covers)


def test_nobody_votes_and_there_is_no_label() -> None:
    assert vote(np.zeros((3, 2), np.int64)).label == -1
    # The region lies inside every mask, so that nothing can change; but there is no label, and no certificate either.
    masks = MaskSet.from_boxes([(0, 0, 1, 1), (0, 0, 1, 2)], (1, 4))
    table = PredictionTable(masks.views(Views.SINGLE_MASKS), 2)
    table.record(np.arange(3), np.full(3, -1), np.zeros(3), np.full(3, 0.5))
    covers = Containment(masks, mc.within(mc.squares(size=1), (0, 0, 1, 1)))
    certificate = Voting().certificate(table, 0, covers, 0.0)
    assert isinstance(certificate, Certificate)
    assert not certificate.certified


def test_a_vote_within_a_margin_is_not_relied_on() -> None:
    views = mc.bands(width=1, image_size=(1, 5))
    table = PredictionTable(views.views(Views.SINGLE_MASKS), 2)
    margins = np.array([0.1, 0.9, 0.9, 0.9, 0.9, 0.9])
    table.record(np.arange(6), np.array([0, 0, 0, 0, 1, 0]), margins, np.full(6, 0.9))
    covers = Containment(views, mc.squares(size=1))
    for min_margin, certified in [(0.0, True), (0.5, False)]:
        certificate = Voting().certificate(table, 0, covers, min_margin)
        assert isinstance(certificate, Certificate)
        assert certificate.certified == certified


@pytest.mark.parametrize(("size", "stride", "padding"), [(3, 1, 0), (3, 2, 1), (4, 3, 0), ((3, 2), (2, 1), (1, 0))])
def test_receptive_fields_show_what_each_cell_sees(size: Any, stride: Any, padding: Any) -> None:
    shape = (6, 7)
    views = mc.receptive_fields(size, stride=stride, padding=padding, image_size=shape)
    pairs = [value if isinstance(value, tuple) else (value, value) for value in (size, stride, padding)]
    cells = []
    for axis, length in enumerate(shape):
        width, step, before = (pair[axis] for pair in pairs)
        starts = [step * cell - before for cell in range((length + 2 * before - width) // step + 1)]
        cells.append([{pixel for pixel in range(start, start + width) if 0 <= pixel < length} for start in starts])
    expected = [np.array([[i not in rows or j not in columns for j in range(7)] for i in range(6)])
                for rows in cells[0] for columns in cells[1]]  # fmt: skip
    assert np.array_equal(np.asarray(views), np.array(expected))


@pytest.mark.parametrize("arguments", [(7,), (3, 0), (3, 1, -1), (2, 1, 2), (9,), ((2, 2, 2),)])
def test_receptive_fields_that_are_no_views_are_refused(arguments: tuple[Any, ...]) -> None:
    names = dict(zip(("size", "stride", "padding"), arguments, strict=False))
    with pytest.raises(InvalidInput, match=r"receptive field|whole number"):
        mc.receptive_fields(**names, image_size=(6, 7), **({"padding": 1} if arguments == (7,) else {}))


@pytest.mark.parametrize(("low", "high"), [(-1, 1), (0, 2), (-2, 0)])
def test_the_certificate_of_scores_is_what_every_attack_says(low: int, high: int) -> None:
    """Three views of one cell each: every score in the range, before and after the attack."""
    views = mc.bands(width=1, image_size=(1, 3))
    covers = Containment(views, mc.squares(size=1))
    random = np.random.default_rng(0)
    outcomes = set()
    for _ in range(150):
        scores = np.clip(random.integers(low, high + 1, size=(3, 2)) + random.integers(-2, 3, size=(1, 2)), low, high)
        for label in range(2):
            certified = vote_certificate(scores, np.ones(3, np.bool_), label, covers, low, high).certified
            broken = False
            for touched in range(3):
                for values in product(range(low, high + 1), repeat=2):
                    attacked = scores.copy()
                    attacked[touched] = values
                    broken |= vote(attacked).label != label
            assert not (certified and broken)
            outcomes.add((certified, broken))
            assert certified or broken  # the condition is necessary too
    assert (True, False) in outcomes
    assert (False, True) in outcomes


def test_evidence_is_rounded_and_stays_in_its_range() -> None:
    scores = np.array([[-5.0, 0.2, 50.0], [1e30, -1e30, 0.0]])
    for text in ("clip(0, 1)", "clip(-1, 2.5)", "tanh(0.05, -1)", "confidence"):
        evidence = Evidence.parse(text)
        numbers = evidence.reduced(scores, np)
        assert (numbers == np.round(numbers)).all()
        assert (numbers >= evidence.low).all()
        assert (numbers <= evidence.high).all()
        assert Evidence.parse(str(evidence)) == evidence
    assert Evidence.parse("clip(0, 1)").reduced(np.array([[0.25, 0.0]]), np).tolist() == [[16384.0, 0.0]]


@pytest.mark.parametrize("text", ["clip", "clip(1, 0)", "clip(0, 1e9)", "sigmoid(1)", "tanh(1)", "clip(0, x)", "", "3"])
def test_evidence_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="evidence"):
        Voting(evidence=text)
    with pytest.raises(InvalidInput, match="or score all classes"):
        Voting(threshold=0.5, evidence="clip(0, 1)")
