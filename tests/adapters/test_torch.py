"""Torch: certifying and serving see the same masked tensors in the same batches, and nothing that is hidden."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from importlib.metadata import EntryPoint, EntryPoints
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from maskcover_torch import ADAPTER, DefendedModule, TorchClassifier
from torch import nn

from maskcover import (
    InvalidInput,
    MaskcoverError,
    MaskedClassifier,
    MaskSet,
    MissingExtra,
    UndecidedPrediction,
    certify,
    cover,
    defend,
    predict,
    squares,
)
from maskcover.classifiers import UNDECIDED
from maskcover.classifiers import registry as adapters
from tests.defense.naive import BoolArray, algorithm_1, algorithm_2
from tests.networks import Convolution, exact, whole

CHANNELS, HEIGHT, WIDTH = 2, 6, 8
MASKS = cover(squares(size=2), image_size=(HEIGHT, WIDTH), grid=(2, 2))
TRANSPOSED = cover(squares(size=2), image_size=(WIDTH, HEIGHT), grid=(2, 2))
FILLS: dict[str, float | tuple[float, ...]] = {
    "scalar": 0.25,
    "whole number": 1,
    "per channel": (0.5, -1.0),
    "zero": 0.0,
}
SOME_FILL = pytest.mark.parametrize("fill", FILLS.values(), ids=FILLS)


pytestmark = pytest.mark.usefixtures("one_thread")


class Net(nn.Module):
    """A small random convolutional net, exact, that keeps what it is given; `out` makes something else of its scores.

    Bits of a network that rounds differ with the place in the batch on some processors, in batches of some sizes.
    """

    def __init__(self, out: Callable[[torch.Tensor], Any] | None = None, seed: int = 3, most: int = 3) -> None:
        super().__init__()
        convolution = Convolution(CHANNELS, 4, 3, stride=2, padding=1)
        self.features = nn.Sequential(convolution, nn.BatchNorm2d(4), nn.ReLU(), nn.Dropout(0.5))
        self.head = nn.Linear(HEIGHT * WIDTH, 3)
        exact(self, seed, most)
        self.out = out
        self.given: list[torch.Tensor] = []
        self.inference: list[bool] = []

    def forward(self, images: torch.Tensor) -> Any:
        """Scores (n, 3)."""
        self.given.append(images.clone())
        self.inference.append(torch.is_inference_mode_enabled())
        scores = self.head(self.features(images).flatten(1))
        return scores if self.out is None else self.out(scores)


def images_of(count: int, seed: int = 0, most: int = 8) -> torch.Tensor:
    """Random images of bright and dark spots: many are near a border between classes."""
    return whole(count, CHANNELS, HEIGHT, WIDTH, seed=seed, most=most)


def naive_label(model: nn.Module, image: torch.Tensor, fill: float | tuple[float, ...]) -> Callable[[int, int], int]:
    """F(i, j) by a plain loop: copy the image, overwrite what is hidden, ask the model about this one image."""
    hidden = torch.from_numpy(np.asarray(MASKS))
    values = (fill,) * CHANNELS if isinstance(fill, float | int) else fill

    def label(first: int, second: int) -> int:
        masked = image.clone()
        for channel in range(CHANNELS):
            masked[channel][hidden[first] | hidden[second]] = values[channel]
        with torch.no_grad():
            return int(model(masked[None]).argmax())

    return label


@SOME_FILL
@pytest.mark.parametrize("batch_size", [1, 5])
def test_the_module_the_library_and_a_naive_loop_give_the_same_labels(
    fill: float | tuple[float, ...], batch_size: int
) -> None:
    model, images = Net().eval(), images_of(12)
    naive = [algorithm_1(naive_label(model, image, fill), range(len(MASKS)))[0] for image in images]
    scores = defend(model, MASKS, fill=fill, batch_size=batch_size)(images)
    assert scores.argmax(dim=1).tolist() == naive
    assert scores.sum(dim=1).tolist() == scores.max(dim=1).values.tolist() == [1.0] * 12
    assert scores.shape == (12, 3)
    assert [one.label for one in predict(model, images, MASKS, fill=fill, batch_size=batch_size)] == naive
    assert len(set(naive)) > 1


@SOME_FILL
def test_certificates_through_the_entry_point_are_those_of_a_naive_loop(fill: float | tuple[float, ...]) -> None:
    model, images = Net().eval(), images_of(12)
    for label in range(3):
        expected = [
            algorithm_2(naive_label(model, image, fill), range(len(MASKS)), label, covering=True) for image in images
        ]
        found = certify(model, images, [label] * 12, MASKS, fill=fill, rule="all-pairs")
        assert found.certified.tolist() == expected
        assert (certify(model, images, [label] * 12, MASKS, fill=fill).certified >= expected).all()


def test_some_random_images_are_certified_and_some_are_not() -> None:
    model, images = Net().eval(), images_of(12)
    labels = [int(label) for label in defend(model, MASKS)(images).argmax(dim=1)]
    certified = certify(model, images, labels, MASKS).certified
    assert 0 < certified.sum() < 12


CONTENTS: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "0": torch.zeros_like,
    "1": torch.ones_like,
    "noise": lambda image: torch.randn(image.shape, generator=torch.Generator().manual_seed(1)),
    "huge": lambda image: torch.full_like(image, 3e38),
    "NaN": lambda image: torch.full_like(image, torch.nan),
    "infinity": lambda image: torch.full_like(image, torch.inf),
    "minus infinity": lambda image: torch.full_like(image, -torch.inf),
}
SOME_CONTENT = pytest.mark.parametrize("content", CONTENTS.values(), ids=CONTENTS)


@SOME_CONTENT
@SOME_FILL
def test_what_is_hidden_does_not_touch_a_bit_of_the_scores(
    content: Callable[[torch.Tensor], torch.Tensor], fill: float | tuple[float, ...]
) -> None:
    classifier = TorchClassifier(Net().eval(), fill=fill, batch_size=len(MASKS))
    hidden = np.asarray(MASKS)
    image = images_of(1)[0]
    attacked = [torch.where(torch.from_numpy(hide), content(image), image) for hide in hidden]
    clean = classifier.scores([image] * len(MASKS), hidden)
    assert classifier.scores(attacked, hidden).tobytes() == clean.tobytes()
    assert np.isfinite(clean).all()


@SOME_CONTENT
def test_an_attack_inside_a_mask_leaves_its_row_and_the_label_of_a_certified_image(
    content: Callable[[torch.Tensor], torch.Tensor],
) -> None:
    model, images = Net().eval(), images_of(12)
    labels = defend(model, MASKS)(images).argmax(dim=1)
    certified = certify(model, images, labels.tolist(), MASKS).certified
    attacked = images.clone()
    attacked[:, :, 2:4, 3:5] = content(images)[:, :, 2:4, 3:5]
    served = [one.label for one in predict(model, attacked, MASKS)]
    assert [label for label, sure in zip(served, certified, strict=True) if sure] == labels[certified].tolist()


def test_what_the_model_is_given_is_the_fill_where_hidden_and_the_image_elsewhere() -> None:
    model, image = Net().eval(), images_of(1)[0]
    hidden = np.asarray(MASKS)
    TorchClassifier(model, fill=(0.5, -1.0), batch_size=len(MASKS)).scores([image] * len(MASKS), hidden)
    [given] = model.given
    for row, hide in zip(given, torch.from_numpy(hidden), strict=True):
        assert (row[:, ~hide] == image[:, ~hide]).all()
        assert (row[0, hide] == 0.5).all()
        assert (row[1, hide] == -1.0).all()


@SOME_FILL
def test_certifying_and_serving_give_the_model_byte_equal_tensors(fill: float | tuple[float, ...]) -> None:
    certifier, server, images = Net().eval(), Net().eval(), images_of(4)
    for label in range(3):  # waves for one label may leave out what those for another ask
        certify(certifier, images, [label] * 4, MASKS, fill=fill, batch_size=4, exhaustive=True)
    for image in images:
        defend(server, MASKS, fill=fill, batch_size=4)(image[None])
    certified = {row.numpy().tobytes() for batch in certifier.given for row in batch}
    served = {row.numpy().tobytes() for batch in server.given for row in batch}
    assert served
    assert served <= certified
    assert {batch.shape for batch in certifier.given} == {batch.shape for batch in server.given}


@pytest.mark.parametrize("batch_size", [1, 3, 7, 16])
def test_every_forward_pass_has_the_full_batch_in_one_layout_without_gradients(batch_size: int) -> None:
    model = Net().eval()
    for images in (images_of(3), images_of(3).to(memory_format=torch.channels_last), images_of(1)):
        defend(model, MASKS, batch_size=batch_size)(images)
        certify(model, images, [0] * len(images), MASKS, batch_size=batch_size)
    assert {tuple(batch.shape) for batch in model.given} == {(batch_size, CHANNELS, HEIGHT, WIDTH)}
    assert {batch.stride() for batch in model.given} == {(CHANNELS * HEIGHT * WIDTH, HEIGHT * WIDTH, WIDTH, 1)}
    assert all(model.inference)
    assert not torch.is_inference_mode_enabled()


def test_tensors_arrays_and_lists_of_either_are_the_same_images() -> None:
    model, images = Net().eval(), images_of(4)
    forms: list[Any] = [
        images,
        list(images),
        images.numpy(),
        list(images.numpy()),
        list(images.double().numpy()),
        images.requires_grad_(),
        images.detach().permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2),
    ]
    found = [[str(one) for one in predict(model, form, MASKS)] for form in forms]
    assert found == [found[0]] * len(forms)


ARRAYS: dict[str, Callable[[npt.NDArray[np.float32]], npt.NDArray[np.float32]]] = {
    "read-only": lambda array: np.broadcast_to(array, array.shape),
    "flipped": lambda array: array[:, :, ::-1].copy()[:, :, ::-1],
    "rows last": lambda array: array.transpose(1, 2, 0).copy().transpose(2, 0, 1),
}


@pytest.mark.parametrize("form", ARRAYS.values(), ids=ARRAYS)
def test_arrays_of_any_layout_are_read(
    form: Callable[[npt.NDArray[np.float32]], npt.NDArray[np.float32]],
) -> None:
    model, image = Net().eval(), images_of(1)[0].numpy()
    assert predict(model, [form(image)], MASKS) == predict(model, [image], MASKS)


def test_images_are_left_as_they_were() -> None:
    images = images_of(3)
    before = images.clone()
    certify(Net().eval(), images, [0, 1, 2], MASKS)
    assert torch.equal(images, before)


def test_the_model_is_left_as_it_was() -> None:
    model = Net().eval()
    before = copy.deepcopy(model.state_dict())
    defend(model, MASKS)(images_of(3))
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert not model.training


def in_training(name: str) -> Net:
    """A net of which one part trains."""
    model = Net().eval()
    model.get_submodule(name).training = True
    return model


PARTS = pytest.mark.parametrize("part", ["", "features", "features.1", "features.3", "head"])
IMAGES = images_of(2)
ATTEMPTS: dict[str, Callable[[nn.Module], object]] = {
    "defend": lambda model: defend(model, MASKS),
    "certify": lambda model: certify(model, IMAGES, [0, 0], MASKS),
    "predict": lambda model: predict(model, IMAGES, MASKS),
    "TorchClassifier": lambda model: TorchClassifier(model),
}


@PARTS
@pytest.mark.parametrize("attempt", ATTEMPTS.values(), ids=ATTEMPTS)
def test_training_mode_anywhere_is_refused_and_named(attempt: Callable[[nn.Module], object], part: str) -> None:
    with pytest.raises(InvalidInput, match=f"{part or 'the model'} .*training mode"):
        attempt(in_training(part))


@PARTS
def test_training_mode_switched_on_later_is_refused(part: str) -> None:
    model = Net().eval()
    defended, classifier = defend(model, MASKS), TorchClassifier(model, batch_size=len(MASKS))
    defended(IMAGES)
    model.get_submodule(part).training = True
    for call in (defended, defended.decisions):
        with pytest.raises(InvalidInput, match="training mode"):
            call(IMAGES)
    with pytest.raises(InvalidInput, match="training mode"):
        classifier.scores([IMAGES[0]] * len(MASKS), np.asarray(MASKS))


def test_a_defended_module_serves_in_evaluation_mode_only() -> None:
    defended = defend(Net().eval(), MASKS)
    assert not defended.training
    labels = defended(IMAGES)
    with pytest.raises(InvalidInput, match="training mode"):
        defended.train()(IMAGES)
    assert torch.equal(defended.eval()(IMAGES), labels)


OUTPUTS: dict[str, Callable[[torch.Tensor], Any]] = {
    "a tuple": lambda scores: (scores, scores),
    "a dict": lambda scores: {"main": scores, "auxiliary": scores},
    "nothing": lambda _: None,
    "an array": lambda scores: scores.numpy(),
    "one axis": lambda scores: scores[0],
    "three axes": lambda scores: scores[None],
    "fewer rows": lambda scores: scores[1:],
    "one class": lambda scores: scores[:, :1],
    "labels": lambda scores: scores.argmax(dim=1),
}


@pytest.mark.parametrize("out", OUTPUTS.values(), ids=OUTPUTS)
def test_outputs_that_are_not_one_tensor_of_scores_are_refused(out: Callable[[torch.Tensor], Any]) -> None:
    model = Net(out).eval()
    for call in (lambda: defend(model, MASKS)(IMAGES), lambda: certify(model, IMAGES, [0, 0], MASKS)):
        with pytest.raises(InvalidInput, match="scores"):
            call()


def test_a_row_of_scores_without_a_unique_finite_top_is_no_label() -> None:
    for out in (lambda s: s * torch.nan, lambda s: s * torch.inf, torch.zeros_like):
        model = Net(out).eval()
        found = certify(model, IMAGES, [0, 1], MASKS)
        assert not found.certified.any()
        assert found.defended.tolist() == [UNDECIDED, UNDECIDED]
        assert [one.label for one in defend(model, MASKS).decisions(IMAGES)] == [UNDECIDED, UNDECIDED]
        with pytest.raises(UndecidedPrediction, match=r"\[0, 1\]"):
            defend(model, MASKS)(IMAGES)


BAD_IMAGES: dict[str, tuple[Any, str]] = {
    "sides swapped": (np.zeros((CHANNELS, WIDTH, HEIGHT), np.float32), r"\(channels, 6, 8\)"),
    "larger": (np.zeros((CHANNELS, 7, 9), np.float32), r"\(channels, 6, 8\)"),
    "one that could be broadcast": (np.zeros((CHANNELS, 1, 1), np.float32), r"\(channels, 6, 8\)"),
    "no channels": (np.zeros((HEIGHT, WIDTH), np.float32), r"\(channels, 6, 8\)"),
    "a batch": (np.zeros((1, CHANNELS, HEIGHT, WIDTH), np.float32), r"\(channels, 6, 8\)"),
    "channels last": (np.zeros((HEIGHT, WIDTH, CHANNELS), np.float32), r"\(channels, 6, 8\)"),
    "bytes": (np.zeros((CHANNELS, HEIGHT, WIDTH), np.uint8), "floats"),
    "whole numbers": (torch.zeros((CHANNELS, HEIGHT, WIDTH), dtype=torch.int64), "floats"),
    "booleans": (np.zeros((CHANNELS, HEIGHT, WIDTH), np.bool_), "floats"),
    "complex": (np.zeros((CHANNELS, HEIGHT, WIDTH), np.complex64), "floats"),
    "a file name": ("photo.png", "image"),
    "nothing": (None, "image"),
}


@pytest.mark.parametrize(("image", "named"), BAD_IMAGES.values(), ids=BAD_IMAGES)
def test_images_that_do_not_fit_the_masks_or_the_model_are_refused(image: Any, named: str) -> None:
    model = Net().eval()
    for call in (lambda: predict(model, [image], MASKS), lambda: certify(model, [image], [0], MASKS)):
        with pytest.raises(InvalidInput, match=named):
            call()


def test_images_of_different_channels_do_not_go_together() -> None:
    with pytest.raises(InvalidInput, match="channels"):
        predict(Net().eval(), [images_of(1)[0], images_of(1)[0][:1]], MASKS)


@pytest.mark.parametrize("masks", [TRANSPOSED, cover(squares(size=2), image_size=12, grid=(3, 3))])
def test_masks_of_another_image_size_are_refused(masks: MaskSet) -> None:
    model = Net().eval()
    for call in (lambda: certify(model, IMAGES, [0, 0], masks), lambda: defend(model, masks)(IMAGES)):
        with pytest.raises(InvalidInput, match="the masks are for images of shape"):
            call()


BAD_BATCHES = {
    "one image": images_of(1)[0],
    "a list": [images_of(1)[0]],
    "an array": images_of(1).numpy(),
    "nothing": None,
    "five axes": images_of(1)[None],
}


@pytest.mark.parametrize("images", BAD_BATCHES.values(), ids=BAD_BATCHES)
def test_a_defended_module_takes_one_batch_of_images(images: Any) -> None:
    with pytest.raises(InvalidInput, match="images"):
        defend(Net().eval(), MASKS)(images)


@pytest.mark.parametrize("images", [images_of(1)[0], images_of(1)[None]], ids=["one image", "five axes"])
def test_decisions_are_of_a_batch_of_images(images: torch.Tensor) -> None:
    with pytest.raises(InvalidInput, match="image"):
        defend(Net().eval(), MASKS).decisions(images)


BAD_FILLS: dict[str, Any] = {
    "none": None,
    "a text": "grey",
    "no values": (),
    "a boolean": True,
    "an array": np.zeros(2),
    "a tensor": torch.zeros(2),
    "complex": 1j,
    "texts": ("0", "1"),
    "NaN": float("nan"),
    "infinite": (0.0, float("inf")),
    "beyond all floats": 10**400,
}


@pytest.mark.parametrize("fill", BAD_FILLS.values(), ids=BAD_FILLS)
def test_a_fill_is_a_number_or_one_a_channel(fill: Any) -> None:
    model = Net().eval()
    for call in (lambda: TorchClassifier(model, fill=fill), lambda: defend(model, MASKS, fill=fill)):
        with pytest.raises(InvalidInput, match="fill"):
            call()


@pytest.mark.parametrize("fill", [(0.0,) * 3, [0.0] * 4])
def test_a_fill_has_as_many_values_as_the_images_have_channels(fill: Sequence[float]) -> None:
    with pytest.raises(InvalidInput, match=r"fill has [34] values; the images have 2 channels"):
        predict(Net().eval(), IMAGES, MASKS, fill=fill)


@pytest.mark.parametrize("batch_size", [0, -1, 2.0, True, "4"])
def test_a_batch_size_is_a_number_of_images(batch_size: Any) -> None:
    for call in (
        lambda: TorchClassifier(Net().eval(), batch_size=batch_size),
        lambda: defend(Net().eval(), MASKS, batch_size=batch_size),
    ):
        with pytest.raises(InvalidInput, match="batch_size"):
            call()


@pytest.mark.parametrize("model", [None, Net, lambda images: images, "net.pt"])
def test_a_model_is_a_module(model: Any) -> None:
    with pytest.raises(InvalidInput, match=r"torch\.nn\.Module"):
        TorchClassifier(model)


@pytest.mark.parametrize("masks", [None, np.asarray(MASKS), MASKS[:0]], ids=["none", "bitmaps", "empty"])
def test_a_defended_module_needs_masks(masks: Any) -> None:
    with pytest.raises(InvalidInput, match="MaskSet"):
        defend(Net().eval(), masks)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float64])
def test_models_of_another_precision_are_fed_in_it(dtype: torch.dtype) -> None:
    model, images = Net(most=1).to(dtype).eval(), images_of(6, most=2)  # so small that bfloat16 holds all sums
    scores = defend(model, MASKS)(images)
    assert {batch.dtype for batch in model.given} == {dtype}
    assert scores.argmax(dim=1).tolist() == [one.label for one in predict(model, images, MASKS)]
    assert len(certify(model, images, [0] * 6, MASKS)) == 6


def test_ties_of_bfloat16_stay_ties() -> None:
    # 1 and 1.001 are one number in bfloat16: there is no unique top.
    model = Net(lambda scores: torch.tensor([[1.0, 1.001, 0.0]], dtype=torch.bfloat16).expand(len(scores), 3))
    assert certify(model.bfloat16().eval(), IMAGES, [1, 0], MASKS).defended.tolist() == [UNDECIDED, UNDECIDED]


def test_a_model_without_parameters_is_fed_float32() -> None:
    class Means(nn.Module):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            assert images.dtype == torch.float32
            return images.mean(dim=(2, 3))

    model = Means().eval()
    assert defend(model, MASKS)(images_of(2).double()).shape == (2, CHANNELS)


def test_a_defended_module_saves_loads_and_moves_as_its_model() -> None:
    model, other, images = Net(seed=3).eval(), Net(seed=4).eval(), images_of(12)
    first, second = defend(model, MASKS), defend(other, MASKS)
    assert isinstance(first, DefendedModule)
    assert set(first.state_dict()) == {f"model.{name}" for name in model.state_dict()}
    assert not torch.equal(first(images), second(images))
    second.load_state_dict(first.state_dict())
    assert torch.equal(first(images), second(images))
    assert next(first.to(torch.float64).parameters()).dtype == next(model.parameters()).dtype == torch.float64
    assert first(images).shape == (12, 3)


def test_a_defended_module_can_be_copied() -> None:
    first = defend(Net().eval(), MASKS, fill=(0.5, -1.0), batch_size=3)
    twin = copy.deepcopy(first)
    assert torch.equal(first(IMAGES), twin(IMAGES))
    assert (twin.fill, twin.contract.batch_size, twin.masks) == ((0.5, -1.0), 3, MASKS)


def test_scores_carry_no_gradient_and_can_be_used_outside() -> None:
    scores = defend(Net().eval(), MASKS)(images_of(2).requires_grad_())
    assert not scores.requires_grad
    assert not scores.is_inference()


def test_an_empty_batch_has_no_scores() -> None:
    assert defend(Net().eval(), MASKS)(images_of(0)).shape[0] == 0


@pytest.mark.parametrize("options", [{"fill": 0.5}, {"batch_size": 4}])
def test_serving_takes_the_options_of_certifying(options: dict[str, Any]) -> None:
    model, images = Net().eval(), images_of(6)
    served = defend(model, MASKS, **options)(images).argmax(dim=1)
    assert certify(model, images, [0] * 6, MASKS, **options).defended.tolist() == served.tolist()


def test_certifying_and_serving_default_to_the_same_fill_and_batch() -> None:
    evaluator, defended = TorchClassifier(Net().eval()).evaluator(MASKS, None), defend(Net().eval(), MASKS)
    assert (defended.fill, defended.contract.batch_size) == ((0.0,), evaluator.batch_size)


def test_a_torch_classifier_is_a_masked_classifier() -> None:
    classifier: MaskedClassifier = TorchClassifier(Net().eval(), batch_size=3)
    assert isinstance(classifier, MaskedClassifier)
    assert adapters.as_classifier(classifier, {}) is classifier
    found = certify(classifier, IMAGES, [0, 1], MASKS)
    assert found == certify(Net().eval(), IMAGES, [0, 1], MASKS, batch_size=3)


@pytest.mark.parametrize(
    "wrap", [nn.Sequential, lambda model: nn.DataParallel(model, device_ids=[])], ids=["seq", "dp"]
)
def test_wrapped_models_are_found_and_give_the_same_labels(wrap: Callable[[nn.Module], nn.Module]) -> None:
    model = Net().eval()
    assert predict(wrap(model).eval(), IMAGES, MASKS) == predict(model, IMAGES, MASKS)


def test_rows_do_not_depend_on_hostile_companions() -> None:
    model = Net().eval()
    classifier = TorchClassifier(model, batch_size=4)
    hidden: BoolArray = np.asarray(MASKS)[[0, 0, 0, 0]]
    image = images_of(1)[0]
    alone = classifier.scores([image] * 4, hidden)[0]
    for companion in (torch.zeros_like(image), torch.full_like(image, 1e30), torch.full_like(image, torch.nan)):
        assert classifier.scores([image, companion, companion, companion], hidden)[0].tobytes() == alone.tobytes()


class Rounding(nn.Module):
    """What a float32 kernel does: the last bit of a score differs with the row of the batch (threats.md, 21)."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Two classes a rounding apart: 1 in the first eight rows, 0 in the others."""
        rounding = 1e-7 * (1 - 2 * (torch.arange(len(images)) >= 8))
        return torch.stack([torch.full_like(rounding, 0.5), 0.5 + rounding], dim=1)


def test_a_certified_image_is_served_its_label_wherever_it_stands_in_a_batch() -> None:
    model, image = Rounding().eval(), images_of(1)
    try:
        result = certify(model, image, [1], MASKS)
    except MaskcoverError:
        return  # to find the model unfit is as good
    served = [one.label for one in defend(model, result).decisions(image.expand(5, -1, -1, -1))]
    assert not result.certified.all() or served == [1] * 5


def test_torch_missing_is_an_error_that_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    broken = EntryPoints([EntryPoint("torch", "maskcover_torch_that_is_not_there:ADAPTER", adapters.GROUP)])
    monkeypatch.setattr(adapters, "entry_points", lambda **_: broken)
    for call in (lambda: certify(Net().eval(), IMAGES, [0, 0], MASKS), lambda: defend(Net().eval(), MASKS)):
        with pytest.raises(MissingExtra, match=r"pip install .*\[torch\]'"):
            call()


def test_the_entry_point_names_the_adapter_of_this_package() -> None:
    assert isinstance(ADAPTER.classifier(Net().eval(), batch_size=2), TorchClassifier)


@pytest.mark.parametrize(
    ("dtype", "least"), [(torch.float64, 1e-4), (torch.float32, 1e-4), (torch.float16, 1e-3), (torch.bfloat16, 0.03)]
)
def test_the_margin_grows_with_the_coarseness_of_the_coarsest_parameter(dtype: torch.dtype, least: float) -> None:
    model = nn.Sequential(nn.Flatten(), nn.Linear(4, 2), nn.Linear(2, 2).to(dtype)).eval()
    assert TorchClassifier(model).margin >= least
    assert (TorchClassifier(model).margin == 1e-4) == (least == 1e-4)


def test_autocast_around_a_certification_changes_no_score() -> None:
    classifier, hidden = TorchClassifier(Net().eval(), batch_size=2), np.asarray(MASKS)[:2]
    images = list(images_of(2))
    plain = classifier.scores(images, hidden)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert classifier.scores(images, hidden).tobytes() == plain.tobytes()
