"""The facts of a report: counts, intervals, the images that are shown, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from scipy.stats import beta

import maskcover as mc
from maskcover import InvalidInput
from maskcover.covering.placements import placement_map
from maskcover.data import Dataset, Preprocessing
from maskcover.defense import Detection
from maskcover.errors import NotCovering
from maskcover.report import ImageFacts, to_markdown
from maskcover.report.facts import percent_down
from maskcover.runs import Folder, OpenedRun, open_run, run, shards
from maskcover.runs.own_images import CHANGED, compared, displayed
from maskcover.runs.pixels import pixel_digest
from tests.runs.lookups import OPAQUE

pytestmark = pytest.mark.filterwarnings(OPAQUE)

COUNT = 40
MASKS = mc.cover(mc.squares(size=3), 9, grid=(3, 3))
IMAGES = np.random.default_rng(3).integers(-2, 3, size=(COUNT, 9, 9)).astype(np.float64)
WEIGHTS = np.random.default_rng(4).integers(-2, 3, size=(3, 81)).astype(np.float64)


def linear(images: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Scores that are sums of small whole numbers, which no order of adding rounds."""
    return images.reshape(len(images), -1) @ WEIGHTS.T


LABELS = linear(IMAGES).argmax(axis=1)
LABELS[:6] = (LABELS[:6] + 1) % 3  # wrong ones too


def made(out: Path, **options: Any) -> OpenedRun:
    """A run of the linear classifier, opened."""
    run(linear, IMAGES, LABELS, MASKS, out, **({"batch_size": 8, "shard_size": 16} | options))
    opened: OpenedRun = open_run(out)
    return opened


@pytest.fixture(scope="module")
def exhaustive(tmp_path_factory: pytest.TempPathFactory) -> OpenedRun:
    return made(tmp_path_factory.mktemp("run") / "RUN", procedure="double_masking(exhaustive=True)")


def test_counts_have_exact_intervals(exhaustive: OpenedRun) -> None:
    rates = dict(exhaustive.facts(show=0).rates)
    certified = int((exhaustive.verdicts == "certified").sum())
    assert 0 < certified < COUNT
    assert [rate.count for rate in rates.values()] == [
        int((exhaustive.undefended == LABELS).sum()), int((exhaustive.defended == LABELS).sum()), certified,
    ]  # fmt: skip
    for rate in rates.values():  # Clopper and Pearson, by the quantiles of the beta distribution
        low, high = beta.ppf(0.025, rate.count, 41 - rate.count), beta.ppf(0.975, rate.count + 1, 40 - rate.count)
        assert rate.total == COUNT
        assert [rate.low, rate.high] == pytest.approx([low, high])
        low_text, high_text = (float(text.split()[0]) for text in rate.interval.split(" to "))
        assert 100 * low - 0.1 <= low_text <= 100 * low
        assert 100 * high <= high_text <= 100 * high + 0.1


def test_the_first_images_of_a_data_set_have_no_intervals(tmp_path: Path) -> None:
    data = Dataset(
        "greys", tuple(map(str, range(COUNT))), LABELS, lambda number: np.full((9, 9), number, np.uint8)
    ).limited(20)
    grey = Preprocessing(channels=1, layout="hwc")
    run(lambda images: linear(images[..., 0]), data.prepared(grey), data.true_labels, MASKS, tmp_path, batch_size=8)
    facts = open_run(tmp_path).facts(show=0)
    every = [rate for _, rate in facts.rates] + [row.certified for row in facts.classes]
    assert {(rate.low, rate.high, rate.interval) for rate in every} == {(None, None, "")}
    assert any("no random sample" in text for text in facts.remarks)


def test_classes_and_curves_are_those_of_the_run(exhaustive: OpenedRun) -> None:
    facts = exhaustive.facts(show=0, class_names=["a", "b", "c"])
    certified = exhaustive.verdicts == "certified"
    for number, row in enumerate(facts.classes):
        mine = exhaustive.labels == number
        assert row.name == f"{'abc'[number]} (class {number})"
        assert (row.certified.count, row.certified.total) == ((certified & mine).sum(), mine.sum())
        assert row.undefended.count == (mine & (exhaustive.undefended == number)).sum()
    squares = facts.curves[0]
    sizes = exhaustive.certified_size("squares")
    assert squares.exact
    assert [(size, rate.count) for size, rate in squares.marks] == [
        (size, (sizes.largest >= size).sum()) for size in (1, 2, 3)
    ]
    assert dict(zip(squares.sizes, squares.low, strict=True))[3] == certified.mean()
    assert any("two squares" in note for note in facts.curve_notes)


def score(number: int, opened: OpenedRun) -> tuple[Any, ...]:
    """The order of the rule, written out."""
    row = list(opened)[number]
    right = row.defended == row.label, row.undefended == row.label
    return row.certified, row.fraction, *right, row.margin


@pytest.mark.parametrize("show", [1, 2, 3, 7, COUNT, 100])
def test_images_are_chosen_by_the_rule(exhaustive: OpenedRun, show: int) -> None:
    facts = exhaustive.facts(images=IMAGES, show=show)
    order = sorted(range(COUNT), key=lambda number: score(number, exhaustive))
    if show >= COUNT:
        assert [image.id for image in facts.images] == [str(number) for number in order]
        assert [image.place for image in facts.images] == [f"{rank} of {COUNT}" for rank in range(1, COUNT + 1)]
        return
    worst, median, best = (show + 2) // 3, (show + 1) // 3, show // 3
    middle = (COUNT - median) // 2
    ranks = [*range(worst), *range(middle, middle + median), *range(COUNT - best, COUNT)]
    assert [image.id for image in facts.images] == [str(order[rank]) for rank in ranks]
    assert [image.place for image in facts.images] == ["worst"] * worst + ["median"] * median + ["best"] * best
    assert f"{worst} worst" in facts.image_rule


def test_an_image_has_its_map_its_failing_masks_and_the_label_under_them(exhaustive: OpenedRun) -> None:
    rows = {row.id: row for row in exhaustive}
    images = exhaustive.facts(images=IMAGES, show=COUNT).images
    partly = 0
    for image in images:
        row = rows[image.id]
        certifying = mc.MaskSet(MASKS.grid, tuple(MASKS[number] for number in row.certifying))
        placements = placement_map(certifying, "squares(size=3)")
        assert image.exposure is not None
        assert (image.exposure == placements.exposure()).all()
        assert image.certified_fraction == f"{int(1000 * placements.fraction) / 10:.1f} % of the placements certified"
        partly += 0 < placements.fraction < 1
        assert (row.failing is None) == (image.failing == "") == (image.hidden == ())
        if row.failing is not None:
            hidden = np.zeros((9, 9), dtype=np.bool_)
            for top, left, height, width in image.hidden:
                hidden[top : top + height, left : left + width] = True
            (scores,) = linear(np.where(hidden, 0.0, IMAGES[int(row.id)])[None])
            highest = np.flatnonzero(scores == scores.max()).tolist()
            assert image.failing.endswith(f"class {highest[0]}" if len(highest) == 1 else "no label")
            assert highest != [row.label]
    assert partly > 0


def test_a_run_that_stopped_early_says_at_least(tmp_path: Path) -> None:
    images = made(tmp_path).facts(images=IMAGES, show=COUNT).images
    uncertified = [image for image in images if not image.certified]
    assert uncertified
    assert all(image.certified_fraction.startswith("at least ") for image in uncertified)


def shown(images: tuple[ImageFacts, ...]) -> list[str]:
    return sorted(image.id for image in images if image.picture is not None)


def test_an_image_with_other_pixels_is_never_shown(exhaustive: OpenedRun) -> None:
    changed = IMAGES.copy()
    changed[7, 0, 0] += 1
    images = exhaustive.facts(images=changed, show=COUNT).images
    assert shown(images) == sorted(str(number) for number in range(COUNT) if number != 7)
    (other,) = [image for image in images if image.id == "7"]
    assert (other.note, other.exposure is None) == (CHANGED, False)


def test_images_in_another_order_are_not_shown(exhaustive: OpenedRun) -> None:
    assert shown(exhaustive.facts(images=IMAGES[::-1], show=COUNT).images) == []
    with pytest.raises(InvalidInput, match="one image for each row of the run"):
        exhaustive.facts(images=IMAGES[1:])


def test_without_images_the_maps_are_there_and_the_reason(exhaustive: OpenedRun) -> None:
    images = exhaustive.facts(show=3).images
    assert {(image.picture is None, image.exposure is None) for image in images} == {(True, False)}
    assert all("the run does not say where its images are" in image.note for image in images)
    assert exhaustive.facts(show=0).images == ()


def test_an_image_that_cannot_be_compared_is_shown_only_if_the_user_gives_it() -> None:
    image = np.zeros((4, 4), np.uint8)
    assert compared(image, "", None, unknown=False).pixels is None
    given = compared(image, "", None, unknown=True)
    assert given.pixels is not None
    assert "could not be compared" in given.note
    assert compared(image, pixel_digest(image), None, unknown=False).note == ""
    assert compared(image, pixel_digest(image + 1), None, unknown=True).pixels is None
    assert compared("cat.png", "blake2b:1", None, unknown=True).pixels is None


def test_a_normalised_image_is_shown_as_it_was_before() -> None:
    before = np.random.default_rng(0).integers(0, 256, (5, 6, 3), dtype=np.uint8)
    for layout in ("chw", "hwc"):
        preprocessing = Preprocessing(mean=(0.5, 0.4, 0.3), std=(0.2, 0.3, 0.4), layout=layout)
        pixels, note = displayed(preprocessing(before), preprocessing)
        assert pixels is not None
        assert ((pixels == before).all(), note) == (True, "")
    stretched, note = displayed(np.array([[-1.0, 1.0], [0.0, 1.0]]), None)
    assert stretched is not None
    assert (stretched.tolist(), note) == ([[0, 255], [128, 255]], "shown from -1 in black to 1 in white")
    assert displayed(np.zeros((2, 3, 4, 5)), None)[0] is None
    assert displayed(np.full((2, 2), np.nan), None)[0] is None


def test_rows_that_contradict_their_predictions_are_refused(tmp_path: Path) -> None:
    opened = made(tmp_path, procedure="double_masking(exhaustive=True)")
    folder = Folder(tmp_path)
    config = folder.existing()
    first = next(shards(folder, config))
    number = next(number for number, row in enumerate(first.rows) if not row.certified)
    forged = list(first.rows)
    forged[number] = replace(forged[number], verdict="certified")
    (tmp_path / "shards" / "00000.parquet").unlink()
    folder.write(0, config, replace(first, rows=tuple(forged)))
    assert opened.facts(show=0).claim
    with pytest.raises(InvalidInput, match="contradict the predictions that they keep"):
        open_run(tmp_path).facts(show=0)


def test_masks_that_do_not_cover_are_refused(exhaustive: OpenedRun) -> None:
    (part,) = exhaustive.parts
    with pytest.raises(NotCovering):
        replace(exhaustive, parts=(replace(part, masks=part.masks[1:]),)).facts(show=0)


def test_a_run_without_rows_has_no_report(exhaustive: OpenedRun) -> None:
    with pytest.raises(InvalidInput, match="holds no rows yet"):
        exhaustive.select(np.zeros(COUNT, dtype=np.bool_)).facts()


def test_an_unfinished_run_says_so(tmp_path: Path) -> None:
    facts = made(tmp_path, shard=(0, 2)).facts(show=0)
    assert "24 of 40 images are done" in " ".join(facts.remarks)
    assert "of 24 images" in facts.outcome
    assert "16 images of the run are still missing" in facts.outcome


def test_a_detecting_run_promises_an_alert_and_has_a_map_where_masks_certify(tmp_path: Path) -> None:
    opened = made(tmp_path, procedure=Detection(0.6))
    rows = {row.id: row for row in opened}
    facts = opened.facts(images=IMAGES, show=COUNT)
    assert facts.claim.endswith("answers the true label, or raises an alert.")
    bare = [rows[image.id].certified and not rows[image.id].certifying for image in facts.images]
    assert [image.exposure is None for image in facts.images] == bare
    assert all("no map" in image.note for image in facts.images if image.exposure is None)


@pytest.mark.parametrize("folder", ["run", "source-run-2"])
def test_runs_of_earlier_versions_have_reports(folder: str, pytestconfig: pytest.Config) -> None:
    opened = open_run(pytestconfig.rootpath / "tests" / "golden" / folder)
    facts = opened.facts()
    assert f"of {len(opened)} images" in facts.outcome
    assert all(image.picture is None for image in facts.images)
    text = to_markdown(facts)
    assert ("digest of the run | none" in text) == (facts.fingerprints[0].claim is None)


VIEWS = mc.bands(2, image_size=9)


def by_votes(out: Path, regions: str, procedure: str = "voting") -> OpenedRun:
    """A run of votes, of a classifier that sums pixels, opened."""
    images = np.random.default_rng(0).integers(-2, 3, size=(12, 9, 9)).astype(np.float64)
    labels = (images.sum(axis=(1, 2)) > 0).astype(np.int64)
    run(sums, images, labels, VIEWS, out, regions=regions, procedure=procedure, batch_size=4)
    opened: OpenedRun = open_run(out)
    return opened


def sums(images: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Two classes: the sum of the pixels is negative, or it is positive."""
    total = images.sum(axis=(1, 2))
    return np.stack([-total, total], axis=1)


def test_a_report_about_votes_claims_no_cover_and_draws_the_placements_that_hold(tmp_path: Path) -> None:
    facts = by_votes(tmp_path, "squares(size=2)").facts()
    assert "does not need masks that cover" in facts.rests[0]
    selected = mc.open_run(tmp_path).select(label=1).facts()
    assert "selected from the run" in " ".join(selected.remarks)
    assert all(not rate.interval for _, rate in selected.rates)
    images = np.random.default_rng(0).integers(-2, 3, size=(12, 9, 9)).astype(np.float64)
    rows = {row.id: row for row in mc.open_run(tmp_path)}
    for image in facts.images:
        why = mc.explain(
            sums, images, VIEWS, regions="squares(size=2)", procedure="voting", batch_size=4, number=int(image.id),
            label=rows[image.id].label,
        )  # fmt: skip
        assert rows[image.id].fraction == float(why.certified_fraction)
        assert image.certified_fraction == f"{percent_down(float(why.certified_fraction))} of the placements certified"
        assert image.exposure is not None
        assert np.array_equal(image.exposure, why.map().exposure())
    assert len({row.fraction for row in rows.values()}) > 3


@pytest.mark.parametrize(
    ("regions", "procedure", "words"),
    [
        ("patches(squares(size=1), k=2)", "voting", "the fraction of placements certified was not worked out"),
        ("squares(size=2)", "voting(threshold=0.9)", "of the placements certified"),
    ],
)
def test_a_report_about_votes_without_a_map_says_why(tmp_path: Path, regions: str, procedure: str, words: str) -> None:
    facts = by_votes(tmp_path, regions, procedure).facts()
    failed = [image for image in facts.images if not image.certified]
    assert failed
    for image in failed:
        assert words in image.certified_fraction
        assert image.exposure is None
        assert "no map" in image.note
