"""torchvision's classifiers by name: the transforms of their weights, and checkpoints of one's own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torchvision  # type: ignore[import-untyped]  # has no types
from maskcover_torch import TorchClassifier
from maskcover_torchvision import ADAPTER, class_names_of, preprocessing_of
from PIL import Image
from torchvision.models import ResNet18_Weights, get_model_weights  # type: ignore[import-untyped]  # has no types

import maskcover as mc
from maskcover import InvalidInput, MaskcoverWarning
from maskcover.classifiers import as_classifier
from maskcover.data import Dataset, Preprocessing
from tests.adapters.test_torch_weights import Leaves

pytestmark = pytest.mark.usefixtures("one_thread")
NAME = "shufflenet_v2_x0_5"
MASKS = mc.cover(mc.squares(size=32), 224, grid=(2, 2))
NOISE = np.random.default_rng(0).integers(0, 256, (2, 240, 301, 3), dtype=np.uint8)
PHOTOS = Dataset("noise", ("a", "b"), np.array([1, 2]), lambda number: NOISE[number])


@pytest.fixture(scope="module")
def tuned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint of five classes, as a training script leaves it."""
    torch.manual_seed(3)
    path = tmp_path_factory.mktemp("checkpoints") / "tuned.pth"
    torch.save({"model": torchvision.models.get_model(NAME, num_classes=5).state_dict(), "epoch": 3}, path)
    return path


def test_a_checkpoint_brings_its_classes_and_the_name_its_transforms(tuned: Path) -> None:
    classifier = mc.load_classifier(f"torchvision:{NAME}", weights=str(tuned), batch_size=2)
    assert isinstance(classifier, TorchClassifier)
    saved = torch.load(tuned, weights_only=True)["model"]
    found = classifier.model.state_dict()
    assert all(torch.equal(value, found[name]) for name, value in saved.items())
    assert classifier.class_names is None  # which classes these are, the file does not say
    declared = classifier.preprocessing
    assert declared is not None
    theirs = get_model_weights(NAME).__members__["DEFAULT"].transforms()
    for picture in NOISE:
        assert np.array_equal(declared(picture), theirs(Image.fromarray(picture)).numpy())
    result = mc.certify(classifier, PHOTOS.prepared(declared), PHOTOS.true_labels, MASKS, probes=False)
    assert [verdict.error for verdict in result.verdicts] == [None, None]


@pytest.mark.parametrize(
    ("name", "weights", "told"),
    [
        ("resnet50", "IMAGENET1K_V1", "Resize(256), CenterCrop(224)"),
        ("resnet50", "DEFAULT", "Resize(232), CenterCrop(224)"),
        ("vit_l_16", "IMAGENET1K_SWAG_E2E_V1", 'Resize(512, kernel="bicubic"), CenterCrop(512)'),
        ("inception_v3", "DEFAULT", "Resize(342), CenterCrop(299)"),
    ],
)
def test_the_transforms_are_those_of_the_weights(name: str, weights: str, told: str) -> None:
    found = get_model_weights(name).__members__[weights]
    ours, theirs = preprocessing_of(found), found.transforms()
    assert str(ours).startswith(told)
    assert np.array_equal(ours(NOISE[0]), theirs(Image.fromarray(NOISE[0])).numpy())


def test_transforms_of_another_kind_are_refused() -> None:
    weights = torchvision.models.video.R3D_18_Weights.DEFAULT
    with pytest.raises(InvalidInput, match="VideoClassification, which are not supported"):
        preprocessing_of(weights)


def test_the_transforms_of_other_weights_may_be_named(tuned: Path, tmp_path: Path) -> None:
    torch.save(torchvision.models.resnet50(num_classes=2).state_dict(), tmp_path / "tuned.pth")
    made = mc.load_classifier("torchvision:resnet50", weights=str(tmp_path / "tuned.pth"), transforms="IMAGENET1K_V1")
    assert isinstance(made, TorchClassifier)
    assert made.preprocessing == preprocessing_of(get_model_weights("resnet50").__members__["IMAGENET1K_V1"])
    with pytest.raises(InvalidInput, match="no weights 'V9' of"):
        mc.load_classifier(f"torchvision:{NAME}", weights=str(tuned), transforms="V9")


def test_published_weights_bring_their_classes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a network: what would be fetched is handed over."""
    model = torchvision.models.resnet18()
    asked: list[dict[str, Any]] = []

    def fetched(_: Any, **options: Any) -> Any:
        asked.append(options)
        return model.state_dict()

    monkeypatch.setattr(ResNet18_Weights, "get_state_dict", fetched)
    monkeypatch.setenv("HF_HUB_OFFLINE", "0")
    for weights in ("pretrained", "IMAGENET1K_V1"):
        classifier = ADAPTER.load("resnet18", weights=weights)
        assert classifier.class_names == class_names_of(ResNet18_Weights.DEFAULT)
        assert (classifier.class_names or ())[:2] == ("tench", "goldfish")
    assert all(one["check_hash"] for one in asked)
    with pytest.warns(MaskcoverWarning, match="published with 1000 classes, so its head of 5 is new and random"):
        begun = ADAPTER.load("resnet18", num_classes=5)
    assert begun.class_names is None
    found, own = begun.model.state_dict(), model.state_dict()
    assert found["fc.weight"].shape == (5, 512)
    assert all(torch.equal(value, own[name]) for name, value in found.items() if not name.startswith("fc."))


def test_a_model_in_python_is_known_by_the_weights_that_are_named() -> None:
    model = torchvision.models.get_model(NAME).eval()
    bare = as_classifier(model, {})
    assert isinstance(bare, TorchClassifier)
    assert (bare.preprocessing, bare.class_names) == (None, None)  # it does not keep where it comes from
    known = ADAPTER.classifier(model, weights=ResNet18_Weights.DEFAULT)
    assert known.preprocessing == preprocessing_of(ResNet18_Weights.DEFAULT)
    assert known.class_names == class_names_of(ResNet18_Weights.DEFAULT)
    named = Preprocessing()
    assert ADAPTER.classifier(model, weights=ResNet18_Weights.DEFAULT, preprocessing=named).preprocessing == named
    with pytest.raises(InvalidInput, match=r"such as ResNet18_Weights\.DEFAULT; got 'DEFAULT'"):
        as_classifier(model, {"weights": "DEFAULT"})


def test_random_weights_are_the_same_each_time_and_leave_chance_alone() -> None:
    torch.manual_seed(5)
    before = torch.random.get_rng_state()
    one, other = (ADAPTER.load(NAME, weights="random", num_classes=3).model.state_dict() for _ in range(2))
    assert torch.equal(before, torch.random.get_rng_state())
    assert all(torch.equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize("aux", [True, False])
def test_googlenet_must_be_told_whether_it_scales_its_images(aux: bool, tmp_path: Path) -> None:
    model = torchvision.models.googlenet(num_classes=3, aux_logits=aux, init_weights=False)
    torch.save(model.state_dict(), tmp_path / "tuned.pth")
    with pytest.raises(InvalidInput, match="give transform_input=true if"):
        ADAPTER.load("googlenet", weights=str(tmp_path / "tuned.pth"))
    for scales in (True, False):
        made: Any = ADAPTER.load("googlenet", weights=str(tmp_path / "tuned.pth"), transform_input=scales)
        assert made.model.transform_input is scales
        assert made.model(torch.zeros(1, 3, 64, 64)).shape == (1, 3)
    with pytest.raises(InvalidInput, match="leave it out"):
        ADAPTER.load("resnet18", weights="random", transform_input=True)


def test_threat_55_a_checkpoint_of_torchvision_runs_no_code(tmp_path: Path) -> None:
    torch.save({"model": Leaves(tmp_path / "trace")}, tmp_path / "evil.pth")
    with pytest.raises(InvalidInput, match="its pickle is broken, or names code to run"):
        ADAPTER.load(NAME, weights=str(tmp_path / "evil.pth"))
    assert not (tmp_path / "trace").exists()


@pytest.mark.parametrize(
    ("name", "options", "named"),
    [
        ("resnet19", {}, "no classifier 'resnet19'; similar names: resnet1"),
        ("nothing_like_it", {}, r"list_models\(\)"),
        ("fcn_resnet50", {}, "no classifier 'fcn_resnet50'"),
        (NAME, {"weights": "nowhere.pth"}, "one of IMAGENET1K_V1, .* there is no file nowhere.pth"),
        (NAME, {"weights": __file__}, "no checkpoint that holds weights only"),
        ("vgg16", {"weights": "IMAGENET1K_FEATURES"}, "weights of features"),
        ("resnet34", {}, "not on this machine, at .*, and HF_HUB_OFFLINE forbids"),
    ],
)
def test_a_model_that_cannot_be_loaded_is_refused_with_the_remedy(
    name: str, options: Any, named: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(InvalidInput, match=named):
        mc.load_classifier(f"torchvision:{name}", **options)


def test_a_checkpoint_of_another_model_is_refused(tuned: Path) -> None:
    with pytest.raises(
        InvalidInput,
        match=r"cannot load squeezenet1_0 .*Missing key.*expected a file of torch.save.* of a squeezenet1_0",
    ):
        ADAPTER.load("squeezenet1_0", weights=str(tuned))
    with pytest.raises(InvalidInput, match="size mismatch for fc"):
        ADAPTER.load(NAME, weights=str(tuned), num_classes=6)
