"""The numeric contract: flags pinned inside every pass and put back, copies, digests, fresh processes."""

from __future__ import annotations

import copy
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
import torch
from maskcover_torch import TorchClassifier
from maskcover_torch.identity import weights_digest
from maskcover_torch.numerics import flags
from torch import nn

from maskcover import InvalidInput, certify, cover, defend, predict, squares
from maskcover.classifiers import NumericContract
from tests.networks import Convolution, exact, whole

MASKS = cover(squares(size=2), image_size=6, grid=(2, 2))
IMAGES = whole(4, 2, 6, 6)
CPU = torch.device("cpu")


pytestmark = pytest.mark.usefixtures("one_thread")


class Net(nn.Module):
    """A small exact net that does what a test wants before it computes."""

    def __init__(self, at_call: Callable[[torch.Tensor], object] = lambda _: None) -> None:
        super().__init__()
        self.conv, self.head = Convolution(2, 4, 3, stride=2, padding=1), nn.Linear(36, 3)
        exact(self)
        self.at_call = at_call

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Scores (n, 3)."""
        self.at_call(images)
        scores: torch.Tensor = self.head(self.conv(images).relu().flatten(1))
        return scores


def reading(seen: list[dict[str, str]]) -> Net:
    return Net(lambda _: seen.append(flags(CPU) | {"inference": str(torch.is_inference_mode_enabled())})).eval()


@pytest.fixture
def restored() -> Iterator[None]:
    """Puts back the flags that a test sets."""
    backends = torch.backends
    before = torch.get_float32_matmul_precision(), backends.cudnn.allow_tf32, backends.cudnn.benchmark
    yield
    torch.set_float32_matmul_precision(before[0])
    backends.cudnn.allow_tf32, backends.cudnn.benchmark = before[1:]
    torch.use_deterministic_algorithms(False)
    backends.cudnn.deterministic = False


def loosen() -> None:
    """Every flag as a careless user may have it."""
    torch.set_float32_matmul_precision("medium")
    torch.backends.cudnn.allow_tf32 = torch.backends.cudnn.benchmark = True
    torch.use_deterministic_algorithms(True, warn_only=True)


@pytest.mark.usefixtures("restored")
@pytest.mark.parametrize("tf32", [False, True])
def test_threat_23_flags_are_pinned_inside_every_pass_and_put_back(tf32: bool) -> None:
    loosen()
    outside, seen = flags(CPU), list[dict[str, str]]()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        certify(reading(seen), IMAGES, [0] * 4, MASKS, contract=NumericContract(tf32=tf32))
    assert flags(CPU) == outside
    assert torch.is_deterministic_algorithms_warn_only_enabled()
    assert not torch.is_inference_mode_enabled()
    for one in seen:
        assert one["flag.autotune"] == one["flag.autocast"] == "False"
        assert one["flag.deterministic"] == one["inference"] == "True"
        assert one["flag.tf32.convolution"] == str(tf32)
        assert one["flag.matmul_precision"] == ("high" if tf32 else "highest")
    assert seen


NEWER = pytest.mark.skipif(not hasattr(torch.backends, "fp32_precision"), reason="torch before 2.9")


@NEWER
def test_threat_23_precisions_in_the_words_of_newer_torch_are_pinned_too() -> None:
    # In a process of its own: torch does not wholly go back from these words to its older ones.
    code = """
import torch
from operator import attrgetter
from maskcover_torch.numerics import flags, pinned
from maskcover.classifiers import NumericContract
cpu = torch.device("cpu")
for place in ("mkldnn.matmul", "mkldnn.conv", "cuda.matmul", "cudnn.conv"):
    keeper = attrgetter(place)(torch.backends)
    keeper.fp32_precision = "tf32"
    outside = flags(cpu)
    with pinned(NumericContract(), cpu):
        assert keeper.fp32_precision == "ieee"
        assert flags(cpu)["flag.float32." + place] == "ieee"
    assert keeper.fp32_precision == "tf32"
    assert flags(cpu) == outside, (flags(cpu), outside)
"""
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True, timeout=120)


def test_threads_that_serve_side_by_side_do_not_undo_each_others_flags() -> None:
    """Without a lock, one thread's end would take the flags from under another one's batch."""
    outside, defended = flags(CPU), defend(Net(lambda _: time.sleep(1e-4)).eval(), MASKS, batch_size=2)
    expected = defended(IMAGES)
    with ThreadPoolExecutor(4) as pool:
        served = list(pool.map(lambda _: defended(IMAGES), range(12)))
    assert all(torch.equal(one, expected) for one in served)
    assert flags(CPU) == outside


@pytest.mark.usefixtures("restored")
def test_flags_are_put_back_after_an_exception() -> None:
    loosen()
    outside, count = flags(CPU), [0]

    def fail(_: torch.Tensor) -> None:
        count[0] += 1
        if count[0] > 20:
            raise RuntimeError("at some call")

    with pytest.raises(RuntimeError, match="at some call"):
        certify(Net(fail).eval(), IMAGES, [0] * 4, MASKS, batch_size=2)
    assert flags(CPU) == outside
    assert not torch.is_inference_mode_enabled()


MKLDNN: Any = torch.backends.mkldnn  # it has no types


@pytest.mark.usefixtures("restored")
@pytest.mark.filterwarnings("ignore:TF32 acceleration")  # torch, of another kind of machine
@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda: MKLDNN.set_flags(not MKLDNN.enabled), "mkldnn from"),
        (lambda: torch.set_num_threads(7), r"threads from \d to 7"),
        (lambda: setattr(torch.backends.cudnn, "benchmark", True), "autotune from False to True"),
        (lambda: torch.use_deterministic_algorithms(False), "deterministic from True to False"),
        (lambda: torch.set_float32_matmul_precision("medium"), "matmul_precision from highest to medium"),
        (lambda: torch.backends.cuda.enable_math_sdp(False), "attention from"),
    ],
)
def test_threat_23_flags_changed_during_a_run_stop_it(change: Callable[[], object], named: str) -> None:
    calls = [0]

    def at_call(_: torch.Tensor) -> None:
        calls[0] += 1
        if calls[0] == 50:
            change()

    backends: Any = torch.backends  # parts of it have no types
    attention, mkldnn = backends.cuda.math_sdp_enabled(), backends.mkldnn.enabled
    threads = torch.get_num_threads()
    try:
        with pytest.raises(InvalidInput, match=f"numeric flags changed during the run: .*{named}"):
            certify(Net(at_call).eval(), IMAGES, [0] * 4, MASKS, batch_size=2)
        assert calls[0] == 50
    finally:
        torch.set_num_threads(threads)
        torch.backends.cuda.enable_math_sdp(attention)
        backends.mkldnn.set_flags(mkldnn)


@pytest.mark.parametrize(
    ("contract", "dtype", "last"),
    [
        (NumericContract(dtype="bfloat16"), torch.bfloat16, False),
        (NumericContract(dtype="float64", memory_format="channels_last"), torch.float64, True),
        (NumericContract(memory_format="channels_last"), torch.float32, True),
        (NumericContract(memory_format="contiguous"), torch.float32, False),
    ],
)
def test_a_contract_is_kept_on_a_copy_and_the_users_model_is_untouched(
    contract: NumericContract, dtype: torch.dtype, last: bool
) -> None:
    given: list[tuple[torch.dtype, bool]] = []
    model = Net(lambda images: given.append((images.dtype, images.is_contiguous(memory_format=torch.channels_last))))
    before, strides = weights_digest(model.eval()), model.conv.weight.stride()
    certify(model, IMAGES, [0] * 4, MASKS, contract=replace(contract, batch_size=1))
    assert set(given) == {(dtype, last)}
    assert (weights_digest(model), model.conv.weight.dtype, model.conv.weight.stride()) == (
        before,
        torch.float32,
        strides,
    )


@pytest.mark.slow
@pytest.mark.skipif(not any(map(shutil.which, ("g++", "clang++", "cl"))), reason="torch.compile needs a C++ compiler")
def test_a_compiled_model_gives_the_same_labels() -> None:
    model = Net().eval()
    plain = predict(model, IMAGES, MASKS)
    compiled = predict(model, IMAGES, MASKS, contract=NumericContract(compiled=True, batch_size=8))
    assert [one.label for one in compiled] == [one.label for one in plain]


def test_a_compiled_model_is_compiled_for_the_batch_size_that_was_settled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Compiling for each size tried would pass torch's limit, after which it quietly does not compile."""
    shapes: list[int] = []

    def recorded(model: nn.Module, **_: Any) -> nn.Module:
        class Recorded(nn.Module):
            def forward(self, images: torch.Tensor) -> Any:
                shapes.append(len(images))
                return model(images)

        return Recorded().eval()

    monkeypatch.setattr(torch, "compile", recorded)
    contract = NumericContract(compiled=True)
    result = certify(Net().eval(), IMAGES, [0] * 4, MASKS, contract=contract)
    assert set(shapes) == {result.start.evaluator.batch_size}


def test_few_shapes_are_compiled_whatever_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    contracts = [NumericContract(compiled=True, batch_size=size) for size in (4, 16, 1, 2, 8, 32)]
    monkeypatch.setattr("maskcover_torch.classifier.fastest_first", lambda *_: contracts)
    choices = TorchClassifier(Net().eval(), contract=NumericContract(compiled=True)).choices(MASKS, IMAGES[0], 16)
    assert [one.batch_size for one in choices] == [4, 16, 1]


def weighed() -> nn.Module:
    model = nn.Sequential(nn.Conv2d(2, 4, 3), nn.BatchNorm2d(4), nn.Linear(2, 2, dtype=torch.float64))
    model.register_buffer("unsaved", torch.arange(6.0), persistent=False)
    return model


def nudge(tensor: torch.Tensor) -> None:
    with torch.no_grad():
        tensor.reshape(-1)[-1] += 1


def test_the_digest_is_that_of_every_parameter_and_buffer() -> None:
    model = weighed()
    digests = {weights_digest(model)}
    assert weights_digest(copy.deepcopy(model)) in digests
    names = [*dict(model.named_parameters()), *dict(model.named_buffers())]
    for name in names:
        twin = copy.deepcopy(model)
        nudge({**dict(twin.named_parameters()), **dict(twin.named_buffers())}[name])
        digests.add(weights_digest(twin))
    for change in (
        lambda one: one[2].float(),
        lambda one: setattr(one, "unsaved", one.unsaved.reshape(2, 3)),
        lambda one: setattr(one, "unsaved", one.unsaved.int()),
        lambda one: one.add_module("3", one[2]),
        lambda one: one.register_buffer("another", torch.zeros(0)),
    ):
        twin = copy.deepcopy(model)
        change(twin)
        digests.add(weights_digest(twin))
    assert len(digests) == 1 + len(names) + 5
    assert len(names) == 2 + 5 + 2 + 1


def test_the_digest_sees_what_a_model_does_not_save() -> None:
    class Secretive(nn.Linear):
        def state_dict(self, *_: Any, **__: Any) -> dict[str, Any]:  # type: ignore[override]  # a filter, as of adapters
            return {}

    model = Secretive(2, 2)
    before = weights_digest(model)
    nudge(model.weight)
    assert weights_digest(model) != before


@pytest.mark.filterwarnings("ignore")  # torch moves its quantisation elsewhere, and says so
def test_the_digest_sees_packed_and_sparse_weights_however_large() -> None:
    quantise: Any = torch.ao.quantization.quantize_dynamic

    def quantised(model: nn.Module) -> Any:
        return quantise(copy.deepcopy(model), dtype=torch.qint8)

    class Sparse(nn.Module):
        def __init__(self, dense: torch.Tensor) -> None:
            super().__init__()
            self.register_buffer("weight", dense.to_sparse())

    linear = nn.Linear(64, 64)
    model = nn.Sequential(linear)
    first = weights_digest(quantised(model))
    assert weights_digest(quantised(model)) == first
    with torch.no_grad():
        linear.weight[32, 32] = -linear.weight[32, 32] - 0.02
    second = weights_digest(quantised(model))
    with torch.no_grad():
        linear.weight *= 2  # the same whole numbers, on another scale
    assert len({first, second, weights_digest(quantised(model))}) == 3
    dense = torch.arange(1.0, 5001.0)
    one = weights_digest(Sparse(dense))
    nudge(dense[:2500])
    assert weights_digest(Sparse(dense)) != one


SCORING = """
import numpy as np, torch, sys
from maskcover import cover, squares
from maskcover_torch import TorchClassifier
from torch import nn
torch.manual_seed(3)
model = nn.Sequential(nn.Conv2d(2, 8, 3), nn.ReLU(), nn.Flatten(), nn.Linear(128, 5)).eval()
images = list(torch.randn((7, 2, 6, 6)))
masks = cover(squares(size=2), image_size=6, grid=(2, 2))
asked = TorchClassifier(model, batch_size=7).evaluator(masks)
scores = asked.scores([asked.load(one) for one in images], np.array([[k % 4, (k + 1) % 4] for k in range(7)]))
print(scores.tobytes().hex(), sorted(asked.identity().items()))
"""


def test_threat_22_fresh_processes_give_the_same_bits() -> None:
    told = [
        subprocess.run([sys.executable, "-c", SCORING], check=True, capture_output=True, text=True, timeout=120).stdout
        for _ in range(2)
    ]
    assert told[0] == told[1]
    assert len(told[0]) > 7 * 5 * 8


def test_a_module_asked_alone_or_by_the_engine_gives_the_same_bits() -> None:
    import numpy as np

    classifier = TorchClassifier(Net().eval(), fill=0.5, batch_size=4)
    asked = classifier.evaluator(MASKS)
    pairs = np.array([[0, 1], [2, 2], [-1, -1], [3, 0]])
    bitmaps = np.concatenate([np.asarray(MASKS), np.zeros((1, 6, 6), np.bool_)])
    hidden = bitmaps[pairs[:, 0]] | bitmaps[pairs[:, 1]]
    on_device = asked.scores([asked.load(image) for image in IMAGES], pairs)
    assert classifier.scores(list(IMAGES), hidden).tobytes() == on_device.tobytes()
