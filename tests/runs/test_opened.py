"""A finished run answers as certify would about other regions, procedures and margins, or says that it cannot."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow
import pyarrow.parquet
import pytest

import maskcover as mc
from maskcover import InvalidInput, certify
from maskcover.certification import exact_interval
from maskcover.defense import PredictionTable
from maskcover.errors import NotCovering
from maskcover.masks import MaskSet, Views
from maskcover.runs import Folder, OpenedRun, open_run, run, tables
from maskcover.runs.answers import Patterns
from maskcover.runs.evidence import MOST_MASKS, Evidence, Predictions
from maskcover.runs.sizes import SizedPart, certified_sizes
from tests.defense.naive import BoolArray, Looked, image_of, symmetric
from tests.runs.lookups import CLASSES, OPAQUE, Model
from tests.runs.lookups import MASKS as LOOKUP_MASKS
from tests.runs.lookups import Shelf as LookupShelf

pytestmark = pytest.mark.filterwarnings(OPAQUE)

# Masks of two neighbouring cells of five, so that single cells lie in one or two masks, and of two that are equal.
CELLS = 5
MASKS = MaskSet.from_array(
    np.array([[0 <= cell - first < 2 for cell in range(CELLS)] for first in (0, 1, 2, 3, 3)]), regions="squares(size=2)"
)
COUNT = 60
REGIONS = (
    None,
    "squares(size=1)",
    "squares(size=2)",
    "within(squares(size=1), (1, 4))",
    "patches(squares(size=1), k=2)",
)
PROCEDURES: dict[str, dict[str, Any]] = {
    "rows": {},
    "all pairs": {"procedure": "double_masking(rule='all-pairs')"},
    "challenger": {"procedure": "challenger_masking()"},
    "pairs first": {"procedure": "double_masking(first_round='pairs')"},
    "pairs before challengers": {"procedure": "challenger_masking(first_round='pairs')"},
    "detection": {"procedure": "detection(0.6)"},
    "detection with low confidence": {"procedure": "detection(0.6, alert_below=0.6)"},
    "margin": {"min_margin": 0.5},
}


KEPT: dict[str, dict[str, Any]] = {
    "what was asked": {},
    "tables": {"keep_tables": True},
    "all predictions": {"procedure": "double_masking(exhaustive=True)"},
}


class Shelf:
    """Images that are lookups of labels: for some all are right, for others a few or many are not, or all are wrong."""

    def __len__(self) -> int:
        return COUNT

    def __getitem__(self, number: int, /) -> Looked:
        chance = np.random.default_rng((7, number))
        # Of those that are all wrong the table is that of an image with another true label.
        entries = np.full(15, (self.labels[number] + (number % 10 == 9)) % CLASSES)
        for wrong in chance.integers(15, size=chance.integers(5 if number < COUNT // 2 else 13) * (number % 10 < 8)):
            entries[wrong] = chance.integers(-1, CLASSES)
        # Masks 3 and 4 are equal, and so are the unions with them.
        table = symmetric(5, entries.tolist())
        table[4], table[:, 4] = table[3], table[:, 3]
        table[3, 4] = table[4, 3] = table[4, 4] = table[3, 3]
        return image_of(table, MASKS, bare=(self.labels[number] + (number % 10 == 9)) % CLASSES)

    @property
    def labels(self) -> npt.NDArray[np.int64]:
        """The true labels."""
        return np.arange(COUNT) % CLASSES


class Uneven(Model):
    """A model whose predictions have different margins and confidences, each its own by what is hidden."""

    def scores(self, images: Sequence[Looked], hidden: BoolArray) -> npt.NDArray[np.float64]:
        leads = 0.25 + 0.125 * (hidden @ np.array([1, 3, 2, 5, 4]) % 5)
        scores: npt.NDArray[np.float64] = 1 - leads[:, None] * (1 - super().scores(images, hidden))
        return scores


def opened(out: Path, **options: Any) -> OpenedRun:
    """A run with the options, opened again."""
    images = Shelf()
    run(Uneven(), images, images.labels, MASKS, out, shard_size=17, **options)
    opened: OpenedRun = open_run(out)
    return opened


def expected(regions: str | None, **options: Any) -> Any:
    """What a certification says."""
    images = Shelf()
    return certify(Uneven(), images, images.labels, MASKS, regions=regions, **options)


@pytest.fixture(scope="module", name="made")
def make_once(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, str], Path]:
    """The folders of runs by what they keep and by their regions; each run is made when it is first asked for."""

    @cache
    def made(kept: str, first: str) -> Path:
        out = tmp_path_factory.mktemp("run")
        opened(out, regions=first, **KEPT[kept])
        return out

    return made


@cache
def certified_anew(regions: str, asked: str) -> Any:
    """What a certification says with the procedure or margin of this name."""
    return expected(regions, **PROCEDURES[asked])


@pytest.mark.parametrize("kept", KEPT)
@pytest.mark.parametrize("first", ["squares(size=1)", "squares(size=2)"])
@pytest.mark.parametrize("asked", PROCEDURES)
@pytest.mark.parametrize("regions", REGIONS)
def test_every_answer_is_that_of_a_certification(
    kept: str, first: str, asked: str, regions: str | None, made: Callable[[str, str], Path]
) -> None:
    again = open_run(made(kept, first))
    if regions is not None and regions.startswith("patches"):
        with pytest.raises(NotCovering, match="nothing can be certified with these masks"):
            again.answers(regions, **PROCEDURES[asked])
        return
    answers = again.answers(regions, **PROCEDURES[asked])
    result = certified_anew(regions or first, asked)
    assert (answers.certified & ~answers.answered).sum() == 0
    assert answers.certified[answers.answered].tolist() == result.certified[answers.answered].tolist()
    told = answers.defended_answered
    assert answers.defended[told].tolist() == result.defended[told].tolist()
    assert answers.complete or not (kept == "all predictions" or (asked == "rows" and regions in (None, first)))


def test_some_rows_cannot_tell_and_the_message_says_what_to_type(tmp_path: Path) -> None:
    again = opened(tmp_path, regions="squares(size=2)")
    answers = again.answers("squares(size=1)")
    assert 0 < answers.answered.sum() < COUNT
    with pytest.raises(InvalidInput, match=r"the rows of \d+ of 60 images cannot tell.*exhaustive=True.*reuse="):
        again.certified("squares(size=1)")
    assert again.summary("squares(size=1)").unknown == int((~answers.answered).sum())
    assert "no answer" in str(again.summary("squares(size=1)"))


def test_a_larger_margin_is_asked_as_certify_asks_it_and_never_a_smaller_one_under_rounding(tmp_path: Path) -> None:
    again = opened(tmp_path / "exhaustive", procedure="double_masking(exhaustive=True)")
    for min_margin in (0.0, 0.25, 0.3, 0.375, 0.5, 0.625, 0.75, 0.9):
        result = expected(None, min_margin=min_margin)
        assert again.certified(min_margin=min_margin).tolist() == result.certified.tolist()
    small = opened(tmp_path / "margin", min_margin=0.5, procedure="double_masking(exhaustive=True)")
    answers = small.answers(min_margin=0.25)
    assert (
        answers.certified[answers.answered].tolist()
        == expected(None, min_margin=0.25).certified[answers.answered].tolist()
    )


GREY = mc.cover(mc.squares(size=3), 9, grid=(3, 3))
IMAGES = np.random.default_rng(3).integers(-2, 3, size=(30, 9, 9)).astype(np.float64)
WEIGHTS = np.random.default_rng(4).integers(-2, 3, size=(3, 81)).astype(np.float64)


def linear(images: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Scores that are sums of small whole numbers, which no order of adding rounds."""
    return images.reshape(len(images), -1) @ WEIGHTS.T


LABELS = linear(IMAGES).argmax(axis=1)


def made(out: Path, images: npt.NDArray[np.float64] = IMAGES, **options: Any) -> mc.runs.Summary:
    """A run of the linear classifier, with a batch size of its own."""
    return run(linear, images, LABELS, GREY, out, **({"batch_size": 8} | options))


@pytest.mark.parametrize("keep", [True, False])
def test_a_rerun_asks_only_for_what_is_missing(keep: bool, tmp_path: Path) -> None:
    first = made(tmp_path / "first", keep_tables=keep)
    again = made(tmp_path / "again", reuse=tmp_path / "first")
    assert (again.certified, again.defended) == (first.certified, first.defended)
    assert 0 < first.certified < 30
    assert again.evaluations == 0 if keep else 0 < again.evaluations < first.evaluations
    other: dict[str, Any] = {"procedure": "challenger_masking()", "min_margin": 0.125}
    fresh, reused = made(tmp_path / "x", **other), made(tmp_path / "y", **other, reuse=tmp_path / "x")
    assert (reused.certified, reused.evaluations < fresh.evaluations) == (fresh.certified, True)


def test_a_rerun_with_one_mask_predictions_only_takes_those(tmp_path: Path) -> None:
    made(tmp_path / "first", keep_tables=True)
    again = made(tmp_path / "again", procedure="detection(0.5)", reuse=tmp_path / "first")
    assert (again.evaluations, again.rows) == (0, 30)
    fresh = made(tmp_path / "fresh", procedure="detection(0.5)")
    assert (again.certified, again.defended) == (fresh.certified, fresh.defended)


def test_other_pixels_are_asked_for_again(tmp_path: Path) -> None:
    made(tmp_path / "first", keep_tables=True)
    changed = IMAGES.copy()
    changed[7] += 1
    again = made(tmp_path / "again", changed, reuse=tmp_path / "first")
    evaluations = [row.evaluations for row in open_run(tmp_path / "again")]
    assert [number for number, count in enumerate(evaluations) if count] == [7]
    assert again.certified == made(tmp_path / "fresh", changed).certified


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "another batch size": ({"batch_size": 4}, "batch.*before"),
    "another fill": ({"fill": 0.5}, r"fill: 0\.5, not 0\.0"),
    "margins of another scale": ({"min_margin": 0.125}, "margins measured by None before"),
}


@pytest.mark.parametrize(("options", "message"), REFUSED.values(), ids=REFUSED)
def test_predictions_of_another_model_are_not_reused(options: dict[str, Any], message: str, tmp_path: Path) -> None:
    made(tmp_path / "first")
    with pytest.raises(InvalidInput, match=message):
        made(tmp_path / "again", reuse=tmp_path / "first", **options)


SIGN = {"sign": 1.0}


def signed(images: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Scores by a global that no fingerprint names."""
    return SIGN["sign"] * linear(images)


def test_a_model_that_answers_otherwise_is_noticed_by_its_reference_scores(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(signed, IMAGES, LABELS, GREY, tmp_path / "first", batch_size=8, keep_tables=True)
    monkeypatch.setitem(SIGN, "sign", -1.0)
    with pytest.raises(InvalidInput, match=r"not those of this model here: .*scores"):
        run(signed, IMAGES, LABELS, GREY, tmp_path / "again", batch_size=8, reuse=tmp_path / "first")


def test_predictions_within_a_margin_are_not_reused_as_bits(tmp_path: Path) -> None:
    made(tmp_path / "first", numerics="margin", min_margin=0.001, keep_tables=True)
    questions: tuple[dict[str, Any], ...] = ({"numerics": "bitwise"}, {"procedure": "detection(0.5)"})
    for options in questions:
        with pytest.raises(InvalidInput, match="numerics margin before, bitwise now"):
            made(tmp_path / "again", reuse=tmp_path / "first", **options)


def test_a_margin_that_was_typed_for_the_earlier_run_is_not_inherited(tmp_path: Path) -> None:
    first = made(tmp_path / "first", min_margin=0.25, keep_tables=True)
    reused = made(tmp_path / "again", reuse=tmp_path / "first")
    assert reused.certified == made(tmp_path / "fresh").certified > first.certified
    assert open_run(tmp_path / "again").min_margin == 0.0


def test_predictions_of_other_masks_are_not_reused(tmp_path: Path) -> None:
    made(tmp_path / "first")
    masks = mc.cover(mc.squares(size=3), 9, grid=(2, 2))
    with pytest.raises(InvalidInput, match="made with other masks"):
        run(linear, IMAGES, LABELS, masks, tmp_path / "again", reuse=tmp_path / "first")


def test_a_certified_size_is_the_largest_that_a_certification_certifies(tmp_path: Path) -> None:
    made(tmp_path / "run", procedure="double_masking(exhaustive=True)")
    sizes = open_run(tmp_path / "run").certified_size("squares")
    assert (sizes.exact, sizes.limit) == (True, 3)
    by_size = [certify(linear, IMAGES, LABELS, GREY, regions=mc.squares(size=side), batch_size=8) for side in (1, 2, 3)]
    assert sizes.largest.tolist() == np.sum([result.certified for result in by_size], axis=0).tolist()
    for side, result in enumerate(by_size, start=1):
        assert sizes.fractions(side) == (result.certified.mean(), result.certified.mean())
    areas = open_run(tmp_path / "run").certified_size("rectangles")
    for area in range(1, areas.limit + 1):
        result = certify(linear, IMAGES, LABELS, GREY, regions=mc.rectangles(area=area), batch_size=8)
        assert areas.fractions(area)[0] == result.certified.mean()
    assert not mc.verify(GREY, mc.rectangles(area=areas.limit + 1))


def test_where_rows_cannot_tell_a_size_lies_between_two(tmp_path: Path) -> None:
    made(tmp_path / "run")
    made(tmp_path / "whole", procedure="double_masking(exhaustive=True)")
    rough, exact = (open_run(tmp_path / name).certified_size("squares") for name in ("run", "whole"))
    assert not rough.exact
    assert (rough.largest <= exact.largest).all()
    assert (exact.largest <= rough.at_most).all()
    assert " to " in str(rough)


def test_the_detection_curve_is_that_of_the_model(tmp_path: Path) -> None:
    made(tmp_path / "run")
    curve = open_run(tmp_path / "run").detection_curve()
    assert curve == mc.detection_curve(linear, IMAGES, LABELS, GREY, batch_size=8)
    low = open_run(tmp_path / "run").detection_curve(alert_below=0.6)
    assert low == mc.detection_curve(linear, IMAGES, LABELS, GREY, batch_size=8, alert_below=0.6)
    assert low != curve


@pytest.mark.parametrize("rule", ["rows", "all-pairs"])
def test_the_margin_curve_is_what_certify_says_at_each_margin(rule: Any, tmp_path: Path) -> None:
    procedure = f"double_masking(rule={rule!r}, exhaustive={rule == 'rows'})"
    whole = opened(tmp_path, procedure=procedure)
    margins, fractions = whole.margin_curve()
    assert margins[0] == 0.0 < fractions[0]
    for margin in (*margins.tolist(), *np.arange(0, 1, 0.0625).tolist()):
        fraction = fractions[np.searchsorted(margins, margin, side="right") - 1]
        assert fraction == whole.certified(min_margin=margin).mean()


def test_a_run_of_votes_answers_for_other_regions(tmp_path: Path) -> None:
    views = mc.bands(width=2, image_size=9)
    # Every image twice, with two true labels: the tables are alike, and the answers are not.
    images, labels = np.concatenate([IMAGES, IMAGES]), np.concatenate([LABELS, (LABELS + 1) % 3])
    run(linear, images, labels, views, tmp_path, regions="squares(size=1)", procedure="voting", batch_size=8)
    again = open_run(tmp_path)
    certified = []
    for regions in ("squares(size=1)", "squares(size=2)", "within(squares(size=2), (0, 0, 9, 5))"):
        result = certify(linear, images, labels, views, regions=regions, procedure="voting", batch_size=8)
        assert again.certified(regions).tolist() == result.certified.tolist()
        certified.append(int(result.certified.sum()))
    assert certified[0] > certified[1] > 0
    assert again.certified_size().exact


def test_a_selection_is_a_run_of_some_images(tmp_path: Path) -> None:
    made(tmp_path)
    whole = open_run(tmp_path)
    some = whole.select(verdict="certified", label=int(LABELS[0]))
    chosen = (whole.verdicts == "certified") & (whole.labels == LABELS[0])
    assert some.ids == [name for name, keep in zip(whole.ids, chosen, strict=True) if keep]
    assert some.certified().all()
    assert (some.summary().total, some.summary().certified) == (chosen.sum(), chosen.sum())
    assert [row.id for row in some] == some.ids
    assert len(whole.select(np.zeros(30, np.bool_))) == 0
    for wrong in (np.zeros(29, np.bool_), np.zeros(30, np.int64)):
        with pytest.raises(InvalidInput, match="chosen is one bool for each of 30 images"):
            whole.select(wrong)
    with pytest.raises(InvalidInput, match="a verdict is"):
        whole.select(verdict="Certified")


def test_the_columns_come_as_a_table_of_arrow(tmp_path: Path) -> None:
    made(tmp_path)
    table = open_run(tmp_path).to_arrow()
    assert table.column("id").to_pylist() == [str(number) for number in range(30)]
    assert {len(labels) for labels in table.column("one_mask_labels").to_pylist()} == {len(GREY) + 1}


def test_what_cannot_be_asked_is_refused(tmp_path: Path) -> None:
    made(tmp_path / "run")
    made(tmp_path / "detect", procedure="detection(0.5)")
    with pytest.raises(InvalidInput, match="names its rule as well"):
        open_run(tmp_path / "run").answers(procedure="double_masking()", rule="rows")
    with pytest.raises(InvalidInput, match="has no rule"):
        open_run(tmp_path / "detect").answers(rule="rows")
    with pytest.raises(InvalidInput, match="has no margin of scores"):
        open_run(tmp_path / "detect").answers(min_margin=0.5)
    with pytest.raises(InvalidInput, match="family is one of squares, rectangles"):
        open_run(tmp_path / "run").certified_size("discs")
    with pytest.raises(InvalidInput, match="holds no run"):
        open_run(tmp_path / "nothing")
    # Rows of single masks say nothing of pairs.
    answers = open_run(tmp_path / "detect").answers(procedure="double_masking()")
    assert not (answers.answered & answers.certified).any()


def test_one_run_compared_with_another_counts_pairs_of_images(tmp_path: Path) -> None:
    made(tmp_path / "fine")
    coarse = mc.cover(mc.squares(size=3), 9, grid=(2, 2))
    run(linear, IMAGES[:25], LABELS[:25], coarse, tmp_path / "coarse", batch_size=8)
    both = mc.compare(tmp_path / "fine", tmp_path / "coarse")
    fine, less = (open_run(tmp_path / name).certified() for name in ("fine", "coarse"))
    certified = both.counts[2]
    assert (certified.only_first, certified.only_second) == (
        int((fine[:25] & ~less).sum()), int((~fine[:25] & less).sum())
    )  # fmt: skip
    assert (both.only_in_first, both.only_in_second, certified.images) == (5, 0, 25)
    assert certified.interval[0] <= certified.difference <= certified.interval[1]
    assert "left out" in str(both)
    run(linear, IMAGES, LABELS, GREY, tmp_path / "named", ids=[f"image {n}" for n in range(30)], batch_size=8)
    with pytest.raises(InvalidInput, match="no image in common"):
        mc.compare(tmp_path / "fine", tmp_path / "named")
    other = LABELS.copy()
    other[3] = (other[3] + 1) % 3
    run(linear, IMAGES, other, GREY, tmp_path / "labels", batch_size=8)
    with pytest.raises(InvalidInput, match="different true labels for 3"):
        mc.compare(tmp_path / "fine", tmp_path / "labels")


def test_a_comparison_says_how_the_runs_differ_besides(tmp_path: Path) -> None:
    made(tmp_path / "masking")
    made(tmp_path / "detection", procedure="detection(0.5)")
    text = str(mc.compare(tmp_path / "masking", tmp_path / "detection"))
    assert "by double masking, rule rows and detection at 0.5" in text
    assert "the true label, or an alert" in text
    changed = IMAGES.copy()
    changed[4] += 1
    made(tmp_path / "changed", changed, shard_size=7)
    assert "1 image with other pixels" in str(mc.compare(tmp_path / "masking", tmp_path / "changed"))
    some = open_run(tmp_path / "masking").select(verdict="certified")
    assert "no random sample" in str(mc.compare(some, tmp_path / "masking"))
    assert some.summary().document()["certified"]["low"] is None
    with pytest.raises(InvalidInput, match="holds no rows yet"):
        mc.compare(some, open_run(tmp_path / "masking").select(np.zeros(30, np.bool_)))


def test_an_interval_of_a_difference_is_made_of_those_of_its_parts() -> None:
    counts = mc.runs.PairedCounts("certified", 50, 2, 12, 36)
    (low, high), (other_low, other_high) = (exact_interval(count, 100, confidence=0.975) for count in (2, 12))
    assert counts.interval == (low - other_high, high - other_low)


def test_the_margin_of_a_union_is_at_least_the_largest_of_the_rows_that_hold_it() -> None:
    """The unions of any two of three masks are equal; the rows of the first and the last are whole."""
    masks = MaskSet(mc.Grid((1, 9)), tuple(mc.Mask.from_array(np.isin(np.arange(9), pair)[None]) for pair in PAIRS))
    views = masks.views(Views.PAIRS)
    bounds = tables.largest_margins(np.array([[0.5, -1.0, 0.25]]), views)
    assert bounds[0, views.ids].tolist() == [[0.5, 0.5, 0.5], [0.5, -1.0, 0.5], [0.5, 0.5, 0.25]]


PAIRS = ((0, 1), (1, 2), (0, 2))


def test_a_margin_that_is_not_known_gives_no_answer(tmp_path: Path) -> None:
    """Row 0 is whole; of its prediction with mask 2 only a bound is kept, which is too small for the margin asked."""
    images = LookupShelf(1)
    run(Model(), images, [0], LOOKUP_MASKS, tmp_path)
    folder, config = Folder(tmp_path), Folder(tmp_path).existing()
    shard = folder.shard(0, config)
    assert shard is not None
    one_mask = Predictions((), (0, 0, 0, 0), (0.9, 0.9, 0.9, 0.9), (0.9, 0.9, 0.9, 0.9))
    pair = int(LOOKUP_MASKS.unions.ids[0, 1])
    evidence = Evidence(one_mask, (0.25, -1.0, -1.0), Predictions((pair,), (0,), (0.25,), (0.5,)))
    folder.write(
        0, config, replace(shard, rows=(replace(shard.rows[0], label=0, verdict="certified", evidence=evidence),))
    )
    only_last = "within(squares(size=1), (2, 1))"
    for min_margin in (0.0625, 0.125, 0.5):
        answers = open_run(tmp_path).answers(only_last, min_margin=min_margin)
        assert (answers.answered[0], answers.certified[0]) == (False, False)
    first = open_run(tmp_path).answers("within(squares(size=1), (0, 1))", min_margin=0.125)
    assert (first.answered[0], first.certified[0]) == (True, True)
    refuted = open_run(tmp_path).answers("within(squares(size=1), (0, 1))", min_margin=0.5)
    assert (refuted.answered[0], refuted.certified[0]) == (True, False)


def test_unions_in_a_run_of_single_masks_are_refused(tmp_path: Path) -> None:
    made(tmp_path, procedure="detection(0.5)")
    folder, config = Folder(tmp_path), Folder(tmp_path).existing()
    shard = folder.shard(0, config)
    assert shard is not None
    evidence = shard.rows[0].evidence
    assert evidence is not None
    spoilt = replace(evidence, unions=Predictions((0,), (0,), (0.5,), (0.5,)))
    folder.write(0, config, replace(shard, rows=(replace(shard.rows[0], evidence=spoilt), *shard.rows[1:])))
    with pytest.raises(InvalidInput, match="do not fit the masks"):
        open_run(tmp_path).answers("squares(size=2)")


@pytest.mark.parametrize("min_margin", [-1, 1, 2.0, np.nan, True, "0.1"])
def test_a_margin_is_a_fraction(min_margin: Any, tmp_path: Path) -> None:
    made(tmp_path)
    with pytest.raises(InvalidInput, match="min_margin must be a number from 0 to below 1"):
        open_run(tmp_path).answers(min_margin=min_margin)


@pytest.mark.parametrize(("first", "second", "expected"), [(0, 0, 1.0), (5, 5, 1.0), (0, 5, 0.0625), (1, 9, 22 / 1024)])
def test_the_p_value_is_that_of_mcnemars_exact_test(first: int, second: int, expected: float) -> None:
    counts = mc.runs.PairedCounts("certified", 10, first, second, 3)
    assert counts.p_value == pytest.approx(expected)


def test_an_image_with_an_error_is_certified_for_nothing_and_that_is_an_answer(tmp_path: Path) -> None:
    images = Shelf()
    shelf = [{"nothing": 0} if number == 3 else images[number] for number in range(COUNT)]
    run(Uneven(), shelf, images.labels, MASKS, tmp_path, procedure="double_masking(exhaustive=True)")
    again = open_run(tmp_path)
    assert again.verdicts[3] == "error"
    questions: tuple[dict[str, Any], ...] = ({"regions": "squares(size=1)"}, {"procedure": "challenger_masking()"})
    for asked in questions:
        answers = again.answers(**asked)
        assert (answers.answered[3], answers.certified[3], answers.defended_answered[3]) == (True, False, True)
    sizes = again.certified_size()
    assert (sizes.largest[3], sizes.at_most[3]) == (0, 0)
    assert again.detection_curve().levels[3].cover_level == -np.inf


def test_a_run_whose_predictions_repeat_within_a_margin_is_not_asked_for_a_smaller_one(tmp_path: Path) -> None:
    again = opened(tmp_path, min_margin=0.5, numerics="margin", procedure="double_masking(exhaustive=True)")
    assert again.certified(min_margin=0.5).tolist() == again.certified().tolist()
    with pytest.raises(InvalidInput, match=r"repeat only within a margin of 0\.5, and min_margin is smaller: 0\.25"):
        again.answers(min_margin=0.25)
    with pytest.raises(InvalidInput, match="has no margin of scores"):
        again.answers(procedure="detection(0.5)")
    with pytest.raises(InvalidInput, match="detection compares confidences"):
        again.detection_curve()
    assert again.margin_curve()[0][0] == 0.5


@pytest.mark.parametrize("column", ["one_mask_labels", "row_margins", "union_labels", "certifying"])
def test_evidence_that_was_edited_is_noticed(column: str, tmp_path: Path) -> None:
    opened(tmp_path)
    path = tmp_path / "shards" / "00000.parquet"
    table = pyarrow.parquet.ParquetFile(path).read()
    values = table.column(column).to_pylist()
    number = next(number for number, value in enumerate(values) if value)
    values[number][0] = values[number][0] + 1
    edited = table.set_column(
        table.column_names.index(column), column, pyarrow.array(values, table.schema.field(column).type)
    )
    pyarrow.parquet.write_table(edited, path)
    with pytest.raises(InvalidInput, match="is damaged"):
        open_run(tmp_path)


@pytest.mark.parametrize("lists", ["one_mask", "row_margins", "unions"])
def test_evidence_that_does_not_fit_the_masks_is_refused(lists: str, tmp_path: Path) -> None:
    """Digests are no signatures: whoever writes a file can write a digest too."""
    opened(tmp_path)
    folder, config = Folder(tmp_path), Folder(tmp_path).existing()
    shard = folder.shard(0, config)
    assert shard is not None
    first = shard.rows[0].evidence
    assert first is not None
    spoilt: Any = {
        "one_mask": Predictions((), first.one_mask.labels[1:], first.one_mask.margins, first.one_mask.confidences),
        "row_margins": first.row_margins[1:],
        "unions": Predictions((99,), (0,), (0.5,), (0.5,)),
    }[lists]
    rows = (replace(shard.rows[0], evidence=replace(first, **{lists: spoilt})), *shard.rows[1:])
    folder.write(0, config, replace(shard, rows=rows))
    with pytest.raises(InvalidInput, match="do not fit the masks of the run"):
        open_run(tmp_path).answers("squares(size=1)")


def test_with_very_many_masks_rows_keep_evidence_only_with_their_tables() -> None:

    masks = MaskSet.from_array(np.eye(MOST_MASKS + 1, dtype=np.bool_))
    table = PredictionTable(masks.views(Views.SINGLE_MASKS))
    numbers = np.arange(MOST_MASKS + 2)
    table.record(numbers, numbers * 0, np.ones(len(numbers)), np.ones(len(numbers)))
    assert Evidence.of(table, 0, 0.0, whole_table=False) is None
    kept = Evidence.of(table, 0, 0.0, whole_table=True)
    assert kept is not None
    assert len(kept.one_mask.labels) == MOST_MASKS + 2


def test_the_sizes_of_a_run_with_margins_of_their_own_are_each_asked_at_the_margin_typed(tmp_path: Path) -> None:
    """A run in the frame of the source has a part for each size, and each part may have needed another margin."""
    exhaustive = "double_masking(exhaustive=True)"
    strict, plain = (opened(tmp_path / str(margin), min_margin=margin, procedure=exhaustive) for margin in (0.5, 0.0))
    both = replace(strict, parts=(*strict.parts, *plain.parts), total=2 * COUNT)
    assert both.min_margin == 0.0
    assert both.certified().tolist() == [*strict.certified().tolist(), *plain.certified().tolist()]
    asked = [*strict.certified(min_margin=0.5).tolist(), *plain.certified(min_margin=0.5).tolist()]
    assert both.certified(min_margin=0.5).tolist() == asked != both.certified().tolist()


def test_areas_of_a_few_pixels_are_meant_in_a_curve_of_sizes() -> None:
    """They draw a warning where somebody types one, which would be an error here."""
    masks = mc.cover(mc.rectangles(area=9), 64)
    nothing = Patterns(mc.DoubleMasking(), 0.0, np.empty(0, np.int64), (), np.empty(0, np.bool_))
    sizes = certified_sizes("rectangles", 1, [SizedPart(nothing, masks, lambda regions: regions, 64)])
    assert sizes.limit >= 9
