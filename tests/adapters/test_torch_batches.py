"""The ways to compute: measured by a clock of the test's own, ranked so that noise decides nothing, and kept."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from maskcover_torch import TorchClassifier, batches
from maskcover_torch.batches import Rate, fastest_first, ranked
from maskcover_torch.identity import weights_digest
from torch import nn

from maskcover import certify, cover, defend, run, squares
from maskcover.classifiers import NumericContract
from maskcover.runs import Folder, replay
from tests.networks import Convolution

MASKS = cover(squares(size=2), image_size=6, grid=(2, 2))
IMAGE = torch.zeros((2, 6, 6))
IMAGES = torch.randint(0, 4, (6, 2, 6, 6), generator=torch.Generator().manual_seed(0)).float()
LABELS = [0, 1, 2, 0, 1, 2]
Way = tuple[int, str, int]
OF_THE_MACHINE = batches._threads


class Exact(nn.Module):
    """A convolution and sums of small whole numbers, which are the same in whatever order they are added.

    `seconds` are what a way takes, by a clock that only it moves.
    """

    clock: ClassVar = [0.0]
    speeds: ClassVar[dict[int, Callable[[Way], float]]] = {}  # beside the models: no setting of theirs

    def __init__(self, seconds: Callable[[Way], float] = lambda _: 0.0) -> None:
        super().__init__()
        chance = torch.Generator().manual_seed(1)
        self.conv = Convolution(2, 4, 3, stride=2, padding=1, bias=False)
        self.head = nn.Linear(36, 3, bias=False)
        for layer in (self.conv, self.head):
            layer.weight.data = torch.randint(-2, 3, layer.weight.shape, generator=chance).float()
        self.speeds[id(self)] = seconds
        self.ways: list[Way] = []

    def __deepcopy__(self, memo: dict[int, Any]) -> Exact:
        twin = Exact(self.speeds[id(self)])
        twin.load_state_dict(self.state_dict())
        twin.ways = self.ways  # what is seen of the copy is seen
        return twin.eval()

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Scores (n, 3)."""
        last = images.is_contiguous(memory_format=torch.channels_last)
        way = (len(images), "channels_last" if last else "contiguous", torch.get_num_threads())
        self.ways.append(way)
        self.clock[0] += self.speeds[id(self)](way)
        scores: torch.Tensor = self.head(self.conv(images).relu().flatten(1))
        return scores


@pytest.fixture(autouse=True)
def own_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test here depends on how fast the machine is, or on its number of threads."""
    monkeypatch.setattr("maskcover_torch.batches.time.perf_counter", lambda: Exact.clock[0])
    monkeypatch.setattr("maskcover_torch.batches._threads", lambda contract, _: [contract.threads or 2, 1])
    monkeypatch.setattr(Exact, "clock", [0.0])


def ways(contracts: list[NumericContract]) -> list[Way]:
    return [(one.batch_size or 0, str(one.memory_format), one.threads or 0) for one in contracts]


def found(seconds: Callable[[Way], float], contract: NumericContract | None = None, most: int = 1024) -> list[Way]:
    model = Exact(seconds).eval()
    told = ways(fastest_first(model, contract or NumericContract(), IMAGE, most))
    tried = [way for way in told if way in model.ways]
    assert told == tried + [way for way in told if way[0] in (1, 2, 8, 16, 32) and way not in tried]
    return tried


ALL = [
    (4, "channels_last", 2),
    (4, "channels_last", 1),
    (4, "contiguous", 2),
    (4, "contiguous", 1),
    (16, "channels_last", 2),
    (1, "channels_last", 2),
]


def test_what_a_clock_cannot_tell_apart_has_a_fixed_order() -> None:
    noise = iter([1.0, 1.19, 0.99, 1.1, 1.01, 1.15, 1.0, 1.19] * 4)
    assert found(lambda way: way[0] * next(noise) * 1e-3) == ALL


@pytest.mark.parametrize("fast", ALL, ids=str)
def test_what_is_clearly_faster_comes_first(fast: Way) -> None:
    assert found(lambda way: way[0] * (1e-3 if way == fast else 1.3e-3))[0] == fast


def test_sizes_are_measured_in_the_format_and_with_the_threads_that_are_fastest() -> None:
    last = found(lambda way: way[0] * (2e-3 if way[1] == "contiguous" or way[2] == 2 else 1e-3))
    assert last[:3] == [(4, "channels_last", 1), (16, "channels_last", 1), (1, "channels_last", 1)]


def test_channels_last_is_the_format_unless_the_other_one_is_clearly_faster() -> None:
    for factor, layout in ((1.0, "channels_last"), (1.19, "channels_last"), (1.25, "contiguous")):
        first = found(lambda way, factor=factor: way[0] * 1e-3 * (factor if way[1] == "channels_last" else 1.0))[0]  # type: ignore[misc]  # a default binds the factor
        assert first[1] == layout, factor
    assert found(lambda _: 1e-3, NumericContract(memory_format="contiguous"))[0][1] == "contiguous"


def test_for_a_few_images_small_batches_are_measured_alone() -> None:
    for most in (2, 3):
        tried = found(lambda way: way[0] * 1e-3, most=most)
        assert tried == [(size, *way[1:]) for way in ALL[:4] for size in [2]] + [(1, "channels_last", 2)]


def test_a_way_that_is_far_slower_is_run_once_only() -> None:
    model = Exact(lambda way: way[0] * (5e-3 if way[2] == 1 else 1e-3)).eval()
    fastest_first(model, NumericContract(), IMAGE, 4)
    warm_up = 1
    assert model.ways.count((4, "channels_last", 2)) == 2 + warm_up
    assert model.ways.count((4, "contiguous", 2)) == 2
    assert model.ways.count((4, "channels_last", 1)) == model.ways.count((4, "contiguous", 1)) == 1


@given(st.lists(st.floats(1, 1e4), min_size=1, max_size=6))
def test_the_order_is_of_falling_rates_but_for_ties(rates: list[float]) -> None:
    told = [NumericContract(batch_size=size) for size in range(1, len(rates) + 1)]
    rate = dict(zip(told, rates, strict=True))
    order = ranked([Rate(contract, rows) for contract, rows in rate.items()])
    assert sorted(map(told.index, order)) == list(range(len(told)))
    for place, contract in enumerate(order):
        assert all(rate[contract] * 1.2 >= rate[later] * (1 - 1e-9) for later in order[place:])
    if max(rates) <= 1.2 * min(rates):
        assert order == told


@pytest.mark.parametrize("most", [4, 15, 16])
def test_no_batch_is_larger_than_its_probes_are_worth(most: int) -> None:
    assert {size for size, _, _ in found(lambda _: 1e-3, most=most)} == ({1, 4, 16} if most == 16 else {1, 4})


def test_where_no_size_that_is_measured_holds_to_the_bit_others_are_tried() -> None:
    told = ways(fastest_first(Exact().eval(), NumericContract(), IMAGE, 4))
    assert [size for size, _, _ in told] == [4, 4, 4, 4, 1, 2, 8, 16, 32]


def test_what_was_named_is_kept() -> None:
    told = found(lambda _: 1e-3, NumericContract(memory_format="channels_last", threads=1))
    assert {way[1:] for way in told} == {("channels_last", 1)}
    assert TorchClassifier(Exact().eval(), batch_size=3).choices(MASKS, IMAGE, 1024) == []


def test_there_is_no_time_without_end() -> None:
    model = Exact(lambda _: 2.0).eval()
    told = ways(fastest_first(model, NumericContract(), IMAGE, 1024))
    assert len(model.ways) == 3  # once before the clock starts
    assert [size for size, _, _ in told] == [4, 4, 16, 1, 2, 8, 32]


def test_a_slow_first_pass_takes_no_time_from_the_measurement() -> None:
    slow = iter([60.0])
    told = found(lambda way: next(slow, way[0] * (1e-3 if way[1] == "contiguous" else 2e-3)))
    assert told[0] == (4, "contiguous", 2)


@pytest.mark.parametrize("full", [torch.OutOfMemoryError("CUDA out of memory"), MemoryError(), RuntimeError("memory")])
def test_batches_that_do_not_fit_are_left_out(full: Exception) -> None:
    def seconds(way: Way) -> float:
        if way[0] == 16 or way[1] == "channels_last":
            raise full
        return 1e-3

    model = Exact(seconds).eval()
    told = ways(fastest_first(model, NumericContract(), IMAGE, 1024))
    assert told[:3] == [(4, "contiguous", 2), (4, "contiguous", 1), (1, "contiguous", 2)]
    assert model.ways.count((16, "contiguous", 2)) == 1


@pytest.mark.parametrize("error", [RuntimeError("a bug"), ValueError("a bug")])
def test_an_error_that_is_not_about_memory_is_not_taken_for_a_full_one(error: Exception) -> None:
    def seconds(way: Way) -> float:
        if way[0] == 16:
            raise error
        return 1e-3

    with pytest.raises(type(error), match="a bug"):
        found(seconds)


def test_another_format_is_tried_on_a_copy_and_a_model_without_one_has_its_own() -> None:
    class Single(Exact):
        def __deepcopy__(self, memo: dict[int, Any]) -> Exact:
            raise TypeError("cannot be copied")

    model = Exact().eval()
    before = weights_digest(model), model.conv.weight.stride()
    fastest_first(model, NumericContract(), IMAGE, 16)
    assert (weights_digest(model), model.conv.weight.stride()) == before
    assert {layout for _, layout, _ in ways(fastest_first(Single().eval(), NumericContract(), IMAGE, 16))} == {
        "contiguous"
    }


def quick(way: Way) -> Callable[[Way], float]:
    return lambda tried: tried[0] * (1e-3 if tried[1:] == way[1:] else 1e-1)


FASTEST = [(2, "channels_last", 1), (2, "contiguous", 1), (2, "channels_last", 2)]


@pytest.mark.parametrize("way", FASTEST, ids=str)
def test_what_was_chosen_is_what_serves(way: Way) -> None:
    model, threads = Exact(quick(way)).eval(), torch.get_num_threads()
    stride = model.conv.weight.stride()
    result = certify(model, IMAGES, LABELS, MASKS)
    told = dict(result.fingerprint.entries)
    chosen = (int(told["batch_size"]), told["memory_format"], int(told["flag.threads"]))
    assert chosen == (2, *way[1:])
    model.ways.clear()
    # Whatever the process has by now.
    for now in (1, 2):
        torch.set_num_threads(now)
        defended = defend(model, result)
        assert defended.fingerprint == result.fingerprint
        assert [one.label for one in defended.decisions(IMAGES)] == result.defended.tolist()
        assert torch.get_num_threads() == now
    torch.set_num_threads(threads)
    assert set(model.ways) == {chosen}
    assert model.conv.weight.stride() == stride


def test_a_run_goes_on_and_is_replayed_in_the_way_that_was_chosen_first(tmp_path: Path) -> None:
    run(Exact(quick((2, "channels_last", 1))).eval(), IMAGES, LABELS, MASKS, tmp_path, shard=(0, 2), shard_size=2)
    config = Folder(tmp_path).existing()
    model = Exact(quick((2, "contiguous", 2))).eval()  # now another one is faster
    run(model, IMAGES, LABELS, MASKS, tmp_path, shard=(1, 2), shard_size=2)
    assert Folder(tmp_path).existing().document == config.document
    assert set(model.ways) == {(2, "channels_last", 1)}
    assert replay(tmp_path, copy.deepcopy(model), IMAGES, LABELS).differences == ()
    assert set(model.ways) == {(2, "channels_last", 1)}


def test_a_number_of_threads_that_somebody_named_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("maskcover_torch.batches._threads", OF_THE_MACHINE)
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    named: dict[str, Mapping[str, str]] = {"the environment": {"OMP_NUM_THREADS": "2"}, "nobody": {}}
    counts = {}
    for who, environment in named.items():
        monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        told = fastest_first(Exact().eval(), NumericContract(), IMAGE, 4)
        counts[who] = {one.threads for one in told}
    torch.set_num_threads(before)
    assert counts == {"the environment": {2}, "nobody": {1, 2}}
