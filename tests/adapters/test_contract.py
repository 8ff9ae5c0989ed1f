"""One contract suite on every adapter; that it can fail is shown by classifiers with one fault each."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import pytest
import timm
import torch
import transformers
from maskcover_onnx import ADAPTER as ONNX
from maskcover_sklearn import ADAPTER as SKLEARN
from maskcover_timm import ADAPTER as TIMM
from maskcover_torch import TorchClassifier
from maskcover_transformers import ADAPTER as TRANSFORMERS
from sklearn.linear_model import LogisticRegression

from maskcover import MaskedClassifier, MaskSet, cover, squares
from maskcover.classifiers import evaluator_of
from maskcover.classifiers.arrays import ArrayClassifier
from maskcover.data import Preprocessing
from maskcover.regions import Resize
from maskcover.testing import ClassifierContract
from tests.networks import Convolution, exact, exact_transformer

pytestmark = pytest.mark.usefixtures("one_thread")
SIDE = 16
FLOATS = (np.random.default_rng(3).integers(0, 9, (3, 3, SIDE, SIDE)) / 8).astype(np.float32)


class Net(torch.nn.Module):
    """A convolution and a linear layer, exact; with `broken` its scores are NaN."""

    def __init__(self, broken: bool = False) -> None:
        super().__init__()
        self.features = Convolution(3, 8, 3, stride=2)
        self.head = torch.nn.Linear(8 * 7 * 7, 5)
        exact(self)
        self.scale = float("nan") if broken else 1.0
        self.register_buffer("factor", torch.tensor(self.scale))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        features = self.features(images).relu().flatten(1)
        scores: torch.Tensor = self.head(features) * self.factor
        return scores


class OfFloats(ClassifierContract):
    """For classifiers of images (3, height, width)."""

    classes, image_size = 5, (SIDE, SIDE)

    @pytest.fixture
    def images(self) -> Sequence[Any]:
        return list(FLOATS)


class TestTorch(OfFloats):
    @pytest.fixture
    def classifier(self) -> MaskedClassifier:
        return TorchClassifier(Net().eval(), batch_size=4)

    @pytest.fixture
    def broken(self) -> MaskedClassifier:
        return TorchClassifier(Net(broken=True).eval(), batch_size=4)


class TestTimm(ClassifierContract):
    classes, image_size = 4, (32, 32)

    @pytest.fixture
    def images(self) -> Sequence[Any]:
        return list(np.random.default_rng(4).random((2, 3, 32, 32), dtype=np.float32))

    @pytest.fixture
    def classifier(self) -> MaskedClassifier:
        return self.around(1.0)

    @pytest.fixture
    def broken(self) -> MaskedClassifier:
        return self.around(float("nan"))

    def around(self, bias: float) -> MaskedClassifier:
        torch.manual_seed(1)
        model = timm.create_model("test_resnet", num_classes=4).eval()
        torch.nn.init.constant_(model.get_classifier().bias, bias)
        torch.nn.init.normal_(model.get_classifier().weight)
        # Its sums are rounded: only in batches of one are they the same at every place on every processor.
        return TIMM.classifier(model, preprocessing=Preprocessing((Resize((32, 32)),)), batch_size=1)


class TestTransformers(OfFloats):
    @pytest.fixture
    def images(self) -> Sequence[Any]:
        return [2 * image - 1 for image in FLOATS]  # as its processor scales them

    @pytest.fixture
    def classifier(self) -> MaskedClassifier:
        return self.around(0.1)

    @pytest.fixture
    def broken(self) -> MaskedClassifier:
        return self.around(float("nan"))

    def around(self, weight: float) -> MaskedClassifier:
        torch.manual_seed(1)
        config = transformers.ViTConfig(
            image_size=SIDE, patch_size=8, hidden_size=16, num_hidden_layers=1, num_attention_heads=2,
            intermediate_size=16, num_labels=5,
        )  # fmt: skip
        model = transformers.ViTForImageClassification(config).eval()
        torch.nn.init.constant_(model.classifier.bias, weight)
        processor = transformers.ViTImageProcessor(size={"height": SIDE, "width": SIDE})
        return TRANSFORMERS.classifier(model, processor=processor, batch_size=1)  # as above


class TestDroppedTokens(OfFloats):
    """A vision transformer, exact, in batches of several rows and of several lengths."""

    @pytest.fixture
    def masks(self) -> MaskSet:
        return cover(squares(size=2), SIDE, grid=(3, 3), align=4)

    @pytest.fixture
    def classifier(self) -> MaskedClassifier:
        return self.around(0.0)

    @pytest.fixture
    def broken(self) -> MaskedClassifier:
        return self.around(float("nan"))

    def around(self, bias: float) -> MaskedClassifier:
        model = exact_transformer(SIDE, 4, classes=5)
        with torch.no_grad():
            model.head.bias += bias
        return TorchClassifier(model, fill="drop_tokens(4)", batch_size=4)


class TestDroppedTokensOfTransformers(TestTransformers):
    """With attention, one row at a time; see above."""

    @pytest.fixture
    def masks(self) -> MaskSet:
        return cover(squares(size=1), SIDE, grid=(2, 2), align=8)

    def around(self, weight: float) -> MaskedClassifier:
        kept: Any = super().around(weight)
        model = kept.model
        return TRANSFORMERS.classifier(model, preprocessing=kept.preprocessing, batch_size=1, fill="drop_tokens(8)")


class TestOnnx(OfFloats):
    @pytest.fixture
    def classifier(self) -> MaskedClassifier:
        return ONNX.classifier(exported(Net()), batch_size=4)

    @pytest.fixture
    def broken(self) -> MaskedClassifier:
        return ONNX.classifier(exported(Net(broken=True)), batch_size=4)


class TestSklearn(ClassifierContract):
    classes, image_size = 3, (8, 8)

    @pytest.fixture
    def images(self) -> Sequence[Any]:
        return list(np.random.default_rng(5).integers(0, 9, (2, 8, 8)) / 8)

    @pytest.fixture
    def classifier(self) -> MaskedClassifier:
        return SKLEARN.classifier(fitted(), batch_size=4)

    @pytest.fixture
    def broken(self) -> MaskedClassifier:
        model = fitted()
        model.intercept_ = np.full(3, np.nan)
        return SKLEARN.classifier(model, batch_size=4)


def quarters(images: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Scores: how bright the four quarters are. Sums of one image's pixels, in one order."""
    halves = np.stack([images[:, :4], images[:, 4:]], axis=1)
    parts = np.concatenate([halves[:, :, :, :4], halves[:, :, :, 4:]], axis=1)
    scores: npt.NDArray[Any] = parts.reshape(len(images), 4, -1).sum(axis=2)
    return scores


class TestFunction(ClassifierContract):
    classes, image_size = 4, (8, 8)

    @pytest.fixture
    def images(self) -> Sequence[Any]:
        return list(np.random.default_rng(6).random((2, 8, 8, 3)))

    @pytest.fixture
    def classifier(self) -> MaskedClassifier:
        return ArrayClassifier(quarters, batch_size=4, fill=(0.5, 0.25, 0.0))

    @pytest.fixture
    def broken(self) -> MaskedClassifier:
        return ArrayClassifier(lambda images: quarters(images) * np.nan, batch_size=4)


def fitted() -> LogisticRegression:
    chance = np.random.default_rng(2)
    model = LogisticRegression().fit(chance.random((30, 64)), np.arange(30) % 3)
    model.coef_, model.intercept_ = (np.rint(16 * fit) / 16 for fit in (model.coef_, model.intercept_))  # exact
    return model


def exported(model: Net, batch: str = "N") -> onnx.ModelProto:
    """The network as ONNX, by hand: exporters warn, and take seconds."""
    graph = onnx.parser.parse_graph(
        f"network (float[{batch}, 3, {SIDE}, {SIDE}] images) => (float[{batch}, 5] scores) {{"
        "fine = Mul (images, eight) counts = Round (fine) rounded = Div (counts, eight)"
        "features = Conv <strides=[2, 2]> (rounded, features_weight, features_bias)"
        "shown = Relu (features) rows = Flatten <axis=1> (shown)"
        "raw = Gemm <transB=1> (rows, head_weight, head_bias) scores = Mul (raw, factor) }"
    )
    for name, value in {**model.state_dict(), "eight": torch.tensor(8.0)}.items():
        graph.initializer.append(onnx.numpy_helper.from_array(value.numpy(), name.replace(".", "_")))
    return onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=8)


class Faulty:
    """Scores of `quarters`, with one fault."""

    batch_size = 4
    identity: dict[str, str]

    def __init__(self, fault: str) -> None:
        self.fault, self.calls = fault, 0
        self.identity = {"fault": fault}

    def scores(self, images: Sequence[Any], hidden: npt.NDArray[np.bool_]) -> npt.ArrayLike:
        self.calls += 1
        batch, covered = np.stack(images), hidden[..., None]
        if self.fault == "hides by multiplication":
            return quarters(batch * ~covered)
        if self.fault == "hides nothing":
            return quarters(batch)
        scores: npt.NDArray[Any] = quarters(np.where(covered, 0.0, batch))
        if self.fault == "looks at nothing":
            return np.tile([3.0, 2.0, 1.0, 0.0], (len(scores), 1))
        if self.fault == "mixes rows":
            scores = scores + 1e-9 * np.nan_to_num(batch).sum()
        if self.fault == "numbers rows":
            scores = scores + 1e-9 * np.arange(len(scores))[:, None]
        if self.fault == "counts calls":
            return scores + 1e-9 * self.calls
        if self.fault == "changes":
            self.identity = {"calls": str(self.calls)}
        return scores


FAULTS = {
    "hides by multiplication": "hidden_pixels_do_not_matter",
    "hides nothing": "masks_hide",
    "looks at nothing": "different_images_have_different_scores",
    "mixes rows": "other_rows_do_not_matter",
    "numbers rows": "the_place_in_the_batch_does_not_matter",
    "counts calls": "the_same_question_has_the_same_answer",
    "changes": "it_says_what_it_is",
}


@pytest.mark.filterwarnings("ignore:invalid value encountered")
@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_fails_the_test_that_is_about_it(fault: str) -> None:
    assert FAULTS[fault] in failed(fault)


def failed(fault: str) -> list[str]:
    """The names of the contract's tests that a faulty classifier fails."""
    contract, masks = TestFunction(), cover(squares(size=1), 8, grid=(2, 2))
    images = list(np.random.default_rng(6).random((2, 8, 8, 3)))
    names = [name for name in dir(contract) if name.startswith("test_")]
    return [name.removeprefix("test_") for name in names if not passes(contract, name, fault, masks, images)]


def passes(contract: ClassifierContract, name: str, fault: str, masks: MaskSet, images: list[Any]) -> bool:
    """Whether a test passes with what its fixtures would be."""
    classifier = Faulty(fault)
    given = {
        "classifier": classifier,
        "broken": Faulty(""),
        "masks": masks,
        "images": images,
        "asked": evaluator_of(classifier, masks, images[0]),
    }
    test = getattr(contract, name)
    try:
        test(**{argument: given[argument] for argument in inspect.signature(test).parameters})
    except (Exception, pytest.fail.Exception):
        return False
    return True
