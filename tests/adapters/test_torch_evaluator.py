"""What happens on the device is what the core would do: masks, answers, images."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from maskcover_torch import DefendedModule, TorchClassifier
from maskcover_torch.evaluator import TorchEvaluator, _fetched, _packed, on_host
from torch import nn

from maskcover import MaskSet, certify
from maskcover.classifiers import Answers, NumericContract
from maskcover.errors import ProbeFailed
from tests.defense.naive import BoolArray
from tests.networks import eighths, whole

DTYPES = (torch.float32, torch.float64, torch.bfloat16, torch.float16)
HEIGHT, WIDTH = 5, 7


pytestmark = pytest.mark.usefixtures("one_thread")


def hard_scores(dtype: torch.dtype, seed: int) -> torch.Tensor:
    """Rows of ordinary, tied, huge, tiny, infinite and missing scores."""
    generator = torch.Generator().manual_seed(seed)
    classes = int(torch.randint(2, 40, (1,), generator=generator))
    scores = torch.randn((400, classes), generator=generator).double()
    scores[40:80] = scores[40:80].round()
    scores[80:120] *= torch.finfo(dtype).max / 4
    scores[120:160] *= torch.finfo(dtype).tiny
    odd = torch.tensor([torch.nan, torch.inf, -torch.inf, 0.0, -0.0, 1.0], dtype=torch.float64)
    scores[160:240] = odd[torch.randint(0, 6, (80, classes), generator=generator)]
    scores[240:280, 0] = scores[240:280].amax(dim=1)
    return scores.to(dtype)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("seed", range(4))
def test_answers_on_the_device_are_those_of_the_core(dtype: torch.dtype, seed: int) -> None:
    scores = hard_scores(dtype, seed)
    least = (0.0, 0.5, 3.0)[seed % 3]
    found = _fetched(_packed(scores, least))
    expected = Answers.of(on_host(scores) if dtype != torch.float64 else scores.numpy(), least)
    assert found.labels.dtype == np.int64
    assert found.labels.tolist() == expected.labels.tolist()
    assert found.margins.tobytes() == expected.margins.tobytes()
    assert np.array_equal(np.isnan(found.confidences), np.isnan(expected.confidences))
    # exp is the processor's own: the last places may differ, from torch to numpy but never from row to row.
    assert np.allclose(found.confidences, expected.confidences, rtol=1e-14, atol=0, equal_nan=True)
    assert len({*found.labels.tolist()}) > 2
    assert (found.labels == -1).any()


@given(st.sampled_from(DTYPES), st.integers(2, 70), st.integers(1, 40), st.integers(0, 10**6))
def test_answers_of_a_row_do_not_depend_on_its_place(dtype: torch.dtype, classes: int, rows: int, seed: int) -> None:
    """Detection compares confidences with a threshold: they too must be functions of the row alone."""
    generator = torch.Generator().manual_seed(seed)
    scores = (4 * torch.randn((rows, classes), generator=generator)).to(dtype)
    order = torch.randperm(rows, generator=generator)
    straight, moved = _packed(scores), _packed(scores[order])
    assert torch.equal(straight[:, order], moved)
    hostile = torch.full_like(scores, torch.nan)
    hostile[rows // 2] = scores[rows // 2]
    assert torch.equal(_packed(hostile)[:, rows // 2], straight[:, rows // 2])


class Means(nn.Module):
    """Two scores that see every pixel, and what was given."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(whole(2, HEIGHT * WIDTH, most=3))
        self.given: list[torch.Tensor] = []

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Scores (n, 2), each row summed by itself."""
        self.given.append(images.clone())
        return (eighths(images).flatten(1)[:, None, :] * self.weight).sum(dim=2)


def evaluating(masks: MaskSet, batch_size: int) -> tuple[Means, TorchEvaluator]:
    model = Means().eval()
    return model, TorchClassifier(model, fill=-3.0, batch_size=batch_size).evaluator(masks)


@st.composite
def bitmaps(draw: st.DrawFn) -> BoolArray:
    """Some masks, of a box or two or of any pixels, none of more than half of the image."""
    made = []
    for _ in range(draw(st.integers(1, 4))):
        hidden = np.zeros((HEIGHT, WIDTH), np.bool_)
        if draw(st.booleans()):
            row, column = draw(st.integers(0, HEIGHT - 1)), draw(st.integers(0, WIDTH - 1))
            hidden[row : row + draw(st.integers(1, 3)), column : column + draw(st.integers(1, 3))] = True
        else:
            rng = np.random.default_rng(draw(st.integers(0, 10**6)))
            hidden = rng.random((HEIGHT, WIDTH)) < draw(st.sampled_from([0.1, 0.3]))
        assume(hidden.any() and hidden.mean() < 0.5)
        made.append(hidden)
    return np.array(made)


@given(bitmaps(), st.data())
def test_masks_drawn_on_the_device_are_the_unions_of_the_bitmaps(array: BoolArray, data: st.DataObject) -> None:
    masks = MaskSet.from_array(array)
    number = st.integers(-1, len(masks) - 1)
    pairs = np.array(data.draw(st.lists(st.tuples(number, number), min_size=1, max_size=6)))
    model, asked = evaluating(masks, len(pairs))
    image = asked.load(whole(1, HEIGHT, WIDTH, seed=1))
    clean = asked.scores([image] * len(pairs), pairs)
    with_none = np.concatenate([np.asarray(masks), np.zeros((1, HEIGHT, WIDTH), np.bool_)])
    hidden = torch.from_numpy(with_none[pairs[:, 0]] | with_none[pairs[:, 1]])
    expected = torch.where(hidden, torch.tensor(-3.0), image[0])[:, None]
    assert torch.equal(model.given[-1], expected)
    # Threat 17: whatever was there is gone.
    for value in (torch.nan, torch.inf, -torch.inf, 3e38):
        spoilt = [torch.where(hide, torch.tensor(value), image) for hide in hidden]
        assert asked.scores(spoilt, pairs).tobytes() == clean.tobytes()


MASKS = MaskSet.from_boxes(
    [(0, 0, 3, 4), (0, 3, 3, 4), (2, 0, 3, 4), (2, 3, 3, 4)], image_size=(HEIGHT, WIDTH), regions="squares(size=1)"
)


def test_images_read_into_one_buffer_are_not_mixed_up() -> None:
    stored = whole(6, 1, HEIGHT, WIDTH, seed=3)

    class Reused:
        """A data set that reads every image into the same memory."""

        def __init__(self, buffer: Any) -> None:
            self.buffer = buffer

        def __len__(self) -> int:
            return len(stored)

        def __getitem__(self, number: int) -> Any:
            self.buffer[:] = stored[number] if isinstance(self.buffer, torch.Tensor) else stored[number].numpy()
            return self.buffer

    expected = certify(Means().eval(), stored, [0] * 6, MASKS, batch_size=16)
    for buffer in (torch.zeros((1, HEIGHT, WIDTH)), np.zeros((1, HEIGHT, WIDTH), np.float32)):
        found = certify(Means().eval(), Reused(buffer), [0] * 6, MASKS, batch_size=16)
        assert found.verdicts == expected.verdicts
    assert len(set(expected.undefended.tolist())) == 2


class Broken(Means):
    """Means that breaks what a certificate takes for granted, in one way."""

    seen: torch.Tensor

    def __init__(self, way: str) -> None:
        super().__init__()
        self.way, self.calls, self.kept = way, 0, None
        self.register_buffer("seen", torch.zeros(1))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        self.calls += 1
        scores = super().forward(images)
        match self.way:
            case "batch statistics":
                return scores - scores.mean(dim=0)
            case "dynamic quantisation":
                step = images.abs().max() / 127
                return super().forward((images / step).round() * step)
            case "random":
                return scores + 0.01 * torch.randn(scores.shape)
            case "counter":
                return scores * (1 + 0.01 * self.calls)
            case "buffer":
                self.seen += 1
                return scores
            case "one place":
                return scores * (1 + 1e-3 * (torch.arange(len(scores)) == 0))[:, None]
            case _:
                return scores


WAYS = {
    "batch statistics": "rows",
    "dynamic quantisation": "rows",
    "random": "",
    "counter": "",
    "buffer": "the model after some batches",
    "one place": "(rows at other places|one row repeated)",
}


@pytest.mark.parametrize(("way", "told"), WAYS.items(), ids=WAYS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_threats_20_21_22_28_modules_that_break_an_assumption_are_stopped(way: str, told: str, dtype: Any) -> None:
    images = whole(2, 1, HEIGHT, WIDTH, seed=5)
    contract = NumericContract(dtype=dtype, batch_size=4)  # float64 is computed on a copy: its state counts
    with pytest.raises(ProbeFailed, match=f"scored differently.*{told}"):
        certify(Broken(way).eval(), images, [0, 1], MASKS, contract=contract)
    assert certify(Broken("in no way").eval(), images, [0, 1], MASKS, contract=contract).numerics == "bitwise"


def test_a_defended_module_holds_what_computes() -> None:
    """In the precision of the contract, so that what is written into it reaches the predictions."""
    defended = DefendedModule(Means().eval(), MASKS, contract=NumericContract(dtype="float64"))
    assert {value.dtype for value in defended.parameters()} == {torch.float64}
