"""From a description to a folder by workers elsewhere, which are in this process here: both frames, and refusals."""

from __future__ import annotations

import pickle
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from dataclasses import replace as changed
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import maskcover as mc
from maskcover.engine.preparation import PreparedRun
from maskcover.runs import Folder, RunSpec, run_spec, summary, worker
from maskcover.runs import launching as module
from maskcover.runs.driving import Begun, Made, News, Refused
from maskcover.runs.launching import AskShards, Launch, Terms, Work, launch_on, refuses, witnesses, worker_of
from maskcover.runs.ledger import Ledger
from maskcover.runs.orders import Order
from maskcover.runs.tasks import Part
from tests.runs.faults.patient import spec_of, write_data
from tests.runs.lookups import listing, rows

TERMS = Terms(workers=2, patience=60.0)


@dataclass
class Pool:
    """Workers in this process; what they get and give is pickled, as on its way to other machines."""

    work: Work
    log: list[tuple[str, list[Any]]]
    waiting: list[tuple[int, list[Any]]] = field(default_factory=list)
    count: int = 0

    def start(self, keys: Sequence[Any]) -> int:
        self.count += 1
        like = " like the first" if getattr(self.work, "like", None) else ""
        self.log.append((type(self.work).__name__ + like, list(keys)))
        self.waiting.append((self.count, list(keys)))
        return self.count

    def news(self, _: float) -> Iterator[News]:
        number, keys = self.waiting.pop(0)
        yield Begun(number, "here")
        try:
            for key, result in pickle.loads(pickle.dumps(self.work))(keys):  # noqa: S301 (its own)
                yield Made(number, key, pickle.loads(pickle.dumps(result)))  # noqa: S301 (its own)
        except mc.InvalidInput as error:
            yield Refused(number, "here", str(error))
            raise

    def stop(self, _: int) -> None:
        """Nothing goes on by itself."""


@pytest.fixture(name="spec")
def describe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[RunSpec]:
    for name in ("PATIENT_SECONDS", "PATIENT_WEIGHTS", "PATIENT_NOTES", "PATIENT_SLOW", "PATIENT_CLOCK"):
        monkeypatch.delenv(name, raising=False)
    write_data(tmp_path / "data.npz", 30)
    yield spec_of(tmp_path / "data.npz")
    module._workers().clear()


def launch(spec: RunSpec, out: Path) -> list[tuple[str, list[Any]]]:
    """Make a run, or go on with it; what workers were asked, in order."""
    log: list[tuple[str, list[Any]]] = []
    launch_on(spec, out, lambda work: Pool(work, log), TERMS)
    return log


def expect_like_alone(spec: RunSpec, out: Path, alone: Path) -> None:
    """The folder is that of one process that made the run alone."""
    run_spec(spec, alone)
    mine, theirs = listing(out), listing(alone)
    assert mine.keys() == theirs.keys()
    assert all(mine[name] == theirs[name] for name in mine if not name.endswith(".parquet"))


def test_a_launched_run_is_that_of_one_process(spec: RunSpec, tmp_path: Path) -> None:
    log = launch(spec, tmp_path / "out")
    assert log[:2] == [("AskPlan", ["the plan"]), ("AskOrder", [""])]
    assert {kind for kind, _ in log[2:]} == {"AskShards"}
    assert sorted(key for _, keys in log[2:] for key in keys) == list(range(8))
    expect_like_alone(spec, tmp_path / "out", tmp_path / "alone")
    assert rows(tmp_path / "out") == rows(tmp_path / "alone")


def test_only_what_is_missing_is_made_and_run_json_stays(spec: RunSpec, tmp_path: Path) -> None:
    out = tmp_path / "out"
    run_spec(spec, out)
    before = listing(out)
    for number in (2, 5):
        (out / "shards" / f"{number:05}.parquet").unlink()
    log = launch(spec, out)
    assert [kind for kind, _ in log] == ["AskPlan", "AskShards", "AskShards"]
    assert sorted(key for _, keys in log[1:] for key in keys) == [2, 5]
    assert listing(out)["run.json"] == before["run.json"]
    assert launch(spec, out) == [("AskPlan", ["the plan"]), ("AskSame", [""])]


def photos(spec: RunSpec, tmp_path: Path) -> RunSpec:
    """The same on photos of three sizes, in the frame of the source."""
    chance = np.random.default_rng(0)
    folder = tmp_path / "photos"
    for number in range(6):
        side = (8, 9, 10)[number % 3]
        (folder / f"class{number % 2}").mkdir(parents=True, exist_ok=True)
        from PIL import Image

        pixels = chance.integers(0, 256, (8, side), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"class{number % 2}" / f"{number}.png")
    return changed(
        spec, data=str(folder), masks=None, regions="squares(size=1)", frame="source", shard_size=1, input_size="8",
        classes="2",
    )  # fmt: skip


def test_in_the_frame_of_the_source_sizes_follow_the_first(spec: RunSpec, tmp_path: Path) -> None:
    source = photos(spec, tmp_path)
    log = launch(source, tmp_path / "out")
    orders = [kind for kind, _ in log if kind.startswith("AskOrder")]
    assert orders == ["AskOrder", "AskOrder like the first", "AskOrder like the first"]
    assert sorted(key for kind, keys in log if kind == "AskShards" for key in keys) == [
        (f"8x{side}", number) for side in (10, 8, 9) for number in range(2)
    ]
    expect_like_alone(source, tmp_path / "out", tmp_path / "alone")


def test_a_worker_of_another_fingerprint_names_both(
    spec: RunSpec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    run_spec(spec, out)
    (out / "shards" / "00002.parquet").unlink()
    monkeypatch.setenv("PATIENT_WEIGHTS", "others")
    with pytest.raises(mc.InvalidInput, match=r"sha256:\w+ before, sha256:\w+ now"):
        launch(spec, out)
    assert not (out / "shards" / "00002.parquet").exists()
    assert not list(out.rglob("*.lease"))


@pytest.mark.parametrize(
    ("error", "refused"),
    [
        (OSError("stale handle"), False), (mc.errors.RunStopped("no memory"), False), (mc.InvalidInput("odd"), False),
        (mc.errors.FingerprintMismatch("other weights"), True), (mc.ProbeFailed("the classifier changed"), True),
    ],
    ids=lambda value: type(value).__name__,
)  # fmt: skip
def test_an_error_on_a_shard_is_one_of_the_worker_only_if_its_model_is_another(
    error: Exception, refused: bool, spec: RunSpec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_spec(spec, tmp_path / "out")
    ledger = Ledger.start(tmp_path / "out", worker(spec).plan)
    work = AskShards(Launch(spec.document()), *module._about(ledger, [""]))
    make = Part.make_all

    def odd(self: Part, numbers: Any) -> Iterator[Any]:
        yield next(make(self, numbers))
        raise error

    monkeypatch.setattr(Part, "make_all", odd)
    shards = work([0, 1])
    assert next(shards)[0] == 0
    with pytest.raises(mc.errors.MaskcoverError) as raised:
        next(shards)
    assert refuses(raised.value) == refused
    assert str(error) in str(raised.value)


def test_errors_before_a_shard_are_refusals_unless_they_may_pass() -> None:
    assert refuses(mc.InvalidInput("there is no such file"))
    assert refuses(mc.errors.MissingExtra("no torch"))
    assert not refuses(OSError("no answer"))
    assert not refuses(RuntimeError("device busy"))


def test_a_worker_whose_images_have_other_pixels_is_refused(spec: RunSpec, tmp_path: Path) -> None:
    out = tmp_path / "out"
    run_spec(spec, out)
    (out / "shards" / "00001.parquet").unlink()
    with np.load(spec.data) as data:
        images, labels = data["images"], data["labels"]
    images[29] += 1  # neither the example of run.json nor one of the missing shard
    images[28] += 1
    np.savez(spec.data, images=images, labels=labels)
    with pytest.raises(mc.InvalidInput, match="the pixels of 1 of 7 images differ, first those of image 28"):
        launch(spec, out)


def test_witnesses_are_some_rows_of_shards_that_are_there(spec: RunSpec, tmp_path: Path) -> None:
    out, small = tmp_path / "out", changed(spec, shard_size=1)
    run_spec(small, out)
    ledger = Ledger(out, worker(small).plan)
    (out / "shards" / "00000.parquet").unlink()
    pixels = witnesses(ledger, "")
    assert 8 <= len(pixels) <= 16
    assert 0 not in pixels
    by_number = dict(enumerate(rows(out), 1))
    assert all(by_number[number].pixels == digest for number, digest in pixels.items())


def test_a_process_keeps_one_worker_from_call_to_call(spec: RunSpec) -> None:
    launch = Launch(spec.document(), "first")
    first = worker_of(launch)
    assert worker_of(Launch(spec.document(), "first")) is first
    assert worker_of(changed(launch, plan=first.plan.document())) is first
    assert worker_of(Launch(changed(spec, shard_size=5).document(), "first")) is not first
    assert len(module._workers()) == 1


def test_several_shards_at_once_are_those_that_are_made_one_by_one(spec: RunSpec, tmp_path: Path) -> None:
    run_spec(spec, tmp_path / "out")
    folder = Folder(tmp_path / "out")
    order = Order(folder.existing(), folder.masks(folder.existing())).document()
    made = dict(AskShards(Launch(spec.document()), {"": order})([5, 0, 7, 3]))
    assert made.keys() == {5, 0, 7, 3}
    for number in (5, 0, 7, 3):
        shard = made[number]
        kept = folder.shard(number, folder.existing())
        assert kept is not None
        assert shard.rows == kept.rows
        assert shard.seconds > 0
        shard.expect_made_for(number, folder.existing())


def test_before_each_shard_the_classifier_is_found_unchanged(spec: RunSpec, monkeypatch: pytest.MonkeyPatch) -> None:
    part, looks = worker(spec).part(), list[int]()
    monkeypatch.setattr(PreparedRun, "expect_unchanged", lambda _: looks.append(1))
    given = [len(looks) for _ in part.make_all([0, 1, 2])]
    assert all(count > place for place, count in enumerate(given)), given


def test_shards_are_given_as_soon_as_they_are_made(spec: RunSpec) -> None:
    part = worker(spec).part()
    counts: list[int] = []
    order = [(number, len(counts)) for number, _ in part.make_all([0, 1, 2, 3], lambda _: counts.append(1))]
    assert sorted(number for number, _ in order) == [0, 1, 2, 3]
    assert order[0][1] < 16, "the first was given before the last row was decided"


@pytest.mark.parametrize("changes", [{"regions": "squares(size=1)"}, {"min_margin": 0.25}, {"shard_size": 16}])
def test_a_finished_run_of_another_description_is_refused(
    spec: RunSpec, tmp_path: Path, changes: dict[str, Any]
) -> None:
    run_spec(spec, tmp_path / "out")
    with pytest.raises(mc.InvalidInput):
        launch(changed(spec, **changes), tmp_path / "out")


def test_a_finished_run_of_another_model_is_refused(
    spec: RunSpec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_spec(spec, tmp_path / "out")
    monkeypatch.setenv("PATIENT_WEIGHTS", "others")
    with pytest.raises(mc.InvalidInput, match=r"sha256:\w+ before, sha256:\w+ now"):
        launch(spec, tmp_path / "out")


def test_a_later_launch_loads_the_model_again(spec: RunSpec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    launch(spec, tmp_path / "out")
    monkeypatch.setenv("PATIENT_WEIGHTS", "others")
    launch(spec, tmp_path / "later")
    texts = [str(dict(Folder(tmp_path / name).existing().fingerprint.entries)) for name in ("out", "later")]
    assert ["others" in text for text in texts] == [False, True]


def test_a_size_is_not_added_to_a_run_of_another_model(
    spec: RunSpec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, out = photos(spec, tmp_path), tmp_path / "out"
    launch(source, out)
    for size in ("8x9", "8x10"):
        shutil.rmtree(out / size)
    monkeypatch.setenv("PATIENT_WEIGHTS", "others")
    for shard in (out / "8x8" / "shards").iterdir():
        shard.unlink()  # the first size has an order and no shard
    with pytest.raises(mc.InvalidInput, match="the model's weights changed"):
        launch(source, out)
    assert not (out / "8x9" / "run.json").exists()


def test_workers_keep_the_frame_of_the_folder(spec: RunSpec, tmp_path: Path) -> None:
    """A sample of a larger data set is gone on with from a folder that holds just these images."""
    source, out = photos(spec, tmp_path), tmp_path / "out"
    sample = changed(source, sample=5, seed=1)
    run_spec(sample, out, shard=(0, 7))
    shutil.rmtree(out / "8x9")
    ids = {row.id for row in rows_of_all(sample, tmp_path / "whole")}
    for path in Path(source.data).rglob("*.png"):
        if str(path.relative_to(source.data)) not in ids:
            path.unlink()
    launch(source, out)
    assert summary(out).rows == 5


def rows_of_all(spec: RunSpec, out: Path) -> list[Any]:
    """The rows of all sizes of a run that is made now."""
    run_spec(spec, out)
    return [row for folder in sorted(out.iterdir()) if folder.is_dir() for row in rows(folder)]


def test_a_launcher_that_leaves_shards_out_did_not_finish(spec: RunSpec, tmp_path: Path) -> None:
    class Half:
        def launch(self, spec: RunSpec, out: Path, progress: bool) -> None:
            run_spec(spec, out, shard=(0, 2), progress=progress)

    with pytest.raises(mc.RunStopped, match="the launcher ended with 16 of 30 images"):
        run_spec(spec, tmp_path / "out", launcher=Half())
