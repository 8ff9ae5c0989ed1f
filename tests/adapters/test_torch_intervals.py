"""Interval bounds against exact rationals, every order of summation, and every image of small worlds."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from fractions import Fraction
from itertools import permutations, product
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from maskcover_torch import TorchClassifier, intervals
from maskcover_torch.interval_bounds import LIMIT, Box
from maskcover_torch.interval_network import Network, network_of
from torch import nn

import maskcover as mc
from maskcover import MaskedClassifier
from maskcover.classifiers import evaluator_of, top_labels
from maskcover.classifiers.evaluation import CERTAIN_LABELS
from maskcover.errors import InvalidInput
from maskcover.testing import ClassifierContract

Exact = npt.NDArray[Any]
"""An array of `Fraction`."""
SIDE = 4
ZERO: Any = Fraction(0)


def exactly(values: torch.Tensor) -> Exact:
    """Floats as the rationals that they are."""
    array = values.detach().double().numpy()
    return np.array([Fraction(value) for value in array.ravel().tolist()], dtype=object).reshape(array.shape)


class Residual(nn.Module):
    """A sum of an input and of its convolution, after a normalisation by constants, and a mean over the places."""

    mean: torch.Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor([0.25, 0.5]).reshape(1, 2, 1, 1))
        self.convolution = nn.Conv2d(2, 2, 3, padding=1, bias=False)
        self.head = nn.Linear(2, 3)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        shown = 2 - (images - self.mean) / 3
        out = self.convolution(shown)
        out += shown
        scores: torch.Tensor = self.head(torch.relu(out).mean((2, 3)))
        return scores


def networks() -> list[nn.Module]:
    """Small networks with every known part."""
    torch.manual_seed(0)
    batch = nn.BatchNorm2d(4, eps=0.0)
    batch.running_mean = torch.tensor([0.1, -0.2, 0.3, 0.0])
    batch.running_var = torch.tensor([4.0, 0.25, 1.0, 16.0])  # with rational roots
    with torch.no_grad():
        batch.weight.copy_(torch.tensor([0.3, -1.7, 2.0, 1e-3]))
        batch.bias.copy_(torch.tensor([0.7, 0.1, -0.4, 0.0]))
    first = nn.Sequential(
        nn.Conv2d(2, 4, 3, padding=1), batch, nn.ReLU(inplace=True), nn.MaxPool2d(2), nn.Dropout(), nn.Flatten(),
        nn.Linear(16, 5), nn.ReLU(), nn.Linear(5, 3),
    )  # fmt: skip
    second = nn.Sequential(
        nn.Conv2d(2, 4, 3, stride=2, padding=2, dilation=2, groups=2), nn.Identity(), nn.ReLU(),
        nn.AvgPool2d(2, padding=1), nn.Conv2d(4, 3, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
    )  # fmt: skip
    return [first.eval(), second.eval(), Residual().eval(), nn.Sequential(nn.Flatten(), nn.Linear(32, 2)).eval()]


def convolved(layer: nn.Conv2d, image: Exact) -> Exact:
    """A convolution of one image (channels, height, width) by its definition."""
    pad, step, apart = layer.padding[0], layer.stride[0], layer.dilation[0]
    assert isinstance(pad, int)
    weight, side = exactly(layer.weight), layer.kernel_size[0]
    bias = exactly(layer.bias) if layer.bias is not None else np.array([ZERO] * layer.out_channels)
    padded = np.pad(image, ((0, 0), (pad, pad), (pad, pad)), constant_values=ZERO)
    places = (padded.shape[1] - apart * (side - 1) - 1) // step + 1
    each, inputs = layer.out_channels // layer.groups, layer.in_channels // layer.groups
    out = np.empty((layer.out_channels, places, places), dtype=object)
    for channel, row, column in np.ndindex(out.shape):
        low = channel // each * inputs
        rows, columns = (slice(at * step, at * step + apart * (side - 1) + 1, apart) for at in (row, column))
        window = padded[low : low + inputs, rows, columns]
        out[channel, row, column] = (weight[channel] * window).sum() + bias[channel]
    return out


def windows(image: Exact, side: int, pad: int) -> Exact:
    """Windows side by side, (channels, height, width, side²)."""
    padded = np.pad(image, ((0, 0), (pad, pad), (pad, pad)), constant_values=ZERO)
    places = (padded.shape[1] - side) // side + 1
    return np.array([
        [[padded[c, side * i : side * i + side, side * j : side * j + side].ravel() for j in range(places)]
         for i in range(places)] for c in range(len(padded))
    ], dtype=object)  # fmt: skip


def layer_exactly(layer: nn.Module, image: Exact) -> Exact:
    """One layer in rationals, by its definition."""
    if isinstance(layer, nn.Conv2d):
        return convolved(layer, image)
    if isinstance(layer, nn.BatchNorm2d):
        assert layer.running_mean is not None
        assert layer.running_var is not None
        root = exactly(layer.running_var.sqrt())
        mean, scale, bias = (
            values.reshape(-1, 1, 1)
            for values in (exactly(layer.running_mean), exactly(layer.weight) / root, exactly(layer.bias))
        )
        return np.asarray((image - mean) * scale + bias)
    if isinstance(layer, nn.Linear):
        return np.asarray(exactly(layer.weight) @ image + exactly(layer.bias))
    if isinstance(layer, nn.ReLU):
        return np.asarray(np.where(image > 0, image, ZERO))
    if isinstance(layer, nn.MaxPool2d):
        return np.asarray(windows(image, 2, 0).max(axis=3))
    if isinstance(layer, nn.AvgPool2d):
        return np.asarray(windows(image, 2, 1).sum(axis=3) / 4)
    if isinstance(layer, nn.AdaptiveAvgPool2d):
        return np.asarray(image.sum(axis=(1, 2), keepdims=True) / (image.shape[1] * image.shape[2]))
    return image.ravel() if isinstance(layer, nn.Flatten) else image


def scores_exactly(model: nn.Module, image: Exact) -> Exact:
    """The scores of a network in rationals."""
    if isinstance(model, Residual):
        shown = 2 - (image - exactly(model.mean)[0]) / 3
        out = layer_exactly(nn.ReLU(), np.asarray(convolved(model.convolution, shown) + shown))
        return layer_exactly(model.head, np.asarray(out.sum(axis=(1, 2)) / Fraction(SIDE * SIDE)))
    for layer in model.children():
        image = layer_exactly(layer, image)
    return image


def boxes(seed: int, *, width: float = 0.5) -> Box:
    """Boxes of four images: of one point, of a few pixels, and whole."""
    chance = torch.Generator().manual_seed(seed)
    low = torch.rand(4, 2, SIDE, SIDE, generator=chance, dtype=torch.float64)
    wide = torch.rand(low.shape, generator=chance, dtype=torch.float64) * width
    wide[0] = 0.0
    wide[1, :, 1:] = 0.0
    return Box(low, low + wide)


def points(box: Box, row: int, count: int) -> list[torch.Tensor]:
    """Images of a box: random ones inside, and corners."""
    chance = torch.Generator().manual_seed(row)
    low, high = box.lower[row], box.upper[row]
    inside = [low + (high - low) * torch.rand(low.shape, generator=chance, dtype=torch.float64) for _ in range(count)]
    corners = [torch.where(torch.rand(low.shape, generator=chance) < 0.5, low, high) for _ in range(count)]
    return [low, high, *(torch.minimum(torch.maximum(image, low), high) for image in inside), *corners]


@pytest.mark.parametrize("model", networks(), ids=["classic", "convolutional", "residual", "linear"])
def test_exact_and_computed_scores_lie_within_the_bounds(model: nn.Module) -> None:
    """The exact rational scores, those of the steps, and those of torch's own kernels; and the bounds are not empty."""
    network = network_of(model)
    double = copy.deepcopy(model).double()
    box = boxes(seed=1)
    bounds = network.boxes(box)[network.output]
    low, high = exactly(bounds.lower), exactly(bounds.upper)
    for row in range(len(box.lower)):
        for image in points(box, row, 3):
            scores = scores_exactly(model, exactly(image))
            assert (low[row] <= scores).all()
            assert (scores <= high[row]).all()
            for computed in (network.scores(image[None])[0], double(image[None])[0].detach()):
                assert (bounds.lower[row] <= computed).all()
                assert (computed <= bounds.upper[row]).all()
    assert float((bounds.upper - bounds.lower)[0].max()) < 1e-12
    assert float((bounds.upper - bounds.lower)[3].min()) > 1e-3


@pytest.mark.parametrize("model", networks(), ids=["classic", "convolutional", "residual", "linear"])
@pytest.mark.parametrize("seed", range(3))
def test_a_gap_is_above_all_differences_of_scores(model: nn.Module, seed: int) -> None:
    """Of exact and of computed scores; so a gap below 0 is a certain order. Some gaps are below 0."""
    network, box = network_of(model), boxes(seed, width=0.05)
    gaps = network.gaps(box)
    for row, image in ((number, point) for number in range(4) for point in points(box, number, 3)):
        [best] = (gaps[row] == 0).nonzero()[:, 0].tolist()
        exact_scores, computed = scores_exactly(model, exactly(image)), network.scores(image[None])[0]
        for label in range(len(exact_scores)):
            gap = Fraction(gaps[row, label].item())
            assert exact_scores[label] - exact_scores[best] <= gap
            assert Fraction(computed[label].item()) - Fraction(computed[best].item()) <= gap
    assert bool((gaps[0] < 0).sum() == gaps.shape[1] - 1)


def test_every_order_of_a_sum_lies_within_the_bounds() -> None:
    """Numbers that cancel: the order decides the result, and the bounds hold all of them."""
    layer = nn.Linear(5, 2).double()
    numbers = [1e16, 1.0, -1e16, 3.0, 0.1]
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([numbers, [0.0] * 5]))
        layer.bias.copy_(torch.tensor([0.3, 1.0]))
    network = network_of(nn.Sequential(nn.Flatten(), layer).eval())
    ones = torch.ones(1, 5, 1, 1, dtype=torch.float64)
    bounds = network.boxes(Box(ones, ones))[network.output]
    sums = {0.3}
    for order in permutations([*numbers, 0.3]):
        total = 0.0
        for number in order:
            total += number
        sums.add(total)
    assert len(sums) > 5
    assert bounds.lower[0, 0] <= min(sums)
    assert max(sums) <= bounds.upper[0, 0]
    # Exactly 4.4 > 1, but an order of summation gives less than 1: the label is not certain.
    assert min(sums) < 1
    assert not bool((network.gaps(Box(ones, ones)) < 0).any())


def test_what_overflows_or_is_not_a_number_has_no_certain_label() -> None:
    """Beyond the limit a bound is NaN, and stays NaN behind ReLU, pooling and zero weights."""
    model = nn.Sequential(nn.Conv2d(1, 1, 1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(4, 2)).eval()
    with torch.no_grad():
        model[0].weight.fill_(1.0)  # type: ignore[operator]  # a convolution
        model[4].weight.fill_(0.0)  # type: ignore[operator]
        model[4].bias.copy_(torch.tensor([1.0, 0.0]))  # type: ignore[operator]
    network = network_of(model)
    image = torch.zeros(1, 1, 4, 4, dtype=torch.float64)
    assert network.gaps(Box(image, image + 1)).tolist()[0][1] < -0.9
    for wide in (2 * LIMIT, torch.inf, torch.nan):
        gaps = network.gaps(Box(image, torch.full_like(image, wide)))
        assert bool(gaps.isnan()[0, 1])


class Net(nn.Module):
    """A small network that sees patches of 2×2 and is sure of itself; with `broken` its scores are NaN."""

    def __init__(self, broken: bool = False) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(1, 2, 2, stride=2)
        self.head = nn.Linear(2 * 9, 3)
        chance = torch.Generator().manual_seed(5)
        with torch.no_grad():
            for weights in self.parameters():
                weights.copy_(torch.randint(-8, 9, weights.shape, generator=chance) / 8)
        self.factor = float("nan") if broken else 1.0

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        scores: torch.Tensor = self.head(torch.relu(self.convolution(images)).flatten(1))
        return scores


class TestContract(ClassifierContract):
    """Bounds are a function of the visible pixels, row by row, as any masked prediction."""

    classes, image_size = 3, (6, 6)

    @pytest.fixture
    def classifier(self) -> MaskedClassifier:
        return intervals(Net().eval(), batch_size=4)

    @pytest.fixture
    def images(self) -> Sequence[Any]:
        random = np.random.default_rng(1)
        return list(random.integers(0, 2, (3, 1, 6, 6)) / 1.0)

    @pytest.fixture
    def broken(self) -> MaskedClassifier:
        class NoNumbers(type(intervals(Net().eval()))):  # type: ignore[misc]  # a class of its own kind
            def scores(self, images: Any, _: Any) -> Any:
                return np.full((len(images), 3), np.nan)

        return NoNumbers(Net().eval(), batch_size=4)


def test_certain_labels_are_those_of_every_image() -> None:
    """All contents of zeros and ones of the hidden cells, and a thousand of values between."""
    model = Net().eval()
    classifier = intervals(model, batch_size=1)
    random = np.random.default_rng(0)
    certain = 0
    for trial in range(40):
        image = random.random((1, 6, 6))
        hidden = np.zeros((1, 6, 6), dtype=np.bool_)
        top, left = random.integers(0, 5, 2)
        hidden[0, top : top + 2, left : left + 2] = True
        [label] = top_labels(classifier.scores([image], hidden))
        if label < 0:
            continue
        certain += 1
        contents = [*product((0.0, 1.0), repeat=4), *random.random((200, 4)).tolist()]
        for content in contents:
            changed = image.copy()
            changed[hidden] = content
            nothing = np.zeros_like(hidden)
            assert top_labels(classifier.scores([changed], nothing)).tolist() == [label], trial
    assert certain > 5


def test_images_outside_the_pixel_interval_are_refused_and_never_certified() -> None:
    """When they are loaded; in probes, which write into images that are loaded, such rows have no label."""
    classifier = intervals(Net().eval(), batch_size=1)
    image = np.full((1, 6, 6), 0.5)
    assert classifier.loaded(torch.from_numpy(image).float(), (6, 6)).dtype == np.float64
    for value in (-1e-9, 1 + 1e-9, np.nan, np.inf):
        wrong = image.copy()
        wrong[0, 2, 3] = value
        with pytest.raises(InvalidInput, match="outside the pixel interval"):
            classifier.loaded(wrong, (6, 6))
        hidden = np.zeros((1, 6, 6), dtype=np.bool_)
        assert np.isnan(classifier.scores([wrong], hidden)).all()
        hidden[0, 0, 0] = True
        assert np.isnan(classifier.scores([wrong], hidden)).all()
        hidden[0, 2, 3] = True
        assert np.isfinite(classifier.scores([wrong], hidden)).all()
    with pytest.raises(InvalidInput, match=r"floats of shape \(channels, 6, 6\)"):
        classifier.loaded(np.zeros((1, 6, 6), np.uint8), (6, 6))


def test_the_interval_may_differ_between_channels() -> None:
    """Two tuples of one number for each channel; the wider one is less certain."""
    model = nn.Sequential(nn.Flatten(), nn.Linear(2, 2, bias=False)).eval()
    with torch.no_grad():
        model[1].weight.copy_(torch.tensor([[1.0, 1.0], [0.0, 0.0]]))  # type: ignore[operator]
    image, hidden = np.full((2, 1, 1), 1.0), np.ones((1, 1, 1), dtype=np.bool_)
    scores = [
        intervals(model, pixels, batch_size=1).scores([image], hidden)[0].round(6).tolist()
        for pixels in ((1, 2), ((1, 0.5), (2, 2)), ((1, -1), (2, 2)))
    ]
    assert scores == [[0.0, -2.0], [0.0, -1.5], [0.0, 0.0]]
    with pytest.raises(InvalidInput, match="2 values for channels; the images have 1"):
        intervals(model, ((0, 0), (1, 1))).loaded(np.zeros((1, 2, 1)), (2, 1))
    for wrong in ((1, 0), (0, 0), (0, np.inf), 3, "01", ((0, 0), (1, 1, 1)), (0, 1, 2)):
        with pytest.raises(InvalidInput, match="pixels must be"):
            intervals(model, wrong)  # type: ignore[arg-type]


class Reused(nn.Module):
    """An operation in place changes an input that is used again."""

    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Linear(4, 2)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        flat = torch.flatten(images, 1) - 0.5
        scores: torch.Tensor = self.head(torch.nn.functional.relu(flat, inplace=True) + flat)
        return scores


class Decides(nn.Module):
    """A forward that depends on the image."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return images.flatten(1) if images.sum() > 0 else -images.flatten(1)


class Odd(nn.Linear):
    """A linear layer of a class of its own, which may compute anything."""


def hooked() -> nn.Module:
    """A network with a hook."""
    model = nn.Sequential(nn.Flatten(), nn.Linear(4, 2))
    model[1].register_forward_hook(lambda *_: None)
    return model


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (nn.Sequential(nn.Flatten(), nn.Linear(4, 2), nn.Softmax(1)), r"2 \(Softmax\)"),
        (nn.Sequential(nn.Flatten(), Odd(4, 2)), r"1 \(Odd\)|linear"),
        (nn.Sequential(nn.Conv2d(1, 2, 3, padding=1, padding_mode="reflect"), nn.Flatten()), "padding_mode='reflect'"),
        (nn.Sequential(nn.BatchNorm2d(1, track_running_stats=False), nn.Flatten()), "without running statistics"),
        (nn.Sequential(nn.Flatten(0), nn.Linear(4, 2)), "start_dim=0"),
        (nn.Sequential(nn.MaxPool2d(2, return_indices=True)), "return_indices"),
        (Decides(), "cannot trace Decides"),
        (hooked(), "1 has forward hooks"),
        (nn.Identity(), "one tensor of scores"),
    ],
)
def test_a_part_without_bounds_is_refused_by_name(model: nn.Module, message: str) -> None:
    """Nothing is guessed."""
    with pytest.raises(InvalidInput, match=message):
        intervals(model.eval())


def test_a_network_that_torch_fx_misreads_is_refused() -> None:
    """Work in place is refused as such; and at the first image the steps and the module must agree."""
    with pytest.raises(InvalidInput, match="works in place"):
        intervals(Reused().eval())
    with pytest.raises(InvalidInput, match="other scores than the network"):
        intervals(Counting().eval()).loaded(np.ones((1, 2, 2)), (2, 2))


class Counting(nn.Module):
    """Multiplies by the number of calls, of which a trace sees the first."""

    calls = 0

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        self.calls += 1
        return torch.flatten(images, 1) * self.calls


class Rows(nn.Module):
    """A sum with a constant that differs between the rows of a batch of two."""

    constant: torch.Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("constant", torch.tensor([[0.0, 0.0], [1.0, 2.0]]))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return torch.flatten(images, 1) + self.constant


class Joined(nn.Module):
    """A mean over the rows of a batch."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return torch.flatten(images, 1).mean((-1, -2), keepdim=True) + torch.flatten(images, 1)


class Crossed(nn.Module):
    """A sum of four axes with two, which broadcasts the rows of one along the height of the other."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return torch.flatten(images + torch.flatten(images, 1), 1)


@pytest.mark.parametrize("model", [Rows(), Joined(), Crossed()])
def test_rows_of_a_batch_are_never_mixed(model: nn.Module) -> None:
    """The other rows may hold the patch."""
    with pytest.raises(InvalidInput, match=r"each row|row of its own|mix rows"):
        intervals(model.eval()).loaded(np.full((1, 2, 1), 0.5), (2, 1))


def test_a_network_in_training_mode_and_weights_that_are_not_numbers_are_refused() -> None:
    """As everywhere."""
    with pytest.raises(InvalidInput, match="training mode"):
        intervals(Net().train())
    model = Net().eval()
    with torch.no_grad():
        model.head.weight[0, 0] = torch.inf
    with pytest.raises(InvalidInput, match="not finite"):
        intervals(model)
    with pytest.raises(InvalidInput, match=r"expected a torch\.nn\.Module"):
        intervals(3)  # type: ignore[arg-type]


def test_the_network_is_a_copy() -> None:
    """Weights that change later change nothing."""
    model = Net().eval()
    classifier = intervals(model, batch_size=1)
    image, hidden = np.full((1, 6, 6), 0.5), np.zeros((1, 6, 6), dtype=np.bool_)
    before = classifier.scores([image], hidden)
    with torch.no_grad():
        model.head.bias.add_(1)
    assert np.array_equal(before, classifier.scores([image], hidden))
    assert classifier.identity["weights"] != intervals(model).identity["weights"]


def test_certify_defend_and_run_again_with_an_option(tmp_path: Any) -> None:
    """`pixels=` makes the classifier; what was certified is what is served."""
    torch.manual_seed(0)
    model = Net().eval()
    masks = mc.cover("squares(size=1)", image_size=6, grid=(3, 3))
    masks = masks + mc.placement_masks("squares(size=1)", image_size=6)
    images = [torch.rand(1, 6, 6) for _ in range(12)]
    labels = np.array([int(model(image[None]).argmax()) for image in images])
    result = mc.certify(model, images, labels, masks, procedure="intervals()", pixels=(0, 1))
    assert 0 < result.certified.sum() <= 12
    assert CERTAIN_LABELS in dict(result.fingerprint.entries)
    assert mc.defend(model, result)(images) == labels.tolist()
    assert [answer.label for answer in mc.predict(model, images, result)] == labels.tolist()
    with pytest.raises(InvalidInput, match=r"needs certain labels.*--pixels"):
        mc.certify(model, images, labels, masks, procedure="intervals()")
    out = tmp_path / "run"
    summary = mc.run(model, images, labels, masks, out, procedure="intervals()", pixels=(0, 1))
    assert summary.certified == result.certified.sum()
    assert mc.open_run(out).certified("squares(size=1)").tolist() == result.certified.tolist()
    assert mc.replay(out, model, images, labels, pixels=(0, 1))
    for number in np.flatnonzero(result.certified):
        for row, column, value in product(range(6), range(6), (0.0, 1.0)):
            attacked = images[number].clone()
            attacked[0, row, column] = value
            assert int(model.double()(attacked[None].double()).argmax()) == labels[number]
        model.float()


def test_a_torch_classifier_can_be_bounded_unless_it_computes_in_another_way() -> None:
    """Its batch size and class names stay."""
    bounded = TorchClassifier(Net().eval(), batch_size=3, class_names=("a", "b", "c")).bounded((0.0, 1.0))
    assert (bounded.batch_size, bounded.class_names) == (3, ("a", "b", "c"))
    assert bounded.of_batch_size(2).batch_size == 2
    masks = mc.cover("squares(size=1)", image_size=6, grid=(2, 2))
    assert CERTAIN_LABELS in evaluator_of(bounded, masks).identity()
    for other in (
        TorchClassifier(Net().eval(), fill=0.5),
        TorchClassifier(Net().eval(), contract=mc.NumericContract("float16")),
    ):
        with pytest.raises(InvalidInput, match="leave fill, dtype"):
            other.bounded((0.0, 1.0))


def test_networks_are_walked_part_by_part() -> None:
    """Every intermediate value has bounds too."""
    network: Network = network_of(networks()[0])
    box = boxes(seed=4)
    every = network.boxes(box)
    values = {network.image: box.lower}
    for part in network.parts:
        values[part.name] = part.step.value(*(values[name] for name in part.sources))
        assert (every[part.name].lower <= values[part.name]).all()
        assert (values[part.name] <= every[part.name].upper).all()
    assert len(network.parts) == 8


@pytest.mark.parametrize("divisor", [-4, 0])
def test_an_average_that_falls_is_refused(divisor: int) -> None:
    """Divided by a negative number an average is no longer monotone."""
    pooling = nn.AvgPool2d(2)
    pooling.divisor_override = divisor
    model = nn.Sequential(pooling, nn.Flatten(), nn.Linear(4, 2)).eval()
    with pytest.raises(InvalidInput, match="divisor_override"):
        intervals(model)


class InPlace(nn.Module):
    """Works in place on a result that it uses again."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.first, self.last, self.kind = nn.Linear(4, 4), nn.Linear(4, 2), kind
        self.eval()

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        hidden = self.first(torch.flatten(images, 1))
        if self.kind == "dropped":
            nn.functional.relu(hidden, inplace=True)
            return self.last(hidden)  # type: ignore[no-any-return]  # a tensor
        if self.kind == "again":
            return self.last(nn.functional.relu(hidden, inplace=True) + hidden)  # type: ignore[no-any-return]  # a tensor
        hidden += 1.0
        return self.last(nn.functional.relu(hidden, inplace=True))  # type: ignore[no-any-return]  # a tensor


def test_work_in_place_on_a_result_that_is_used_again_is_refused() -> None:
    for kind in ("dropped", "again"):
        with pytest.raises(InvalidInput, match="in place"):
            intervals(InPlace(kind))
    assert intervals(InPlace("alone")).scores([np.zeros((1, 2, 2))] * 16, np.zeros((16, 2, 2), bool)).shape == (16, 2)
