"""Replays: an unchanged model gives the rows again; anything else is told, row by row and by name."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from maskcover import InvalidInput
from maskcover.errors import MaskcoverWarning, ProbeFailed
from maskcover.runs import ChangedRow, Folder, replay, run
from tests.defense.naive import BoolArray
from tests.runs.lookups import MASKS, Model, Shelf, listing, rows

COUNT = 30


def started(out: Path, **options: Any) -> None:
    """A run of 30 images."""
    images = Shelf(COUNT)
    command: dict[str, Any] = {"model": Model(), "images": images, "labels": images.labels, "masks": MASKS}
    run(**(command | {"out": out} | options))


@dataclass
class Settling(Model):
    """A classifier that brings its evaluator, and takes the batch size it is given."""

    batch_size: Any = None

    def evaluator(self, masks: Any, _: Any, batch_size: int | None) -> Any:
        """Five rows, unless a number is given."""
        from maskcover.classifiers.evaluation import HostEvaluator

        return HostEvaluator(Model(self.batch_size or batch_size or 5, weights=self.weights), masks)


class Flipped(Model):
    """Other weights: calls every odd image by the next label."""

    def scores(self, images: Any, hidden: BoolArray) -> Any:
        """The scores, turned by one class for odd images."""
        found = super().scores(images, hidden)
        odd = [image.number % 2 == 1 for image in images]
        found[odd] = np.roll(found[odd], 1, axis=1)
        return found


@dataclass
class Uneven(Model):
    """Scores a row by its place in the batch, a little."""

    bend: float = 1e-3

    def scores(self, images: Any, hidden: BoolArray) -> Any:
        """The scores, more by a share that grows along the batch."""
        found = super().scores(images, hidden)
        return found * (1 - self.bend * np.arange(len(found))[:, None] / len(found) * [1, 0, 0])


OPTIONS: dict[str, dict[str, Any]] = {
    "rows": {},
    "exhaustive": {"exhaustive": True},
    "all pairs": {"rule": "all-pairs"},
    "challenger": {"method": "challenger"},
    "detect": {"method": "detect", "threshold": 0.5},
    "regions": {"regions": "rectangles(area=1)"},
    "margin that some leads do not reach": {"min_margin": 0.25, "model": Model(lead=0.125)},
    "margin": {"min_margin": 0.125, "model": Model(lead=0.25)},
    "margin 0": {"min_margin": 0.0},
    "numerics under a margin": {"min_margin": 0.01, "model": Uneven()},
    "errors": {"images": Shelf(COUNT, broken={4: OSError("gone")}), "model": Model(failing={9: RuntimeError()})},
    "not finite": {"model": Model(scored={9: np.nan})},
    "ids": {"ids": [f"caf\u00e9/{number}.png" for number in range(COUNT)]},
}


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
def test_an_unchanged_model_has_no_flips_and_no_drift(options: dict[str, Any], tmp_path: Path) -> None:
    started(tmp_path, **options)
    before = listing(tmp_path)
    asked: dict[str, Any] = {"images": Shelf(COUNT), "model": Model(), "ids": None} | options
    found = replay(tmp_path, asked["model"], asked["images"], Shelf(COUNT).labels, ids=asked["ids"], sample=COUNT)
    assert (found.rows, found.flips, found.drift, found.differences) == (COUNT, (), 0.0, ())
    assert bool(found)
    assert "30 rows evaluated again, 0 flips" in str(found)
    assert listing(tmp_path) == before


def test_changed_weights_flip_rows_and_are_named(tmp_path: Path) -> None:
    started(tmp_path)
    found = replay(tmp_path, Flipped(weights="b"), Shelf(COUNT), Shelf(COUNT).labels, sample=COUNT)
    flipped = {flip.before.id for flip in found.flips}
    # An image that the model had right throughout goes wrong throughout; no even image may change.
    assert {row.id for row in rows(tmp_path) if row.certified and int(row.id) % 2} <= flipped
    assert flipped
    assert not any(int(name) % 2 == 0 for name in flipped)
    assert any("weights: b, not a" in text for text in found.differences)
    assert not found
    assert all(f"flip: {flip}" in str(found) for flip in found.flips)
    assert "not as it was certified: weights" in str(found)


def test_changed_weights_that_flip_nothing_are_named_all_the_same(tmp_path: Path) -> None:
    started(tmp_path)
    found = replay(tmp_path, Model(weights="b"), Shelf(COUNT), Shelf(COUNT).labels)
    assert found
    assert found.differences == ("weights: b, not a",)


def test_the_drift_is_the_largest_change_of_a_lead(tmp_path: Path) -> None:
    started(tmp_path)
    found = replay(tmp_path, Model(lead=0.875), Shelf(COUNT), Shelf(COUNT).labels, sample=COUNT)
    assert (found.flips, found.drift) == ((), 0.125)


def test_a_flip_says_what_changed(tmp_path: Path) -> None:
    started(tmp_path)
    row = next(row for row in rows(tmp_path) if row.certified)
    broken = replace(row, defended=-1, verdict="error", reason="OSError: gone")
    expected = f"{row.id}: defended {row.defended} then, -1 now, verdict certified then, error now (OSError: gone)"
    assert str(ChangedRow(row, broken)) == expected


def test_the_earlier_name_of_a_changed_row_works_with_a_warning() -> None:
    from maskcover import runs

    with pytest.warns(MaskcoverWarning, match="ChangedRow"):
        assert runs.Flip is ChangedRow
    with pytest.raises(AttributeError, match="Flop"):
        runs.Flop  # noqa: B018  # the access is the test


def test_images_that_are_gone_and_other_labels_flip(tmp_path: Path) -> None:
    started(tmp_path)
    labels = Shelf(COUNT).labels
    labels[7] = (labels[7] + 1) % 3
    found = replay(tmp_path, Model(), Shelf(COUNT, broken={5: OSError("gone")}), labels, sample=COUNT)
    assert [flip.before.id for flip in found.flips] == ["5", "7"]
    assert "label" in str(found.flips[1])
    assert "gone" in str(found.flips[0])


def sampled(out: Path, sample: int, seed: int) -> list[int]:
    """The numbers of the images that a replay fetches, without those for the probes."""
    images = Shelf(COUNT)
    found = replay(out, Model(), images, Shelf(COUNT).labels, sample=sample, seed=seed)
    assert found.rows == len(images.fetched) - 1  # without the one whose reference scores are compared
    return images.fetched[1:]


def test_so_many_rows_are_sampled_by_the_seed_and_every_row_has_its_turn(tmp_path: Path) -> None:
    started(tmp_path, shard_size=7)
    first = sampled(tmp_path, 6, seed=1)
    assert len(set(first)) == 6
    assert first == sorted(first) == sampled(tmp_path, 6, seed=1)
    draws = [sampled(tmp_path, 6, seed=seed) for seed in range(60)]
    times = np.bincount(np.concatenate(draws), minlength=COUNT)
    # 60 draws of 6 among 30: 12 a row, give or take; the seeds are fixed.
    assert times.min() >= 4
    assert times.max() <= 24
    assert len({tuple(draw) for draw in draws}) > 50


@pytest.mark.parametrize("sample", [30, 31, 1000])
def test_no_more_rows_are_sampled_than_there_are(sample: int, tmp_path: Path) -> None:
    started(tmp_path)
    assert sampled(tmp_path, sample, seed=0) == list(range(COUNT))


def test_only_rows_that_are_there_are_replayed(tmp_path: Path) -> None:
    started(tmp_path, shard_size=7, shard=(1, 2))
    assert sampled(tmp_path, 100, seed=0) == [*range(7, 14), *range(21, 28)]


def test_images_may_come_in_another_order_and_among_others(tmp_path: Path) -> None:
    names = [f"{number}.png" for number in range(COUNT)]
    started(tmp_path, ids=names)
    order = [*np.random.default_rng(0).permutation(COUNT).tolist()]
    images = [Shelf(COUNT)[number] for number in order] + [Shelf(1, seed=1)[0]]
    labels = [Shelf(COUNT).label(number) for number in order] + [0]
    found = replay(tmp_path, Model(), images, labels, ids=[*(names[number] for number in order), "new"], sample=COUNT)
    assert (found.rows, found.flips) == (COUNT, ())


def test_samples_that_are_not_among_the_images_are_named(tmp_path: Path) -> None:
    started(tmp_path, ids=[f"{number}.png" for number in range(COUNT)])
    with pytest.raises(InvalidInput, match=r"not among these images, such as \d+\.png"):
        replay(tmp_path, Model(), Shelf(COUNT), Shelf(COUNT).labels)


def test_the_batch_size_is_that_of_the_run_unless_the_model_has_its_own(tmp_path: Path) -> None:
    started(tmp_path, model=Settling())
    folder = Folder(tmp_path)
    assert folder.existing().batch_size == 5
    found = replay(tmp_path, Settling(), Shelf(COUNT), Shelf(COUNT).labels)
    assert (found.differences, bool(found)) == ((), True)
    found = replay(tmp_path, Settling(batch_size=9), Shelf(COUNT), Shelf(COUNT).labels)
    assert found.differences == ("batch_size: 9, not 5",)


def test_the_run_goes_on_with_the_batch_size_that_was_settled_first(tmp_path: Path) -> None:
    started(tmp_path, model=Settling(batch_size=3), shard=(0, 2), shard_size=4)
    started(tmp_path, model=Settling(), shard=(1, 2), shard_size=4)
    assert Folder(tmp_path).existing().batch_size == 3


def test_a_bitwise_run_is_replayed_to_the_bit_and_a_run_under_a_margin_is_not(tmp_path: Path) -> None:
    started(tmp_path / "bitwise")
    with pytest.raises(ProbeFailed, match="scored differently"):
        replay(tmp_path / "bitwise", Uneven(), Shelf(COUNT), Shelf(COUNT).labels)
    started(tmp_path / "margin", min_margin=0.01, model=Model(lead=0.5))
    found = replay(tmp_path / "margin", Uneven(lead=0.5), Shelf(COUNT), Shelf(COUNT).labels)
    assert found
    assert 0 < found.drift < 2e-3


@pytest.mark.parametrize("sample", [0, -1, 2.0, True, None])
def test_a_sample_is_a_number_of_rows(sample: Any, tmp_path: Path) -> None:
    started(tmp_path)
    with pytest.raises(InvalidInput, match="sample"):
        replay(tmp_path, Model(), Shelf(COUNT), Shelf(COUNT).labels, sample=sample)
