"""A run as one value: it goes through JSON, makes the same rows anywhere, and what differs from it is refused."""

from __future__ import annotations

import itertools
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import maskcover as mc
from maskcover import InvalidInput, RunSpec
from maskcover.runs import Folder, Shard, Source, run_spec, summary, worker
from maskcover.runs.ledger import Ledger
from maskcover.runs.orders import Order
from maskcover.runs.plans import Key, Plan
from maskcover.runs.working import Worker
from tests.runs.described import NAME, SIDE, put_images, sent, spec_of
from tests.runs.lookups import listing

MASKS = mc.cover(mc.squares(size=2), image_size=SIDE, grid=(3, 3))
FRAMES = ("input", "source")
# Masks of the second size, which is resized, are large.
pytestmark = pytest.mark.filterwarnings("ignore:mask .* hides more than half:maskcover.MaskcoverWarning")


@pytest.fixture(name="data", scope="module")
def make_data(tmp_path_factory: pytest.TempPathFactory) -> str:
    return put_images(tmp_path_factory.mktemp("data"))


def rows(out: Path) -> list[dict[str, Any]]:
    return list(mc.open_run(out).to_arrow().to_pylist())


EXAMPLES: tuple[dict[str, Any], ...] = (
    {},
    {"masks": MASKS.with_levels(mc.cover(mc.squares(size=2), image_size=SIDE, grid=(2, 2)))},
    {"options": ("a=1", "b=x"), "fill": 0.5, "batch_size": 16, "limit": 3, "device": "cpu", "tf32": True},
    {"procedure": "detection(threshold=0.5)", "min_margin": 0.25, "numerics": "margin", "frame": "source"},
    {"keep_tables": True, "shard_size": 7, "reuse": "RUN", "sample": 3, "seed": 4, "fill": "drop_tokens(16)"},
)


@pytest.mark.parametrize("changes", EXAMPLES)
def test_a_description_goes_through_json(changes: dict[str, Any]) -> None:
    spec = RunSpec(model="timm:resnet18", data="photos", **changes)
    again = RunSpec.of(sent(spec.document()))
    assert again == spec
    assert again.document() == spec.document()
    assert Source.of(sent(spec.source.document()), "RUN") == spec.source
    assert type(spec.source) is Source


def test_values_are_kept_as_their_texts() -> None:
    spec = RunSpec("m", "d", regions=mc.squares(size=2), procedure=mc.Voting())  # type: ignore[arg-type]  # allowed
    assert (spec.regions, spec.procedure) == ("squares(size=2)", str(mc.Voting()))
    assert RunSpec("m", "d", procedure="intervals()").pixels == "range"
    assert RunSpec("m", "d").pixels is None


@pytest.mark.parametrize("name", sorted(field.name for field in fields(RunSpec)))
def test_a_description_with_another_type_is_refused_by_name(name: str) -> None:
    document = spec_of("data").document()
    with pytest.raises(InvalidInput, match=name):
        RunSpec.of(document | {name: {"x": 1}})
    with pytest.raises(InvalidInput):
        RunSpec.of(document | {f"{name}_": 1})


@pytest.mark.parametrize("odd", [None, [], {}, {"model": "m", "data": "d"}, "spec"])
def test_what_is_no_description_is_refused(odd: Any) -> None:
    with pytest.raises(InvalidInput, match="is no description of a run"):
        RunSpec.of(odd)


def test_objects_are_refused_in_a_description() -> None:
    with pytest.raises(InvalidInput, match=r'needs model as a text, such as "timm:resnet18".*got a function'):
        RunSpec(model=bright_object, data="photos")  # type: ignore[arg-type]  # that is the point
    with pytest.raises(InvalidInput, match=r'--frame is "input" or "source"; got .p.'):
        RunSpec(model="m", data="d", frame="p")


def bright_object(images: Any) -> Any:
    """A model that is no text."""
    return images


@pytest.mark.parametrize("frame", FRAMES)
def test_the_loop_over_missing_make_and_write_is_the_run(frame: str, data: str, tmp_path: Path) -> None:
    spec = spec_of(data, frame=frame)
    run_spec(spec, tmp_path / "alone")
    work = mc.open_run(spec, tmp_path / "looped")
    keys = work.missing()
    assert keys == ((0, 1, 2, 3, 4) if frame == "input" else tuple(SIZED))
    for key in reversed(keys):
        before = listing(tmp_path / "looped")
        shard = work.make(key)
        assert {name for name in listing(tmp_path / "looped").keys() - before.keys() if "parquet" in name} == set()
        work.write(key, shard)
        assert key not in work.missing()
    assert work.missing() == ()
    assert rows(tmp_path / "looped") == rows(tmp_path / "alone")
    assert summary(tmp_path / "looped").certified > 0


SIZED: list[Key] = [("12x12", 0), ("12x12", 1), ("12x12", 2), ("12x12", 3), ("13x12", 0), ("13x12", 1)]


def shared(spec: RunSpec, out: Path, worker_of: Any = worker) -> None:
    """A run by a driver without the model, and a worker without the folder for each shard; all they share is JSON."""
    first: Worker = worker_of(spec)
    ledger, like = Ledger.start(out, Plan.of(sent(first.plan.document()))), None
    for key in ledger.missing():
        size = "" if isinstance(key, int) else key[0]
        order = ledger.order(size) or ledger.agree(Order.of(sent(worker_of(spec).order(size, like))), size)
        document = sent(order.document())
        like = document if like is None else like
        other: Worker = worker_of(spec, plan=sent(ledger.plan.document()))
        ledger.write(key, other.make(key, document))
    ledger.tidy()


@pytest.mark.parametrize("frame", FRAMES)
def test_workers_without_the_folder_make_the_same_run(frame: str, data: str, tmp_path: Path) -> None:
    spec = spec_of(data, frame=frame)
    run_spec(spec, tmp_path / "alone")
    shared(spec, tmp_path / "shared")
    assert rows(tmp_path / "shared") == rows(tmp_path / "alone")
    alone, together = listing(tmp_path / "alone"), listing(tmp_path / "shared")
    assert together.keys() == alone.keys()
    assert {name for name in alone if alone[name] != together[name]} <= {name for name in alone if "parquet" in name}


@pytest.mark.parametrize("frame", FRAMES)
def test_a_worker_with_other_weights_is_refused_with_both_fingerprints(frame: str, data: str, tmp_path: Path) -> None:
    spec = spec_of(data, frame=frame)
    size = "" if frame == "input" else "12x12"
    order = worker(spec).order(size)
    changed = worker(replace(spec, model=f"{NAME}:other"))
    with pytest.raises(InvalidInput, match="the model's weights changed") as refused:
        changed.make(0 if frame == "input" else (size, 0), order)
    theirs = changed.part(size).order.config.fingerprint.digest
    for digest in (Order.of(order).config.fingerprint.digest, theirs):
        assert digest in str(refused.value)
    assert not listing(tmp_path)


def test_settings_of_the_first_size_hold_for_the_others(data: str) -> None:
    first = worker(spec_of(data, model=f"{NAME}:three", frame="source")).order("12x12")
    other = worker(spec_of(data, model=f"{NAME}:free", frame="source")).order("13x12", like=first)
    assert first["config"]["batch_size"] == other["config"]["batch_size"] == 3


def test_a_worker_with_other_options_or_images_is_refused(data: str, tmp_path: Path) -> None:
    spec = spec_of(data)
    order, plan = worker(spec).order(), worker(spec).plan.document()
    changes: dict[str, Any]
    for changes in ({"procedure": "challenger_masking()"}, {"regions": "squares(size=1)"}, {"keep_tables": True}):
        with pytest.raises(InvalidInput, match="another configuration"):
            worker(replace(spec, **changes)).make(0, order)
    with pytest.raises(InvalidInput, match=r"the run has 10 images in shards of 2, this process 8 in shards of 2"):
        worker(replace(spec, limit=8), plan=plan)
    elsewhere = put_images(tmp_path / "data", 10)
    Path(elsewhere, "0", "0.png").write_bytes(Path(elsewhere, "1", "1.png").read_bytes())
    with pytest.raises(InvalidInput, match="other images"):
        worker(replace(spec, data=elsewhere)).make(0, order)


def test_an_order_that_was_edited_is_refused(data: str) -> None:
    order = worker(spec_of(data)).order()
    other = worker(spec_of(data, masks=MASKS)).order()
    edited = order["config"] | {"margin": "0.5"}
    for odd in (order | {"config": edited}, {}, order | {"config": {}}, order | {"masks": "{"}):
        with pytest.raises(InvalidInput, match="the order of a run cannot be read"):
            Order.of(odd)
    with pytest.raises(InvalidInput, match="other masks than its configuration"):
        Order.of(order | {"masks": other["masks"]})
    assert Order.of(sent(order)).document() == order


def test_a_shard_of_another_run_or_number_is_not_written(data: str, tmp_path: Path) -> None:
    spec = spec_of(data)
    work = mc.open_run(spec, tmp_path / "run")
    shard = work.make(1)
    with pytest.raises(InvalidInput, match="shard 0 of the run was made as number 1"):
        work.write(0, shard)
    stranger = mc.open_run(replace(spec, regions="squares(size=1)"), tmp_path / "other").make(1)
    with pytest.raises(InvalidInput, match="of a run with the digest sha256"):
        work.write(1, stranger)
    with pytest.raises(InvalidInput, match="shard 1 has 2 rows; got 1"):
        work.write(1, Shard(shard.rows[:1], 0.0))
    assert work.missing() == (0, 1, 2, 3, 4)
    work.write(1, shard)
    before = listing(tmp_path / "run")
    work.write(1, replace(work.make(1), seconds=99.0))
    assert listing(tmp_path / "run") == before, "a shard that is there stays"
    with pytest.raises(InvalidInput, match="the shards 0 to 4; got 5"):
        work.make(5)


def test_nobody_writes_before_the_run_is_started(data: str, tmp_path: Path) -> None:
    first = worker(spec_of(data))
    with pytest.raises(InvalidInput, match="holds no run yet"):
        Ledger.start(tmp_path, first.plan).write(0, first.make(0))


def test_orders_of_two_that_start_at_once_are_settled_by_who_is_first(data: str, tmp_path: Path) -> None:
    first, second = (Order.of(worker(spec_of(data, batch_size=None, **more)).order()) for more in ({}, {"limit": 4}))
    ledger = Ledger.start(tmp_path, Plan({"": 10}, 2))
    assert ledger.agree(first).config.digest == first.config.digest
    assert ledger.agree(second).config.digest == first.config.digest
    assert ledger.order() is not None
    assert Folder(tmp_path).existing().digest == first.config.digest


def test_frames_do_not_share_a_folder(data: str, tmp_path: Path) -> None:
    for frame, other in (FRAMES, FRAMES[::-1]):
        mc.open_run(spec_of(data, frame=frame), tmp_path / frame)
        with pytest.raises(InvalidInput, match="holds a run in the frame of"):
            mc.open_run(spec_of(data, frame=other), tmp_path / frame)


def test_the_parts_of_a_plan_are_its_shards_and_small_sizes_do_not_all_go_to_the_first() -> None:
    for count, step in itertools.product(range(12), range(1, 6)):
        plan = Plan({"2x2": count, "2x3": 5, "3x3": 1}, 2)
        parts = [plan.keys((first, step)) for first in range(step)]
        assert sorted(key for part in parts for key in part) == sorted(plan.keys())
        assert len(plan.keys()) == -(-count // 2) + 3 + 1
        assert sum(map(plan.images, plan.keys())) == count + 5 + 1
    plan = Plan(dict.fromkeys("abc", 1), 64)
    assert [plan.keys((first, 3)) for first in range(3)] == [(("a", 0),), (("b", 0),), (("c", 0),)]


def test_a_part_of_the_work(data: str, tmp_path: Path) -> None:
    for frame in FRAMES:
        parts = [mc.open_run(spec_of(data, frame=frame), tmp_path / frame, shard=(n, 3)).missing() for n in range(3)]
        together = mc.open_run(spec_of(data, frame=frame), tmp_path / frame).missing()
        assert sorted(map(str, together)) == sorted(str(key) for part in parts for key in part)
        assert all(parts)
    with pytest.raises(InvalidInput, match="shard must be"):
        mc.open_run(spec_of(data), tmp_path / "input", shard=(3, 3))


def test_what_open_run_needs(data: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="name the folder of the run as well"):
        mc.open_run(spec_of(data))  # type: ignore[call-overload]  # that is the point
    with pytest.raises(InvalidInput, match="only a RunSpec takes a second folder"):
        mc.open_run(tmp_path, tmp_path)  # type: ignore[call-overload]  # that is the point
    with pytest.raises(InvalidInput, match="name the masks with --masks FILE, or the regions"):
        mc.open_run(replace(spec_of(data), regions=None), tmp_path)
    with pytest.raises(InvalidInput, match="--frame source needs the regions"):
        mc.open_run(replace(spec_of(data), regions=None, masks=MASKS, frame="source"), tmp_path)


class Recorder:
    """A launcher that makes everything itself, and remembers what it was asked for."""

    def __init__(self) -> None:
        self.calls: list[tuple[RunSpec, Path, bool]] = []

    def launch(self, spec: RunSpec, out: Path, progress: bool) -> None:
        """See `maskcover.runs.Launcher`."""
        self.calls.append((spec, out, progress))
        run_spec(spec, out)


def test_run_takes_texts_and_a_launcher(data: str, tmp_path: Path) -> None:
    launcher = Recorder()
    options: dict[str, Any] = {"regions": mc.squares(size=2), "shard_size": 2, "limit": 6, "rule": "all-pairs"}
    launched = mc.run(f"{NAME}:bright", data, None, None, tmp_path / "a", launcher=launcher, **options)
    assert launched.rows == launched.total == 6
    assert launcher.calls == [
        (spec_of(data, limit=6, procedure="double_masking(rule='all-pairs')"), tmp_path / "a", False)
    ]
    here = mc.run(f"{NAME}:bright", data, None, None, tmp_path / "b", **options)
    assert here.certified == launched.certified
    assert rows(tmp_path / "a") == rows(tmp_path / "b")
    mc.run(f"{NAME}:bright", data, None, None, tmp_path / "c", launcher=launcher, frame="source", **options)
    assert (launcher.calls[1][0].masks, launcher.calls[1][0].frame) == (None, "source")
    mc.run(f"{NAME}:bright", data, None, MASKS, tmp_path / "d", launcher=launcher, progress=True, limit=2)
    assert (launcher.calls[2][0].masks, launcher.calls[2][2]) == (MASKS, True)


def test_numbers_become_the_texts_of_the_command_line(data: str, tmp_path: Path) -> None:
    launcher = Recorder()
    mc.run(
        f"{NAME}:bright", data, None, None, tmp_path, launcher=launcher, regions="squares(size=2)", input_size=SIDE,
        mean=0.0, std=(1.0, 1.0, 1.0),
    )  # fmt: skip
    spec = launcher.calls[0][0]
    assert (spec.input_size, spec.mean, spec.std, spec.options) == ("12", "0.0", "1.0,1.0,1.0", ())


def _refusals() -> dict[str, tuple[dict[str, Any], str]]:
    images = np.zeros((2, SIDE, SIDE, 3))
    return {
        "a model": ({"model": bright_object}, r'model="timm:resnet18"; .*package\.module:name.* got a function'),
        "images": ({"images": images}, r'images="photos/"; save images .* as \.npz; got a ndarray for images'),
        "labels": ({"labels": [0, 1]}, "labels is the path of a CSV file"),
        "ids": ({"ids": ["a"]}, "ids= and source= follow from them; leave them out"),
        "source": ({"source": {"x": 1}}, "ids= and source= follow from them; leave them out"),
        "an option": ({"prompts": object()}, "prompts is a text, a number or a list of these; got a object"),
        "a field": ({"limit": "many"}, "names an odd limit"),
        "a part": ({"shard": (0, 2)}, r"a launcher hands out all shards; leave shard \(--shard\) out"),
        "no launcher": ({"launcher": 3}, r"launcher is an object such as mc\.Ray\(workers=2\), or None; got 3"),
    }


@pytest.mark.parametrize(("changes", "message"), _refusals().values(), ids=_refusals())
def test_what_a_launcher_cannot_send_is_refused(
    changes: dict[str, Any], message: str, data: str, tmp_path: Path
) -> None:
    call = {"model": f"{NAME}:bright", "images": data, "labels": None, "masks": MASKS, "launcher": Recorder()}
    with pytest.raises(InvalidInput, match=message):
        mc.run(**(call | {"out": tmp_path} | changes))
    assert not listing(tmp_path)


def test_objects_need_masks_and_labels(tmp_path: Path) -> None:
    images = np.zeros((2, SIDE, SIDE))
    for labels, masks in ((None, MASKS), ([0, 0], None)):
        with pytest.raises(InvalidInput, match="images need labels=, and masks="):
            mc.run(bright_object, images, labels, masks, tmp_path)
    assert not listing(tmp_path)


def test_the_task_of_a_description_is_one_that_runs_exist_for() -> None:
    assert RunSpec.of(sent(RunSpec("m", "d", task="answers").document())).task == "answers"
    assert RunSpec("m", "d").task is None
    with pytest.raises(InvalidInput, match="task must be one of labels, answers, multilabel"):
        RunSpec("m", "d", task="label")
    assert RunSpec("m", "d", task="multilabel").defence().procedure.name == "multi_label"
