"""The examples run, shortened, and say what they promise."""

from __future__ import annotations

import gzip
import importlib.util
import shlex
import shutil
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import typer

import maskcover
from maskcover.cli import app

pytestmark = pytest.mark.usefixtures("one_thread")

FOLDER = Path(__file__).parent.parent.parent / "examples"
SHORT = {
    "01_cover_and_verify": ["--image-size", "224"],
    "02_mnist_certified": ["--epochs", "1", "--test", "20"],
    "03_your_own_model": ["--test", "5"],
    "04_fashion_mnist": ["--train", "200", "--test", "8", "--epochs", "1", "--jobs", "1", "--batch-size", "64"],
    "05_imagenet": ["--dry-run", "--limit", "10"],
    "07_one_run": ["--train", "200", "--images", "4", "--epochs", "1", "--batch-size", "64"],
    "08_read_signs": ["--signs", "1"],
    "09_policy": ["--images", "4", "--written", "1"],
    "10_several_labels": ["--images", "4", "--attacked", "1", "--train", "100"],
    "06_choose_masks": ["--train", "200", "--half", "4", "--epochs", "1", "--batch-size", "64"],
}
SAYS = {
    "10_several_labels": ("one attacked region an image", "average precision", "true positives: 0 of "),
    "09_policy": ("a policy: ", "an image-text model: 1 of 1 images certified", "predictions repeat to the bit"),
    "01_cover_and_verify": ("covers: each of the 1,401,915 placements", "no mask contains", "300 masks, 15250"),
    "02_mnist_certified": ("36 masks of 64 px cover squares(size=5)", "certified, any 5×5", "95 % interval"),
    "03_your_own_model": ("any Python object: ", "a torch module:    "),
    "05_imagenet": ("# Tables 2 and 3", "# Table 4", "# Table 5", "timm:vit_base_patch16_224", "--limit 10"),
}


def load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"example_{name}", FOLDER / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # where dataclasses look for what annotations name
    spec.loader.exec_module(module)
    return module


def test_every_example_is_tested() -> None:
    models = {"studied_models"}  # tests/examples/test_studied_models.py
    assert {path.stem for path in FOLDER.glob("*.py")} - models == set(SHORT)


@pytest.fixture(scope="module")
def clothes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four IDX files like those of Fashion-MNIST: classes are brightness, one pair of files is gzipped."""
    folder, numbers = tmp_path_factory.mktemp("fashion"), np.random.default_rng(0)
    for split, count in (("train", 200), ("t10k", 20)):
        labels = numbers.integers(0, 10, count).astype(np.uint8)
        pixels = (25 * labels[:, None, None] + numbers.integers(0, 20, (count, 28, 28))).astype(np.uint8)
        for name, values in (("images-idx3", pixels), ("labels-idx1", labels)):
            head = bytes([0, 0, 8, values.ndim]) + np.array(values.shape, ">i4").tobytes()
            content = head + values.tobytes()
            plain = folder / f"{split}-{name}-ubyte"
            if split == "train":
                plain.write_bytes(content)
            else:
                plain.with_name(f"{plain.name}.gz").write_bytes(gzip.compress(content))
    return folder


@pytest.mark.parametrize("name", sorted(SAYS))
def test_the_example_runs(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    load(name).main(SHORT[name])
    printed = capsys.readouterr().out
    assert [text for text in SAYS[name] if text not in printed] == []


@pytest.mark.skipif(shutil.which("tesseract") is None, reason="tesseract is not installed")
def test_a_sticker_changes_the_bare_reader_and_not_the_defended_one(capsys: pytest.CaptureFixture[str]) -> None:
    load("08_read_signs").main(SHORT["08_read_signs"])
    printed = capsys.readouterr().out
    assert "1 of 1 images certified" in printed
    assert "answers: B4072KX" in printed
    assert "undefended B4072KXNOT, defended B4072KX" in printed


def test_without_tesseract_the_reader_says_what_to_install(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: None)
    load("08_read_signs").main([])
    assert "apt install tesseract-ocr" in capsys.readouterr().out


def test_the_fashion_table_has_a_row_for_each_model_training_and_patch(
    capsys: pytest.CaptureFixture[str], clothes: Path
) -> None:
    fashion = load("04_fashion_mnist")
    rows = fashion.main([*SHORT["04_fashion_mnist"], "--data", str(clothes), "--markdown"])
    printed = capsys.readouterr().out
    assert [(row.model, row.training, row.patch) for row in rows] == [
        (model, training, patch)
        for model in ("CNN", "ViT")
        for training in ("plain", "Cutout")
        for patch in ("3×3", "4×4", "5×5")
    ]
    assert all(f"| {' | '.join(row.cells())} |" in printed for row in rows)
    assert all(0 <= row.certified <= row.defended <= row.total == 8 for row in rows)
    fashion.printed(rows)
    assert "8 test images of Fashion-MNIST" in capsys.readouterr().out


def test_masks_are_chosen_on_either_half_and_compared_on_the_other(
    capsys: pytest.CaptureFixture[str], clothes: Path, tmp_path: Path
) -> None:
    weights = ["--weights", str(tmp_path / "weights.pt")]
    comparisons = load("06_choose_masks").main([*SHORT["06_choose_masks"], "--data", str(clothes), *weights])
    printed = capsys.readouterr().out
    assert [one.half for one in comparisons] == ["first half", "second half"]
    first, second = (set(one.choice.images.digests) for one in comparisons)
    assert len(first) == len(second) == 4
    assert not first & second
    for one in comparisons:
        assert len(one.winner) == len(one.default) == 4
        assert one.choice.winner.cost("serving") <= one.budget
        assert f"| {' | '.join(one.cells())} |" in printed
    assert (tmp_path / "weights.pt").exists()


def test_one_run_answers_for_many_claims_and_its_network_is_trained_once(
    capsys: pytest.CaptureFixture[str], clothes: Path, tmp_path: Path
) -> None:
    arguments = [*SHORT["07_one_run"], "--data", str(clothes), "--out", str(tmp_path)]
    load("07_one_run").main(arguments)
    printed = capsys.readouterr().out
    for words in ("the other rule:", "2 patches, each squares", "rectangles: fraction", "with margins above 0.1"):
        assert words in printed
    assert printed.count(" on 4 images, against ") == 2
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.pt")}
    load("07_one_run").main(arguments)
    again = capsys.readouterr().out
    assert again.split("all of this")[0] == printed.split("all of this")[0]
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.pt")} == before


def test_missing_data_are_named_with_where_to_get_them(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match=r"apt install dataset-fashion-mnist.*--data FOLDER"):
        load("04_fashion_mnist").main(["--data", str(tmp_path / "nowhere"), "--jobs", "1"])


def test_every_cell_of_the_papers_tables_has_a_command_and_its_masks(capsys: pytest.CaptureFixture[str]) -> None:
    imagenet = load("05_imagenet")
    commands = imagenet.main(["--data", "D", "--checkpoints", "C", "--out", "R"])
    printed = capsys.readouterr().out
    assert all(shlex.join(command) in printed for command in commands)
    covers, runs = ([one for one in commands if one[1] == name] for name in ("cover", "certify"))
    # Table 2 has 24 pairs of numbers, Table 4 has 12, Table 5 has 18; 6 of CIFAR are in the frame of the source.
    assert len(runs) == 24 + 12 + 18 + 6
    assert sum("--frame" in one for one in runs) == 6
    assert {one[one.index("--masks") + 1] for one in runs if "--masks" in one} == {
        one[one.index("--output") + 1] for one in covers
    }
    assert {one[one.index("--model") + 1] for one in runs} == {f"timm:{name}" for name in imagenet.MODELS.values()}
    assert "C/cifar10/resmlp-plain.pth" in {one[one.index("--weights") + 1] for one in runs}
    # One run, one folder: the tables share those that they have in common.
    folders = {one[one.index("--out") + 1]: tuple(one) for one in runs}
    assert len(folders) == len({tuple(one) for one in runs})


def test_every_command_of_the_papers_tables_can_be_read() -> None:
    program = typer.main.get_command(app)
    for _, name, *arguments in load("05_imagenet").main([]):
        command = program.commands[name]  # type: ignore[attr-defined]  # it is a group
        read = command.make_context(name, arguments).params
        if name == "certify":
            assert read["device"] is None  # the GPU if there is one
            assert (read["min_margin"], read["at_least"], read["override"]) == (1e-4, "0", read["mean"] is not None)
            assert (read["option"] == ["num_classes=10"]) is ("imagenet/" not in read["weights"])


def test_the_papers_tables_are_computed_where_it_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    commands = load("05_imagenet").main(["--device", "cuda:1"])
    assert {tuple(one[-2:]) for one in commands if one[1] == "certify"} == {("--device", "cuda:1")}
    assert "--device cuda:1" in capsys.readouterr().out


def test_the_regions_of_the_papers_tables_are_those_of_the_paper() -> None:
    texts = load("05_imagenet").REGIONS
    told = {name: str(maskcover.parse_regions(text).describe(224)) for name, text in texts.items()}
    sides = {"0.01": 23, "0.02": 32, "0.03": 39, "0.004": 15, "0.024": 35}
    assert [share for share, side in sides.items() if f"{side}×{side}" not in told[f"square-{share}"]] == []
