"""`--model` by name: the model's own preprocessing, options for its adapter, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
import torchvision  # type: ignore[import-untyped]  # has no types
from PIL import Image
from sklearn.linear_model import LogisticRegression

import maskcover as mc
from tests.adapters.test_contract import SIDE, Net, exported
from tests.cli.conftest import Run
from tests.data import test_idx

TIMM = ("--model", "timm:test_resnet", "--weights", "random", "--option", "num_classes=3", "--batch-size", "4")
REGIONS = ("--regions", "squares(size=16)")


@pytest.fixture
def noise(tmp_path: Path) -> str:
    """Two pictures of class 1."""
    (tmp_path / "noise/1").mkdir(parents=True)
    for number in range(2):
        pixels = np.random.default_rng(number).integers(0, 256, (180, 200, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(tmp_path / f"noise/1/{number}.png")
    return str(tmp_path / "noise")


@pytest.mark.usefixtures("one_thread")
def test_a_timm_model_brings_its_preprocessing_and_its_input_size(run: Run, noise: str) -> None:
    mc.cover("squares(size=16)", 160, grid=(2, 2)).save("masks.json")  # few, for speed
    found = run("certify", *TIMM, "--data", noise, "--masks", "masks.json", "--out", "RUN")
    assert found.code in (0, 1), found.err
    config = json.loads(Path("RUN/run.json").read_text())
    assert "Resize(size=168, kernel='bilinear'" in config["fingerprint"]["preprocessing"]
    assert "mean=(0.5, 0.5, 0.5)" in config["fingerprint"]["preprocessing"]
    assert config["source"]["options"] == ["num_classes=3"]
    assert run("replay", "RUN").code == 0
    assert run("predict", *TIMM, "--data", noise, *REGIONS).code == 0


@pytest.mark.parametrize(
    ("more", "named"),
    [
        (("--mean", "0.485"), "not prepared as the model declares"),
        (("--input-size", "96"), "the masks are for 96×96, but the model takes 160×160"),
        (("--option", "nothing"), "--option expects NAME=VALUE"),
        (("--option", "nothing=1"), "there is no option 'nothing'"),
        (("--weights", "nowhere.pth"), "there is no file nowhere.pth"),
        (("--model", "timm:nothing"), "timm has no model 'nothing'"),
    ],
)
@pytest.mark.usefixtures("one_thread")
def test_what_does_not_fit_the_model_is_refused(run: Run, noise: str, more: tuple[str, str], named: str) -> None:
    found = run("certify", *TIMM, "--data", noise, *REGIONS, *more)
    assert found.code == 2
    assert named in found.err


@pytest.mark.usefixtures("one_thread")
def test_another_preprocessing_is_taken_if_it_is_asked_for(run: Run, noise: str) -> None:
    more = ("--override-preprocessing", "--input-size", "96", "--mean", "0.5", "--std", "0.25")
    found = run("certify", *TIMM, "--data", noise, *REGIONS, *more, "--json")
    assert found.code in (0, 1), found.err
    told = found.json
    assert told["image_size"] == [96, 96]
    assert "Fit(size=(96, 96)" in told["fingerprint"]["preprocessing"]
    assert "mean=(0.5, 0.5, 0.5), std=(0.25, 0.25, 0.25)" in told["fingerprint"]["preprocessing"]


def test_a_model_that_does_not_say_how_images_are_prepared_is_told_of(run: Run, noise: str) -> None:
    common = ("--model", "tests.cli.models:brightness", "--data", noise, *REGIONS, "--batch-size", "8")
    assert "does not say how images are prepared; using Fit((224, 224)); mean 0, std 1" in run("predict", *common).err
    assert "images are prepared" not in run("predict", *common, "--mean", "0.5").err


def test_an_onnx_file_gives_the_size_of_its_images(run: Run, noise: str, tmp_path: Path) -> None:
    """A file for images of one size needs no --input-size; another one that is typed, or that of masks, is refused."""
    onnx.save(exported(Net()), tmp_path / "model.onnx")
    command = ("certify", "--model", "onnx:model.onnx", "--data", noise, "--json")
    small = ("--regions", "squares(size=4)")
    found = run(*command, *small)
    assert found.code == 0, found.err
    assert found.json["image_size"] == [SIDE, SIDE]
    assert f"using Fit(({SIDE}, {SIDE})); mean 0, std 1" in found.err
    assert "type --mean, --std and --input-size" in found.err
    assert run(*command, *small, "--input-size", str(SIDE)).json["image_size"] == [SIDE, SIDE]
    assert run(*command, *small, "--input-size", str(2 * SIDE)).code == 2
    mc.cover(mc.squares(size=4), 2 * SIDE, grid=(2, 2)).save(tmp_path / "large.json")
    assert run(*command, "--masks", "large.json").code == 2


def test_an_estimator_certifies_grey_digits(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """scikit-learn on IDX: channels last, one of them, flattened."""
    dark, light = (np.full((8, 8), value, np.uint8) for value in (20, 230))
    test_idx.write(tmp_path, "test", np.stack([dark, light]), np.array([0, 1], np.uint8))
    (tmp_path / "digits_model.py").write_text(
        "import numpy as np\nfrom sklearn.linear_model import LogisticRegression\n"
        "def fitted():\n    return LogisticRegression(C=100).fit(np.repeat([[0.0], [1.0]], 64, axis=1), [0, 1])\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    found = run(
        "certify", "--model", "digits_model:fitted", "--data", f"idx:{tmp_path}", "--channels", "1",
        "--input-size", "8",
        "--regions", "squares(size=1)", "--fill", "0.5", "--json",
    )  # fmt: skip
    assert found.code == 0, found.err
    assert found.json["certified"] == 2
    assert "channels=1, layout='hwc'" in found.json["fingerprint"]["preprocessing"]
    assert LogisticRegression.__name__ in found.json["fingerprint"]["architecture"]


def test_the_installed_adapters_are_listed(run: Run) -> None:
    found = run("models")
    assert found.code == 0
    for text in (
        "timm:NAME",
        "torchvision:NAME",
        "hf:FOLDER",
        "onnx:FILE",
        "objects of sklearn",
        "package.module:name",
    ):
        assert text in found.out
    assert {one["name"] for one in run("models", "--json").json["adapters"]} >= {
        "torch",
        "timm",
        "hf",
        "onnx",
        "sklearn",
    }


@pytest.mark.usefixtures("one_thread")
def test_a_tuned_network_of_torchvision_and_a_folder_of_photos_are_one_command(run: Run, photos: Path) -> None:
    torch.manual_seed(0)
    torch.save(torchvision.models.get_model("shufflenet_v2_x0_5", num_classes=2).state_dict(), "tuned.pth")
    found = run(
        "certify", "--model", "torchvision:shufflenet_v2_x0_5", "--weights", "tuned.pth", "--data", str(photos),
        "--regions", "squares(size=64)", "--method", "detect", "--threshold", "0.9", "--batch-size", "2", "--limit",
        "1", "--json",
    )  # fmt: skip
    assert found.code in (0, 1), found.err
    assert found.json["image_size"] == [224, 224]
    assert "Resize(size=256" in found.json["fingerprint"]["preprocessing"]


@pytest.mark.usefixtures("one_thread")
def test_a_grey_model_of_timm_is_told_how_its_images_are_scaled(run: Run, noise: str) -> None:
    grey = ("certify", *TIMM, "-O", "in_chans=1", "--data", noise, *REGIONS, "--limit", "1")
    found = run(*grey)
    assert found.code == 2
    assert "built for images of 1 channels" in found.err
    more = ("--channels", "1", "--mean", "0.5", "--std", "0.25", "--input-size", "64", "--override-preprocessing")
    found = run(*grey, *more, "--json")
    assert found.code in (0, 1), found.err
    assert "mean=(0.5,), std=(0.25,), channels=1" in found.json["fingerprint"]["preprocessing"]


@pytest.mark.usefixtures("one_thread")
def test_tokens_are_dropped_by_a_text_and_a_run_keeps_it(run: Run, noise: str) -> None:
    common = (
        "--model", "timm:test_vit", "--weights", "random", "--option", "num_classes=3", "--batch-size", "1",
        "--fill", "drop_tokens(16)", "--data", noise,
    )  # fmt: skip
    mc.cover("squares(size=16)", 160, grid=(2, 2), align=16).save("masks.json")
    found = run("certify", *common, "--masks", "masks.json", "--out", "RUN")
    assert found.code in (0, 1), found.err
    config = json.loads(Path("RUN/run.json").read_text())
    assert config["source"]["fill"] == config["fingerprint"]["fill"] == "drop_tokens(16)"
    assert run("replay", "RUN").code == 0
    mc.cover("squares(size=16)", 160, grid=(2, 2)).save("others.json")
    refused = run("certify", *common, "--masks", "others.json")
    assert refused.code == 2
    assert "align=16" in refused.err
