"""Several labels through the adapters: certified, served, and attacked, on models whose sums are exact."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import maskcover as mc
from maskcover import FingerprintMismatch, InvalidInput
from tests.networks import Convolution, exact, whole

CLASSES = 5
MASKS = mc.cover(mc.squares(size=2), image_size=(8, 8), grid=(2, 2))
IMAGES = whole(4, 3, 8, 8)

pytestmark = pytest.mark.usefixtures("one_thread")


def network(seed: int = 0) -> nn.Module:
    layers = (Convolution(3, 4, 3, stride=2, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(64, CLASSES))
    return exact(nn.Sequential(*layers), seed)


def labels_of(model: Any, images: Any, thresholds: Any) -> Any:
    """The labels that the bare model gives the clean images, so that something can be certified."""
    with torch.no_grad():
        return (model(images) >= torch.as_tensor(thresholds)).numpy()


def test_a_torch_module_with_sigmoid_heads_is_certified_and_served() -> None:
    model, thresholds = network(), (0.0, 50.0, -50.0, 400.0, -400.0)
    labels = labels_of(model, IMAGES, thresholds)
    result = mc.certify(model, IMAGES, labels, MASKS, task="multilabel", thresholds=thresholds, batch_size=4)
    assert result.certified.any()
    assert not result.certified.all()
    assert (result.undefended == labels).all()
    served = mc.defend(model, result)
    assert (np.stack(served(IMAGES)) == result.defended).all()
    answers: Any = mc.predict(model, IMAGES, result)
    assert (np.stack([answer.present for answer in answers]) == result.defended).all()
    assert (np.stack([answer.present for answer in served.stream(iter(IMAGES))]) == result.defended).all()
    with pytest.raises(FingerprintMismatch, match="weights"):
        mc.defend(network(1), result)


def test_no_patch_changes_a_certified_class_of_a_torch_module() -> None:
    """Random and extreme patches at every place; all wrong classes together lie in one threatened set."""
    model, chance = network(), torch.Generator().manual_seed(0)
    labels = labels_of(model, IMAGES, 0.0)
    result = mc.certify(model, IMAGES, labels, MASKS, task="multilabel", batch_size=4)
    served, changed = mc.defend(model, result), 0
    for number in range(2):
        attacked = [IMAGES[number]]
        for row in range(0, 7, 2):
            for column in range(0, 7, 2):
                patched = IMAGES[number].clone()
                patched[:, row : row + 2, column : column + 2] = torch.randint(-64, 64, (3, 2, 2), generator=chance)
                attacked.append(patched)
        for present in served(attacked):
            wrong = present != labels[number]
            assert not (wrong & result.certified[number]).any()
            assert any((wrong <= threatened).all() for threatened in result.verdicts[number].certificates.threatened)
            changed += int(wrong.sum())
    assert changed


def test_a_model_of_transformers_for_several_labels() -> None:
    transformers = pytest.importorskip("transformers")
    config = transformers.ViTConfig(
        hidden_size=8, num_hidden_layers=1, num_attention_heads=2, intermediate_size=8, image_size=8, patch_size=4,
        num_labels=3, problem_type="multi_label_classification", id2label={0: "cat", 1: "dog", 2: "cow"},
    )  # fmt: skip
    torch.manual_seed(0)
    model = transformers.ViTForImageClassification(config).eval()
    images = IMAGES.float()
    with pytest.raises(InvalidInput, match='task="multilabel"'):
        mc.certify(model, images, [0] * 4, MASKS, batch_size=1)
    result = mc.certify(model, images, [["cat"], [], ["dog", "cow"], []], MASKS, task="multilabel", batch_size=1)
    assert result.labels.astype(int).tolist() == [[1, 0, 0], [0, 0, 0], [0, 1, 1], [0, 0, 0]]
    assert result.class_names == ("cat", "dog", "cow")
    assert result.names(0) == [name for name, says in zip(result.class_names, result.defended[0], strict=True) if says]
    assert (np.stack(mc.defend(model, result)(images)) == result.defended).all()
    model.config.problem_type = "single_label_classification"
    with pytest.raises(InvalidInput, match="one label"):
        mc.certify(model, images, result.labels, MASKS, task="multilabel", batch_size=1)


def test_a_model_of_timm_for_several_labels() -> None:
    timm = pytest.importorskip("timm")
    torch.manual_seed(0)
    model = timm.create_model("resnet18", num_classes=4).eval()
    images = torch.rand(2, 3, 32, 32)
    masks = mc.cover(mc.squares(size=2), image_size=32, grid=(2, 2))
    labels = labels_of(model, images, 0.0)
    result = mc.certify(
        model, images, labels, masks, task="multilabel", batch_size=1, preprocessing=mc.data.Preprocessing(())
    )
    assert (result.undefended == labels).all()
    assert (np.stack(mc.defend(model, result)(images)) == result.defended).all()


def test_a_file_of_onnx_for_several_labels() -> None:
    pytest.importorskip("onnx")
    from tests.adapters.test_contract import FLOATS, SIDE, Net, exported

    masks = mc.cover(mc.squares(size=2), SIDE, grid=(2, 2))
    with torch.inference_mode():
        scores = Net().eval()(torch.from_numpy(FLOATS)).numpy()
    threshold = float(np.median(scores)) + 1e-3
    options: dict[str, Any] = {"thresholds": threshold, "batch_size": 1}
    result = mc.certify(exported(Net()), list(FLOATS), scores >= threshold, masks, task="multilabel", **options)
    assert isinstance(result, mc.MultiLabelResult)
    assert (result.undefended == (scores >= threshold)).all()
    assert result.undefended.any()


def fitted(kind: str) -> tuple[Any, Any]:
    """An estimator for brightness of the four quarters, and labels for images of quarters."""
    pytest.importorskip("sklearn")
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.multiclass import OneVsRestClassifier
    from sklearn.multioutput import MultiOutputClassifier
    from sklearn.neural_network import MLPClassifier

    makers = {
        "rest": lambda: OneVsRestClassifier(LogisticRegression()),
        "outputs": lambda: MultiOutputClassifier(LogisticRegression()),
        "forest": lambda: RandomForestClassifier(5, random_state=0),
        "perceptron": lambda: MLPClassifier((4,), max_iter=5, random_state=0),
    }
    images, labels = quarters()
    return makers[kind]().fit(images.reshape(len(images), -1), labels), labels


def quarters() -> tuple[Any, Any]:
    labels = np.array([[place >> bit & 1 for bit in range(4)] for place in range(16)])
    return np.kron(labels.reshape(16, 2, 2), np.ones((4, 4))), labels


@pytest.mark.filterwarnings("ignore:Stochastic Optimizer")
@pytest.mark.parametrize("kind", ["rest", "outputs", "forest", "perceptron"])
def test_estimators_of_scikit_learn_for_several_labels(kind: str) -> None:
    model, labels = fitted(kind)
    images, _ = quarters()
    chosen = slice(3, 6)
    result = mc.certify(
        model, images[chosen], labels[chosen], MASKS, task="multilabel", thresholds=0.5, batch_size=1, fill=0.5
    )
    own = np.asarray(model.predict(images[chosen].reshape(3, -1)))
    assert (result.undefended == own).all()
    assert (np.stack(mc.defend(model, result)(images[chosen])) == result.defended).all()
    with pytest.raises(InvalidInput, match=r"several answers|one label for each image|labels of shape"):
        mc.certify(model, images[chosen], [0, 1, 1], MASKS, batch_size=1, probes=False)


def test_an_estimator_of_one_label_is_refused() -> None:
    pytest.importorskip("sklearn")
    from sklearn.linear_model import LogisticRegression

    images, labels = quarters()
    model = LogisticRegression().fit(images.reshape(16, -1), labels.sum(axis=1))
    with pytest.raises(InvalidInput, match="table of labels"):
        mc.certify(model, images, labels, MASKS, task="multilabel", thresholds=0.5)


def test_names_that_the_model_does_not_have_are_refused() -> None:
    labels = [["cat"], [], [], []]
    with pytest.raises(InvalidInput, match="does not know the names"):
        mc.certify(network(), IMAGES, labels, MASKS, task="multilabel", batch_size=4)
    named = {"class_names": tuple("abcde")}
    with pytest.raises(InvalidInput, match="got 'cat'"):
        mc.certify(network(), IMAGES, labels, MASKS, task="multilabel", batch_size=4, **named)
    for strange in ([[0.5] * CLASSES] * 4, [[2] * CLASSES] * 4, [0, 1, 0, 1]):
        with pytest.raises(InvalidInput, match="several labels are"):
            mc.certify(network(), IMAGES, np.array(strange), MASKS, task="multilabel", batch_size=4)
