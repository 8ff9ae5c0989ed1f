"""The page of the first hour: its commands run, with small networks in the place of those of its readers."""

from __future__ import annotations

import pickle
import warnings
from pathlib import Path

import numpy as np
import onnx
import pytest
import timm
import torch
import transformers
from PIL import Image
from typer.testing import CliRunner

from maskcover.cli import app
from tests.adapters.test_contract import Net, exported
from tests.docs.test_pages import blocks

pytestmark = pytest.mark.usefixtures("one_thread")
PAGE = "first-hour.md"
CLASSES = ("astronaut", "cat", "coffee", "horse", "rocket")


def commands(file: str) -> list[list[str]]:
    """The words of each command of the console block that names this file, without the program's own."""
    (found,) = (one.commands for one in blocks(PAGE) if one.kind == "console" and file in one.text)
    assert {words[0] for words in found} == {"maskcover"}
    return [words[1:] for words in found]


def run(command: list[str], **other: str) -> str:
    """What a command prints, with other words in the place of some of its own."""
    words = [other.get(word.replace(":", "_"), word) for word in command]
    result = CliRunner().invoke(app, words)
    assert result.exit_code == 0, result.output
    return result.output


def photos(folder: Path) -> None:
    for number, name in enumerate(CLASSES):
        path = folder / "photos" / name / "IMG_0001.jpg"
        path.parent.mkdir(parents=True)
        pixels = np.random.default_rng(number).integers(0, 256, (180, 200, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(path)


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty folder with photos, in which commands are typed."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(warnings, "showwarning", warnings.showwarning)  # which commands replace
    photos(tmp_path)


def checkpoint(path: str, classes: int) -> None:
    torch.manual_seed(0)
    torch.save(timm.create_model("test_resnet", num_classes=classes).state_dict(), path)


def test_a_checkpoint_and_photos() -> None:
    checkpoint("resnet18.pth", len(CLASSES))
    certify, report = commands("resnet18.pth")
    assert "5 of 5 images done" in run([*certify, "--batch-size", "16"], timm_resnet18="timm:test_resnet")
    run(report)
    assert "squares(area=0.02)" in Path("report.html").read_text(encoding="utf-8")


def test_a_folder_of_transformers() -> None:
    torch.manual_seed(0)
    config = transformers.ViTConfig(
        image_size=32, patch_size=8, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16,
        id2label=dict(enumerate(reversed(CLASSES))),
    )  # fmt: skip
    transformers.ViTForImageClassification(config).eval().save_pretrained("my-vit")
    transformers.ViTImageProcessor(size={"height": 32, "width": 32}).save_pretrained("my-vit")
    (certify,) = commands("my-vit")
    said = run([*certify, "--batch-size", "16"])
    assert "5 of 5 images done" in said
    assert "Loading weights" not in said


def test_an_onnx_file() -> None:
    onnx.save(exported(Net()), "model.onnx")
    (certify,) = commands("model.onnx")
    assert "5 of 5 images done" in run(certify)


@pytest.mark.parametrize("own", [False, True])
def test_cifar_in_the_frame_of_the_source(*, own: bool) -> None:
    """With the preprocessing of timm, and with one that is typed as the page says, at a smaller size."""
    folder = Path("cifar-10-batches-py")
    folder.mkdir()
    pixels = np.random.default_rng(0).integers(0, 256, (101, 3072), dtype=np.uint8)
    (folder / "test_batch").write_bytes(pickle.dumps({b"data": pixels, b"labels": [n % 10 for n in range(101)]}, 2))
    checkpoint("cifar.pth", 10)
    (certify,) = commands("cifar.pth")
    typed = ["--input-size", "32", "--mean", "0.491,0.482,0.447", "--std", "0.247,0.243,0.262"]
    words = [*certify, "--batch-size", "16", *([*typed, "--override-preprocessing"] if own else [])]
    words[words.index("100")] = "2"
    said = run(words, timm_resnet18="timm:test_resnet")
    assert "2 of 2 images done" in said
    assert "Frame: the source images, before " + ("Fit((32, 32))" if own else "Resize(168)") in said
