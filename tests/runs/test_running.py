"""A run over a data set: one row an image, with all columns right, whatever single images or the classifier do."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from maskcover import InvalidInput, certify, squares
from maskcover.certification import exact_interval
from maskcover.classifiers import UNDECIDED, Answers, Evaluator
from maskcover.classifiers.evaluation import HostEvaluator
from maskcover.covering.placements import covered_fraction
from maskcover.defense import DoubleMasking
from maskcover.errors import MissingExtra, NotCovering, RunStopped
from maskcover.masks import MaskSet
from maskcover.runs import Folder, Row, Summary, replay, run, summary
from maskcover.runs.columns import table_of
from tests.defense.naive import BoolArray, algorithm_1, good_rows, of_table
from tests.runs.lookups import MASKS, OPAQUE, Model, Shelf, listing, rows, shard_path, told

pytestmark = pytest.mark.filterwarnings(OPAQUE)

PROCEDURES: dict[str, dict[str, Any]] = {
    "rows": {},
    "exhaustive": {"exhaustive": True},
    "all pairs": {"rule": "all-pairs"},
    "challenger": {"method": "challenger"},
    "detect": {"method": "detect", "threshold": 0.5},
    "margin": {"min_margin": 0.25},
}


def clean(count: int, out: Path, **options: Any) -> list[Row]:
    """The rows of a run without a fault."""
    images = Shelf(count)
    run(Model(), images, images.labels, MASKS, out, **options)
    return rows(out)


@pytest.mark.parametrize("lead", [1.0, 0.125])
@pytest.mark.parametrize("options", PROCEDURES.values(), ids=PROCEDURES)
def test_each_image_has_one_row_that_says_what_certify_says(
    options: dict[str, Any], lead: float, tmp_path: Path
) -> None:
    images = Shelf(40)
    done = run(Model(lead=lead), images, images.labels, MASKS, tmp_path, shard_size=7, **options)
    expected = certify(Model(lead=lead), images, images.labels, MASKS, **options).verdicts
    found = rows(tmp_path)
    assert [row.id for row in found] == [str(number) for number in range(40)]
    for row, verdict in zip(found, expected, strict=True):
        good = MaskSet(MASKS.grid, tuple(MASKS[number] for number in verdict.certificate.certifying))
        share = float(covered_fraction(good, squares(size=1))) if len(good) else 0.0
        columns = [
            getattr(row, name)
            for name in Row.__slots__
            if name not in ("id", "fraction", "evidence", "answers", "classes")
        ]
        assert tuple(columns) == told(verdict)
        assert row.fraction == (1.0 if row.certified else share)
    assert (done.rows, done.total, done.complete) == (40, 40, True)
    assert 0 < done.certified < 40 or (lead < 1 and {"min_margin", "threshold"} & options.keys())


def test_rows_are_what_the_algorithms_of_the_paper_say_of_the_tables(tmp_path: Path) -> None:
    images = Shelf(60)
    for number, row in enumerate(clean(60, tmp_path, exhaustive=True)):
        table, label = images.table(number), images.label(number)
        answer, case = algorithm_1(*of_table(table))
        good = good_rows(table, label)
        assert (row.label, row.defended, row.case) == (label, answer, case)
        # Each of the three masks hides one cell of three, and the attacker takes one.
        assert row.certified == (len(good) == 3)
        assert row.fraction == pytest.approx(len(good) / 3)
        if row.failing:
            assert table[row.failing] != label


BROKEN: Mapping[str, tuple[Any, str]] = {
    "unreadable": (InvalidInput("cannot read the image cat.png: broken"), "cannot read the image cat.png"),
    "gone": (FileNotFoundError(2, "No such file", "cat.png"), "FileNotFoundError.*cat.png"),
    "half a character": (ValueError("caf\udce9.png"), r"caf\\udce9\.png"),
    "not an image": (None, "TypeError"),
    "another shape": ({b"": 1}, "KeyError"),
}


@pytest.mark.parametrize("batch_size", [1, 4, 32])
@pytest.mark.parametrize(("image", "reason"), BROKEN.values(), ids=BROKEN)
def test_an_image_that_cannot_be_read_or_evaluated_is_an_error_and_the_others_go_on(
    image: Any, reason: str, batch_size: int, tmp_path: Path
) -> None:
    expected = clean(20, tmp_path / "clean")
    images = Shelf(20, broken={3: image, 19: image})
    done = run(Model(batch_size), images, Shelf(20).labels, MASKS, tmp_path / "out", shard_size=9)
    found = rows(tmp_path / "out")
    for number in (3, 19):
        nothing = Row(str(number), images.label(number), -1, -1, "", "error", found[number].reason, 0.0, 0.0, None, 0)
        assert found[number] == nothing
        assert re.search(reason, found[number].reason)
    assert [row for row in found if row.id not in ("3", "19")] == [r for r in expected if r.id not in ("3", "19")]
    assert (done.rows, done.errors) == (20, 2)


@pytest.mark.parametrize("batch_size", [1, 4, 32])
@pytest.mark.parametrize("error", [RuntimeError("no kernel"), MemoryError("too large"), OSError(5, "I/O")])
def test_a_classifier_that_fails_on_one_image_costs_that_image_only(
    error: Exception, batch_size: int, tmp_path: Path
) -> None:
    expected = clean(20, tmp_path / "clean")
    images = Shelf(20)
    run(Model(batch_size, failing={5: error}), images, images.labels, MASKS, tmp_path / "out")
    found = rows(tmp_path / "out")
    assert (found[5].verdict, found[5].undefended, found[5].certified) == ("error", UNDECIDED, False)
    assert found[5].reason == f"{type(error).__name__}: {error}"
    assert found[:5] + found[6:] == expected[:5] + expected[6:]


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_scores_that_are_not_finite_are_an_error_with_a_reason(value: float, tmp_path: Path) -> None:
    expected = clean(20, tmp_path / "clean")
    images = Shelf(20)
    done = run(Model(scored={7: value}), images, images.labels, MASKS, tmp_path / "out")
    found = rows(tmp_path / "out")
    assert (found[7].verdict, found[7].fraction, done.errors) == ("error", 0.0, 1)
    assert "non-finite scores under" in found[7].reason
    assert found[:7] + found[8:] == expected[:7] + expected[8:]


def test_one_view_that_is_not_finite_takes_the_share_back_too(tmp_path: Path) -> None:
    class BareLost(Model):
        """No scores for images as they are; under masks all is well."""

        def scores(self, images: Any, hidden: BoolArray) -> Any:
            return np.where(hidden.any(axis=1, keepdims=True), super().scores(images, hidden), np.nan)

    images = Shelf(20)
    done = run(BareLost(), images, images.labels, MASKS, tmp_path / "out")
    assert any(row.certified for row in clean(20, tmp_path / "clean"))
    assert (done.errors, done.certified, done.undefended) == (20, 0, 0)
    assert {row.fraction for row in rows(tmp_path / "out")} == {0.0}


class Lost(Model):
    """A classifier that fails on everything from its first look at image 15 on."""

    lost = False

    def scores(self, images: Any, hidden: BoolArray) -> Any:
        self.lost = self.lost or any(getattr(image, "number", -1) == 15 for image in images)
        if self.lost:
            raise RuntimeError("device lost")
        return super().scores(images, hidden)


@pytest.mark.parametrize("shard_size", [1, 10])
def test_a_classifier_that_is_lost_stops_the_run_and_leaves_no_row_of_the_shard(
    tmp_path: Path, shard_size: int
) -> None:
    images = Shelf(40)
    with pytest.raises(RunStopped, match=r"could score before.*device lost.*same command"):
        run(Lost(), images, images.labels, MASKS, tmp_path / "out", shard_size=shard_size)
    assert summary(tmp_path / "out").rows == 15 // shard_size * shard_size
    assert rows(tmp_path / "out") == clean(40, tmp_path / "clean")[: 15 // shard_size * shard_size]


def test_images_that_fail_where_others_do_not_are_rows_of_errors_however_many(tmp_path: Path) -> None:
    images = Shelf(40)
    failing = dict.fromkeys(range(10, 20), RuntimeError("too dark"))
    done = run(Model(failing=failing), images, images.labels, MASKS, tmp_path / "out", shard_size=10)
    assert (done.rows, done.errors) == (40, 10)
    assert {row.reason for row in rows(tmp_path / "out")[10:20]} == {"RuntimeError: too dark"}


def test_files_that_cannot_be_read_do_not_end_a_run_however_many_come_first(tmp_path: Path) -> None:
    images = Shelf(30, broken=dict.fromkeys(range(20), OSError("truncated")))
    done = run(Model(), images, images.labels, MASKS, tmp_path / "out")
    assert (done.rows, done.errors) == (30, 20)
    assert rows(tmp_path / "out")[20:] == clean(30, tmp_path / "clean")[20:]


def test_a_first_image_that_cannot_be_scored_leaves_the_probes_to_the_next(tmp_path: Path) -> None:
    images = Shelf(20)
    failing: dict[int, BaseException] = {0: ValueError("odd")}
    done = run(Model(failing=failing), images, images.labels, MASKS, tmp_path / "out")
    assert (done.rows, done.errors) == (20, 1)
    assert rows(tmp_path / "out")[1:] == clean(20, tmp_path / "clean")[1:]


@dataclass
class Deep(Model):
    """A classifier that has two batches under way, as on a GPU."""

    def evaluator(self, masks: MaskSet, _: Any, __: int | None) -> Evaluator:
        """Answers are computed when they are fetched."""

        class Queue(HostEvaluator):
            depth = 2

            def submit(self, images: Sequence[Any], pairs: npt.NDArray[np.int64]) -> Callable[[], Answers]:
                return lambda: Answers.of(self.scores(images, pairs))

        return Queue(Model(self.batch_size, failing=self.failing), masks)


@pytest.mark.parametrize("batch_size", [1, 2, 3, 5])
def test_an_image_that_fails_in_two_batches_under_way_counts_once(batch_size: int, tmp_path: Path) -> None:
    images = Shelf(40)
    failing = {number: RuntimeError("odd image") for number in range(40) if number % 10}
    done = run(Deep(batch_size, failing=failing), images, images.labels, MASKS, tmp_path / "out", shard_size=10)
    assert (done.rows, done.errors) == (40, 36)
    expected = clean(40, tmp_path / "clean")
    assert rows(tmp_path / "out")[::10] == expected[::10]


def test_one_image_that_can_be_evaluated_keeps_a_shard_going(tmp_path: Path) -> None:
    images = Shelf(20)
    failing = dict.fromkeys(range(11, 20), RuntimeError("odd images"))
    done = run(Model(failing=failing), images, images.labels, MASKS, tmp_path, shard_size=10)
    assert (done.rows, done.errors) == (20, 9)


def test_files_that_cannot_be_read_stop_nothing(tmp_path: Path) -> None:
    images = Shelf(20, broken=dict.fromkeys(range(10, 20), OSError("gone")))
    done = run(Model(), images, images.labels, MASKS, tmp_path, shard_size=10)
    assert (done.rows, done.errors) == (20, 10)


@pytest.mark.parametrize("stop_at", range(20, 110, 9))
def test_a_run_that_is_interrupted_anywhere_goes_on_to_the_same_rows(stop_at: int, tmp_path: Path) -> None:
    images = Shelf(30)
    with pytest.raises(KeyboardInterrupt):
        run(Model(stop_at=stop_at, batch_size=2), images, images.labels, MASKS, tmp_path, shard_size=4)
    before = listing(tmp_path)
    run(Model(batch_size=2), images, images.labels, MASKS, tmp_path, shard_size=4)
    assert rows(tmp_path) == clean(30, tmp_path / "clean", shard_size=4)
    assert before.items() <= listing(tmp_path).items()


PROBED = [0, 6, 12, 20]
"""The first image of 30, and one from each third, which the probes put beside it."""


def test_a_run_that_is_done_evaluates_nothing_but_the_reference_rows(tmp_path: Path) -> None:
    clean(30, tmp_path)
    before, model, images = listing(tmp_path), Model(), Shelf(30)
    run(model, images, images.labels, MASKS, tmp_path)
    assert (listing(tmp_path), images.fetched) == (before, [0])
    assert model.calls < 5


def test_images_are_fetched_when_needed_once_each_and_let_go(tmp_path: Path) -> None:
    images = Shelf(300)
    run(Model(), images, Shelf(300).labels, MASKS, tmp_path, shard_size=20)
    assert images.fetched[4:] == [*range(300)]  # after those for the probes
    assert images.most_alive <= 8
    assert images.alive == 0


def test_the_summary_counts_the_rows_that_are_there(tmp_path: Path) -> None:
    images = Shelf(50, broken={4: OSError("gone")})
    done = run(Model(scored={6: np.nan}), images, images.labels, MASKS, tmp_path, shard_size=10)
    assert summary(tmp_path) == done
    found = rows(tmp_path)
    for _ in range(2):
        sound = [row for row in found if row.verdict != "error"]
        document = summary(tmp_path).document()
        counts = {
            "undefended": sum(row.undefended == row.label for row in sound),
            "defended": sum(row.defended == row.label for row in sound),
            "certified": sum(row.verdict == "certified" for row in sound),
        }
        for name, count in counts.items():
            low, high = exact_interval(count, len(found))
            assert document[name] == {"count": count, "share": count / len(found), "low": low, "high": high}
        assert (document["rows"], document["errors"]) == (len(found), len(found) - len(sound))
        assert document["evaluations"] == sum(row.evaluations for row in found)
        assert f"{len(found)} of 50 images done" in str(summary(tmp_path))
        shard_path(tmp_path, 0).unlink(missing_ok=True)
        found = found[10:] if len(found) == 50 else found
    assert (summary(tmp_path).errors, summary(tmp_path).complete) == (0, False)


def test_an_error_counts_neither_as_right_nor_as_certified() -> None:
    row = Row("a", 1, 1, 1, "agreed", "error", "non-finite scores", 0.0, 0.5, None, 7)
    done = Summary.of([(table_of([row, replace(row, id="b", verdict="certified")]), 2.0)], 3)
    assert done == Summary(3, 2, undefended=1, defended=1, certified=1, errors=1, evaluations=14, seconds=2.0)


def test_a_data_set_may_be_empty(tmp_path: Path) -> None:
    done = run(Model(), [], np.zeros(0, np.int64), MASKS, tmp_path)
    assert (done.rows, done.complete, done.document()["certified"]["high"]) == (0, True, 1.0)
    assert "0 of 0" in str(done)


@pytest.mark.parametrize("step", [1, 2, 3, 9])
def test_processes_that_share_a_run_make_what_one_makes(step: int, tmp_path: Path) -> None:
    images = Shelf(33)
    for first in range(step):
        done = run(Model(), images, images.labels, MASKS, tmp_path / "out", shard=(first, step), shard_size=5)
        assert done.complete == (first >= min(step, 7) - 1)
    assert rows(tmp_path / "out") == clean(33, tmp_path / "clean", shard_size=5)


def test_a_process_makes_every_nth_shard(tmp_path: Path) -> None:
    images = Shelf(33)
    run(Model(), images, images.labels, MASKS, tmp_path, shard=(1, 3), shard_size=5)
    assert [number for number in range(7) if Folder(tmp_path).has(number)] == [1, 4]
    assert [int(row.id) for row in rows(tmp_path)] == [*range(5, 10), *range(20, 25)]


BAD: Mapping[str, tuple[dict[str, Any], str]] = {
    **{
        f"shard {odd}": ({"shard": odd}, "shard must be") for odd in [(1, 1), (-1, 2), (0, 0), 3, None, (0, 1, 2), "01"]
    },
    **{f"shard {odd}": ({"shard": odd}, "shard must be") for odd in [(0.5, 2), (0, 2.0), (float("nan"), 2)]},
    **{f"shard_size {odd}": ({"shard_size": odd}, "shard_size") for odd in [0, -1, 2.0, True, None, "4"]},
    "ids twice": ({"ids": ["a", "b", "a"]}, "all different"),
    "ids that look alike as texts": ({"ids": [1, "1", 2]}, "all different"),
    "too few ids": ({"ids": ["a", "b"]}, "3 ids"),
    "ids beyond UTF-8": ({"ids": ["a", "b", "caf\udce9"]}, "UTF-8"),
    "a source that is no JSON": ({"source": {"path": Path()}}, "source"),
    "a label too much": ({"labels": [0, 1, 2, 0]}, "true labels"),
    "a class too high": ({"labels": [0, 1, 3]}, "sample 2 has the label 3"),
    "no label": ({"labels": [0, 1, -1]}, "class numbers"),
    "a method": ({"method": "triple"}, "method"),
    "a margin": ({"min_margin": 2.0}, "margin"),
    "a margin for detection": ({"method": "detect", "threshold": 0.5, "min_margin": 0.5}, "margin"),
    "an option": ({"fill": 0.5}, "fill"),
    "regions": ({"regions": "squares(size=2)"}, "cover"),
}


@pytest.mark.parametrize(("changes", "message"), BAD.values(), ids=BAD)
def test_what_does_not_fit_is_refused_before_anything_is_written(
    changes: dict[str, Any], message: str, tmp_path: Path
) -> None:
    arguments: dict[str, Any] = {"labels": [0, 1, 2]} | changes
    with pytest.raises((InvalidInput, NotCovering), match=message):
        run(Model(), Shelf(3), masks=MASKS, out=tmp_path / "out", **arguments)
    assert not (tmp_path / "out").exists()


def test_masks_and_configuration_can_be_read_back(tmp_path: Path) -> None:
    clean(5, tmp_path, min_margin=0.25, source={"weights": "caf\u00e9.pt"})
    folder = Folder(tmp_path)
    config = folder.existing()
    assert folder.masks(config) == MASKS
    assert (config.procedure, config.min_margin, config.count) == (DoubleMasking(), 0.25, 5)
    assert config.document["source"] == {"weights": "caf\u00e9.pt"}


def test_without_pyarrow_the_extra_is_named_before_anything_happens(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clean(3, tmp_path / "done")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    model, images = Model(), Shelf(3)
    with pytest.raises(MissingExtra, match=r"pip install .*\[data\]'"):
        run(model, images, images.labels, MASKS, tmp_path / "out")
    assert (model.calls, (tmp_path / "out").exists()) == (0, False)
    for ask in (lambda: summary(tmp_path / "done"), lambda: replay(tmp_path / "done", model, images, images.labels)):
        with pytest.raises(MissingExtra, match=r"pip install .*\[data\]'"):
            ask()


def test_an_image_that_cannot_be_read_costs_no_prediction(tmp_path: Path) -> None:
    """It says nothing of the classifier, which is tried again only after failures of its own."""
    calls = []
    for number, (count, broken) in enumerate(((38, []), (40, [38, 39]))):
        model, gone = Model(), {name: OSError("gone") for name in broken}
        run(model, Shelf(count, broken=gone), Shelf(count).labels, MASKS, tmp_path / str(number))
        calls.append(model.calls)
    assert calls[0] == calls[1]
