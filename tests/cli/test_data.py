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
from tests.data.test_images import ODD, odd_files

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


NAMED = ("--model", "tests.cli.models:named", *MASKS, "--mean", "0.5", "--std", "0.5")


@pytest.fixture
def twilight(tmp_path: Path) -> Path:
    """Folders of classes in another order than that of the model that knows their names: light, dark."""
    picture(tmp_path / "data/dark/a.png", 10)
    picture(tmp_path / "data/light/b.png", 240)
    return tmp_path / "data"


@pytest.mark.parametrize("frame", ["input", "source"])
@pytest.mark.parametrize("kept", [False, True])
def test_threat_53_labels_are_matched_to_the_names_that_the_model_knows(
    run: Run, twilight: Path, frame: str, kept: bool
) -> None:
    out = ("--out", "RUN") if kept else ()
    command = ("certify", *NAMED, "--data", str(twilight), "--frame", frame, *out)
    assert run(*command, "--json").code == 0
    if kept:
        folder = Path("RUN" if frame == "input" else "RUN/24x24")
        assert {name: row["label"] for name, row in rows(folder).items()} == {"dark/a.png": 1, "light/b.png": 0}
        assert run("replay", str(folder), *NAMED[:2]).code == 0
    # Names that are typed go before those of the model.
    (twilight.parent / "names.json").write_text('{"light": 1, "dark": 0}')
    other = ("--out", "OTHER") if kept else ()
    typed = run(
        "certify",
        *NAMED,
        "--data",
        str(twilight),
        "--frame",
        frame,
        *other,
        "--classes",
        "names.json",
        "--at-least",
        "1",
    )
    assert typed.code == 1


def test_threat_53_a_folder_that_the_model_lacks_is_refused(run: Run, twilight: Path) -> None:
    picture(twilight / "dawn/c.png", 100)
    found = run("certify", *NAMED, "--data", str(twilight))
    assert found.code == 2
    assert "got dawn: the model's are light, dark. Give classes= (--classes)" in found.err
    assert run("predict", *NAMED, "--data", str(twilight)).code == 0  # which asks for no labels


@pytest.mark.parametrize("frame", ["input", "source"])
@pytest.mark.parametrize("kept", [False, True])
@pytest.mark.parametrize("names", [("ant",), ("ant", "bee", "cow", "dog")])
def test_threat_53_more_or_fewer_folders_than_the_model_has_classes_are_refused(
    run: Run, tmp_path: Path, names: tuple[str, ...], frame: str, kept: bool
) -> None:
    for number, name in enumerate(names):
        picture(tmp_path / f"data/{name}/a.png", 10 + number)
    found = run("certify", *COMMON, "--data", "data", "--frame", frame, *(("--out", "RUN") if kept else ()))
    assert found.code == 2
    told = f"has {len(names)} classes ({', '.join(names)}), and the model 2: which is which? Give classes= (--classes)"
    assert told in found.err


def test_what_is_left_out_is_said_and_kept(run: Run, twilight: Path) -> None:
    for name in ("dark/x.heic", "dark/y.avif", "notes"):
        (twilight / name).touch()
    (twilight / "neither").mkdir()
    command = ("certify", *NAMED, "--data", str(twilight))
    told = "left out 3 that are no .png, .jpg or the like: notes, dark/x.heic, dark/y.avif; without an image: neither"
    at_once = run(*command, "--json")
    assert told in at_once.err
    skipped = {"count": 3, "examples": ["notes", "dark/x.heic", "dark/y.avif"], "empty": ["neither"]}
    assert at_once.json["skipped"] == skipped
    for frame, folder in (("input", "RUN"), ("source", "SIZES/24x24")):
        out = folder.partition("/")[0]
        assert told in run(*command, "--frame", frame, "--out", out).err
        assert json.loads((Path(folder) / "run.json").read_text())["skipped"] == skipped
        assert told in run("report", out).out
    # It is not compared: a run goes on when there is less or more beside the images.
    (twilight / "notes").unlink()
    assert run(*command, "--out", "RUN").code == 0
    path = Path("RUN/run.json")
    config = json.loads(path.read_text())
    path.write_text(json.dumps(config | {"skipped": {"count": "3"}}))
    assert run("report", "RUN").code == 2


def test_threat_54_files_outside_the_folder_are_read_only_if_that_is_typed(run: Run, tmp_path: Path) -> None:
    picture(tmp_path / "elsewhere/d.png", 10)
    (tmp_path / "data").mkdir()
    (tmp_path / "data/t.csv").write_text("path,label\n../elsewhere/d.png,0\n")
    command = (*COMMON, "--data", "data/t.csv")
    for name in ("certify", "predict"):
        refused = run(name, *command)
        assert (refused.code, "--outside" in refused.err) == (2, True)
        assert run(name, *command, "--outside").code == 0
    assert run("certify", *command, "--outside", "--out", "RUN").code == 0
    assert run("replay", "RUN", *MODEL[:2]).code == 0
