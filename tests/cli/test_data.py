"""The commands on data sets of every format: labels, parts, samples, and files that are odd."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image
from pyarrow import parquet

from tests.cli.conftest import Run, picture
from tests.data import test_huggingface, test_idx, test_webdataset
from tests.data.files import png
from tests.data.test_cifar import python2
from tests.data.test_pictures import ODD, odd_files

MODEL = ("--model", "tests.cli.models:brightness", "--mean", "0.5", "--std", "0.5", "--batch-size", "8")
MASKS = ("--regions", "squares(size=4)", "--input-size", "24")
COMMON = (*MODEL, *MASKS)
DARK, LIGHT = (np.full((24, 24, 3), value, np.uint8) for value in (10, 240))


def rows(folder: Path) -> dict[str, dict[str, Any]]:
    parts = sorted((folder / "shards").iterdir())
    return {row["id"]: row for path in parts for row in parquet.read_table(path).to_pylist()}


def cifar10(folder: Path) -> str:
    pixels = np.repeat(np.array([[10], [240]], np.uint8), 3072, axis=1)
    (folder / "test_batch").write_bytes(python2({"data": pixels, "labels": [0, 1]}))
    return f"cifar10:{folder}"


def idx(folder: Path) -> str:
    test_idx.write(folder, "test", np.stack([DARK, LIGHT])[..., 0], np.array([0, 1], np.uint8))
    return str(folder)


def npz(folder: Path) -> str:
    np.savez(folder / "a.npz", x_test=np.stack([DARK, LIGHT]), y_test=np.array([0, 1]))
    return str(folder / "a.npz")


def wds(folder: Path) -> str:
    members = {"0.png": png(DARK), "0.cls": b"0", "1.png": png(LIGHT), "1.cls": b"1"}
    return f"wds:{test_webdataset.shard(folder / 'a.tar', members)}"


def table(folder: Path) -> str:
    picture(folder / "d.png", 10)
    picture(folder / "l.png", 240)
    (folder / "t.csv").write_text("path,label\nd.png,0\nl.png,1\n")
    return str(folder / "t.csv")


def hf(folder: Path) -> str:
    images = [{"bytes": png(DARK), "path": None}, {"bytes": png(LIGHT), "path": None}]
    return str(test_huggingface.rewritten(folder / "data", pa.array([0, 1]), images))


@pytest.mark.parametrize("make", [cifar10, idx, npz, wds, table, hf])
def test_every_format_is_certified_kept_replayed_and_predicted(
    run: Run, make: Callable[[Path], str], tmp_path: Path
) -> None:
    data = tmp_path / "data set"
    data.mkdir()
    command = (*COMMON, "--data", make(data))
    found = run("certify", *command, "--out", "RUN", "--json")
    assert (found.code, found.json["certified"]["count"], found.json["sample"]) == (0, 2, None)
    assert run("replay", "RUN", *MODEL[:2]).code == 0
    again = run("certify", *command, "--json")
    assert [row["id"] for row in again.json["images"]] == list(rows(Path("RUN")))
    assert [row["label"] for row in run("predict", *command, "--json").json["images"]] == [0, 1]


def test_threat_18_odd_files_are_rows_of_errors_and_the_others_are_right(run: Run, tmp_path: Path) -> None:
    data = tmp_path / "data"
    odd = {path.name for name, path in odd_files(data / "light").items() if name != "missing"}
    assert len(odd) == len(ODD) - 1
    exif = Image.Exif()
    exif[0x0112] = 6
    sheet = Image.fromarray(LIGHT)
    sheet.save(data / "light/turned.jpg", exif=exif)
    for mode in ("L", "CMYK"):
        sheet.convert(mode).save(data / f"light/{mode}.jpg")
    picture(data / "dark/dark.png", 10)
    found = run("certify", *COMMON, "--data", str(data), "--out", "RUN", "--at-least", "1")
    assert found.code == 3
    kept = rows(Path("RUN"))
    assert {Path(name).name for name, row in kept.items() if row["verdict"] == "error"} == odd
    assert all(Path(name).name in row["reason"] for name, row in kept.items() if row["verdict"] == "error")
    right = {Path(name).name for name, row in kept.items() if row["verdict"] == "certified"}
    assert right == {"dark.png", "turned.jpg", "L.jpg", "CMYK.jpg"}


@pytest.fixture
def many(tmp_path: Path) -> Path:
    for number in range(6):
        picture(tmp_path / f"many/0/{number}.png", 10 + number)
    return tmp_path / "many"


def test_threat_34_a_sample_is_told_with_its_size_its_seed_and_an_interval(run: Run, many: Path) -> None:
    command = ("certify", *COMMON, "--data", str(many), "--sample", "4", "--seed", "7")
    kept = run(*command, "--out", "RUN", "--json")
    sample = {"count": 4, "of": 6, "seed": 7}
    assert (kept.code, kept.json["sample"]) == (0, sample)
    assert json.loads(Path("RUN/run.json").read_text())["sample"] == sample
    shown = run("report", "RUN").out
    assert "a sample of 4 of 6 (seed 7)" in shown
    assert "95 % interval 39.76% to 100.00%" in shown
    told = run(*command)
    assert "Only a sample of 4 of 6 (seed 7) images" in told.out
    assert "95 % interval 39.8% to 100.0%" in told.out
    ids = [row["id"] for row in run(*command, "--json").json["images"]]
    assert ids == list(rows(Path("RUN")))
    assert len(ids) == 4


def test_the_same_sample_is_replayed_attacked_and_resumed(run: Run, many: Path) -> None:
    command = ("certify", *COMMON, "--data", str(many), "--sample", "4", "--out", "RUN", "--shard-size", "3")
    assert run(*command, "--shard", "0/2", "--at-least", "1").code == 3
    resumed = run(*command, "--json")
    assert (resumed.code, resumed.json["rows"]) == (0, 4)
    assert (run("replay", "RUN", *MODEL[:2], "--json").json["rows"]) == 4
    assert run("attack", "RUN", *MODEL[:2], "--placements", "1", "--steps", "1").code == 0
    other = run(*command, "--seed", "1")
    assert other.code == 2
    assert "samples.ids" in other.err


def test_a_run_that_knows_nothing_of_samples_goes_on(run: Run, many: Path) -> None:
    command = ("certify", *COMMON, "--data", str(many), "--limit", "2", "--out", "RUN")
    run(*command)
    path = Path("RUN/run.json")
    config = json.loads(path.read_text()) | {"schema": 1}
    (Path("RUN") / "shards/00000.parquet").unlink()  # what there is now says that it is of a later version
    for name in ("digest", "example"):
        del config[name]
    assert config.pop("sample") == {"count": 2, "of": 6, "seed": None}
    for name in ("split", "classes", "sample", "seed"):
        del config["source"][name]
    path.write_text(json.dumps(config))
    assert run(*command).code == 0
    assert run("replay", "RUN", *MODEL[:2]).code == 0
    assert "the first" not in run("report", "RUN").out
    path.write_text(json.dumps(config | {"sample": {"of": 3}}))
    assert run("report", "RUN").code == 2


def test_parts_and_classes_can_be_named(run: Run, tmp_path: Path) -> None:
    picture(tmp_path / "data/val/bright/a.png", 240)
    picture(tmp_path / "data/val/dim/b.png", 10)
    picture(tmp_path / "data/train/dim/c.png", 10)
    (tmp_path / "classes.txt").write_text("dim\nbright\n")
    command = ("certify", *COMMON, "--data", "data")
    unnamed = run(*command)
    assert (unnamed.code, "name one with split= (--split)" in unnamed.err) == (2, True)
    wrong = run(*command, "--split", "val", "--json", "--at-least", "1")
    assert (wrong.code, wrong.json["certified"]) == (1, 0)
    assert run(*command, "--split", "val", "--classes", "classes.txt").code == 0
    assert "and the model 5" in run(*command, "--split", "val", "--classes", "5").err
    assert run("predict", *COMMON, "--data", "data", "--split", "val").code == 0


def test_pictures_without_labels_are_predicted_and_not_certified(run: Run, tmp_path: Path) -> None:
    for name in ("b.png", "deep/a.png"):
        picture(tmp_path / "data" / name, 240)
    found = run("predict", *COMMON, "--data", "data", "--json")
    assert [(row["id"], row["label"]) for row in found.json["images"]] == [("b.png", 1), ("deep/a.png", 1)]
    refused = run("certify", *COMMON, "--data", "data")
    assert (refused.code, "has no labels" in refused.err) == (2, True)
    assert "not both" in run("predict", *COMMON, "--data", "data", "--limit", "1", "--sample", "1").err
