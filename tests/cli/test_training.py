"""The command finetune: it trains, keeps what certify can use, and says what is wrong."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from maskcover import cover, squares
from tests.cli.conftest import Run, picture

pytestmark = pytest.mark.usefixtures("one_thread")
MODELS = "tests.cli.models"


@pytest.fixture
def shades(tmp_path: Path) -> Path:
    """Twenty-four dark and bright pictures, all different."""
    numbers = np.random.default_rng(0)
    for number in range(24):
        path = picture(tmp_path / f"shades/{number % 2}/{number:02}.png", 0)
        noise = numbers.integers(0, 60, (24, 24, 3)).astype(np.uint8)
        Image.fromarray(noise + np.uint8(150 * (number % 2))).save(path)
    return tmp_path / "shades"


@pytest.fixture
def command(shades: Path, tmp_path: Path) -> list[str]:
    cover(squares(size=4), image_size=24, grid=(3, 3)).save(tmp_path / "masks.json")
    return [
        "finetune", "--model", f"{MODELS}:linear", "--data", str(shades), "--masks", "masks.json", "--out", "OUT",
        "--mean", "0.5", "--std", "0.5", "--epochs", "2", "--batch-size", "4", "--lr", "0.01",
        "--validation-share", "0.25",
    ]  # fmt: skip


def test_a_model_is_trained_kept_and_reported(run: Run, command: list[str], tmp_path: Path) -> None:
    found = run(*command)
    assert found.code == 0
    assert "epoch 0: as given" in found.out
    assert "certified 100.0% of 6 validation images" in found.out
    assert "weights: OUT/weights.pt" in found.out
    assert found.err == ""
    kept = json.loads((tmp_path / "OUT/history.json").read_text())
    assert [one["number"] for one in kept["epochs"]] == [0, 1, 2]
    assert kept["config"]["source.model"] == f"{MODELS}:linear"
    assert (kept["config"]["train.count"], kept["config"]["validation.count"]) == (18, 6)
    assert "size=Fraction(4, 7)" in kept["config"]["hiding"]


def test_the_same_command_goes_on_and_another_one_is_refused(run: Run, command: list[str], tmp_path: Path) -> None:
    first = run(*command, "--json")
    weights = (tmp_path / "OUT/weights.pt").read_bytes()
    # The weights are random: the seed makes them the same at each start.
    again = run(*command, "--json")
    assert (again.code, again.json) == (0, first.json)
    assert (tmp_path / "OUT/weights.pt").read_bytes() == weights
    other = run(*command, "--seed", "1")
    assert (other.code, other.out) == (2, "")
    assert "OUT holds another training" in other.err
    assert "recipe.seed: 0 before, 1 now" in other.err
    assert run(*command, "--seed", "1", "--out", "OTHER").code == 0


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--cutout", "5px", "--cutout-count", "3"], "Cutout(size=5, count=3"),
        (["--cutout", "0.25", "--fill", "0.5"], "fill=(0.5,)"),
        (["--random-masks", "2"], "RandomMasks(per_image=2"),
        (["--share", "0.5"], "Constant(share=0.5)"),
        (["--schedule", "ramp", "--share", "0.8"], "Ramp(first=0.0, last=0.8, until=1.0)"),
        (["--schedule", "step"], "Step(before=0.0, after=1.0, at=0.5)"),
    ],
)
def test_what_is_hidden_is_what_was_asked_for(run: Run, command: list[str], options: list[str], told: str) -> None:
    found = run(*command, *options, "--epochs", "1", "--json")
    assert found.code == 0
    assert told in found.json["config"]["hiding"]


def test_recipes_are_those_that_were_asked_for(run: Run, command: list[str]) -> None:
    options = ("--optimizer", "sgd", "--momentum", "0.5", "--lr-schedule", "constant", "--amp", "bfloat16")
    config = run(
        *command, *options, "--weight-decay", "0", "--validation-images", "3", "--keep", "last", "--json"
    ).json["config"]
    told = {name.removeprefix("recipe."): value for name, value in config.items() if name.startswith("recipe.")}
    assert told == {
        "epochs": 2, "batch_size": 4, "optimizer": "sgd", "lr": 0.01, "momentum": 0.5, "weight_decay": 0.0,
        "schedule": "constant", "amp": "bfloat16", "validation_images": 3, "keep": "last", "seed": 0,
    }  # fmt: skip


def test_parts_of_a_data_set_are_trained_and_validated_with(run: Run, command: list[str], tmp_path: Path) -> None:
    numbers = np.random.default_rng(0)
    arrays: dict[str, Any] = {
        f"{letter}_{part}": values
        for part, count in (("train", 12), ("test", 8))
        for letter, values in (
            ("x", numbers.integers(0, 256, (count, 24, 24, 3)).astype(np.uint8)), ("y", np.arange(count) % 2)
        )
    }  # fmt: skip
    np.savez(tmp_path / "noise.npz", **arrays)
    data = ("--data", "noise.npz", "--split", "train")
    both = run(*command, *data, "--validation-split", "test", "--sample", "10", "--json").json["config"]
    assert (both["train.count"], both["validation.count"], both["source.validation_split"]) == (10, 8, "test")
    shared = run(*command, *data, "--out", "OTHER", "--json").json["config"]
    assert (shared["train.count"], shared["validation.count"]) == (9, 3)
    same = run(*command, *data, "--validation-split", "train")
    assert (same.code, "is the part that is trained with" in same.err) == (2, True)
    unsaid = run(*command, "--data", "noise.npz")
    assert (unsaid.code, "--split train" in unsaid.err) == (2, True)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (["--model", f"{MODELS}:brightness"], "no parameter to train"),
        (["--model", f"{MODELS}:crash"], "AttributeError"),
        (["--model", f"{MODELS}:NOT_A_MODEL"], "no adapter knows a int"),
        (["--data", "nowhere"], "there is no file or folder nowhere"),
        (["--masks", "nowhere.json"], "cannot read nowhere.json"),
        (["--optimizer", "adam"], "optimizer must be one of adamw, sgd"),
        (["--schedule", "sudden"], "--schedule must be one of constant, ramp, step"),
        (["--cutout", "25px"], "squares of 25 px do not fit images of 24×24"),
        (["--cutout", "wide"], "size"),
        (["--cutout", "5px", "--random-masks", "1"], "not both"),
        (["--validation-share", "1"], "--validation-share must lie between 0 and 1"),
        (["--limit", "1"], "leave images on both sides"),
        (["--lr", "nan"], "lr must be a finite number"),
        (["--lr", "1e30"], "the loss became"),
        (["--share", "2"], "--share"),
        (["--intervals", "worst"], "placements must be one of all, random, guided"),
        (["--intervals", "all", "--cutout", "5px"], "--intervals hides nothing"),
        (["--pixels", "0,1"], "--pixels is for --intervals"),
        (["--epochs", "0"], "--epochs"),
        (["--regions", "squares(size=9)"], "nothing can be certified with these masks"),
        (["--out", "/dev/null/OUT"], "cannot write to the folder"),
    ],
)
def test_bad_input_exits_with_2_and_says_why(run: Run, command: list[str], changed: list[str], message: str) -> None:
    found = run(*command, *changed)
    assert (found.code, found.out) == (2, "")
    assert message in found.err


def test_a_missing_framework_names_the_extra(run: Run, command: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "maskcover_torch.training", None)
    found = run(*command)
    assert found.code == 2
    assert re.search(r"pip install .*\[torch\]'", found.err)


def test_the_trained_weights_certify(run: Run, command: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    assert run(*command).code == 0
    monkeypatch.setenv("MASKCOVER_TEST_WEIGHTS", "OUT/weights.pt")
    data = command[command.index("--data") + 1]
    found = run(
        "certify", "--model", f"{MODELS}:trained", "--data", data, "--masks", "masks.json", "--mean", "0.5",
        "--std", "0.5", "--batch-size", "8", "--min-margin", "1e-4",
    )  # fmt: skip
    assert (found.code, "24 of 24 images certified" in found.out) == (0, True)


def test_bounds_are_trained_and_certified_by_intervals(run: Run, command: list[str]) -> None:
    """The validation images are certified by interval bounds after each epoch."""
    network = ["--model", f"{MODELS}:interval_net", "--intervals", "guided", "--epochs", "1", "--json"]
    found = run(*command, *network)
    assert found.code == 0, found.err
    assert found.json["config"]["certify.procedure"] == "intervals()"
    assert found.json["config"]["hiding"].startswith("IntervalTraining(")
    assert found.json["epochs"][-1]["certified"] > 0
