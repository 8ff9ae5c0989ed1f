"""`maskcover certify --task answers`: killed, resumed, reported, and attacked at all placements."""

from __future__ import annotations

import csv
import importlib
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from pyarrow import parquet

import maskcover as mc
from maskcover.runs import certified
from tests.cli.conftest import Run
from tests.runs import readers

pytestmark = pytest.mark.usefixtures("one_thread")
SIDE = 4


def stored(out: Path) -> list[dict[str, Any]]:
    return [row for path in sorted((out / "shards").glob("*.parquet")) for row in parquet.read_table(path).to_pylist()]


def signs(folder: Path, count: int = 9) -> Path:
    """Grey pictures of the size of the masks, and a table of answers."""
    chance = np.random.default_rng(0)
    rows = [("path", "label")]
    for number in range(count):
        level = (20, 128, 235)[number % 3]
        pixels = (level + chance.integers(-9, 10, (SIDE, SIDE))).astype(np.uint8)
        Image.fromarray(pixels).save(folder / f"{number}.png")
        rows.append((f"{number}.png", ("night", "dusk", "day")[number % 3] if number else "7"))
    with (folder / "signs.csv").open("w", newline="") as stream:
        csv.writer(stream).writerows(rows)
    return folder / "signs.csv"


def command(table: Path, function: str = "shade") -> tuple[str, ...]:
    return (
        "certify", "--task", "answers", "--model", f"tests.runs.readers:{function}", "--data", str(table),
        "--input-size", str(SIDE), "--channels", "1", "--fill", "0.5", "--regions", "squares(size=1)",
        "--shard-size", "1",
    )  # fmt: skip


def test_certify_task_answers_is_killed_and_resumed_reported_and_attacked(run: Run, tmp_path: Path) -> None:
    table, out = signs(tmp_path), tmp_path / "RUN"
    assert run(*command(table), "--out", str(tmp_path / "WHOLE")).code == 0
    typed = [sys.executable, "-m", "maskcover", *command(table, "waiting_shade"), "--out", str(out)]
    waiting = {"PYTHONPATH": os.pathsep.join(sys.path), "READERS_WAIT": str(out)}
    process = subprocess.Popen(typed, env=os.environ | waiting)
    while process.poll() is None and len(list(out.glob("shards/*.parquet"))) < 3:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert (process.returncode, len(stored(out))) == (-signal.SIGKILL, 3)
    assert run(*command(table, "waiting_shade"), "--out", str(out)).code == 0
    assert stored(out) == stored(tmp_path / "WHOLE")
    refused = run(*command(table, "other_shade"), "--out", str(out))
    assert refused.code == 2
    assert "another configuration" in refused.err
    assert run("report", str(out), "--html", str(tmp_path / "r.html"), "--images", "9").code == 0
    page = (tmp_path / "r.html").read_text()
    assert "<dd>night</dd>" in page
    assert "class 0" not in page
    _no_attack_changes_a_certified_answer(out)


def _no_attack_changes_a_certified_answer(out: Path) -> None:
    """All 16 placements of one pixel, each with 18 values, on each certified image."""
    opened, count = mc.open_run(out), 0
    reader = mc.MaskedAnswers(readers.waiting_shade, fill=0.5)
    certification = certified(out)
    for name, label in zip(opened.ids, opened.labels, strict=True):
        if not opened.select(opened.certified()).ids.count(name):
            continue
        count += 1
        picture = np.asarray(Image.open(out.parent / name), dtype=np.float32)[:, :, None] / 255
        attacked = []
        for place in np.ndindex(SIDE, SIDE):
            for value in np.linspace(0, 1, 18, dtype=np.float32):
                attacked.append(picture.copy())
                attacked[-1][place] = value
        answers = mc.predict(reader, attacked, certification)
        assert {getattr(answer, "value", None) for answer in answers} == {opened.answer_of(int(label))}
    assert count == 8


def test_the_command_line_says_answers_at_once_and_refuses_what_needs_scores(run: Run, tmp_path: Path) -> None:
    table = signs(tmp_path, 3)
    at_once = run(*command(table)[:-2], "--json")
    assert [(row["label"], row["defended"]) for row in at_once.json["images"]] == [
        ("7", "night"), ("dusk", "dusk"), ("day", "day")
    ]  # fmt: skip
    assert run(*command(table, "reader")[:11], "--regions", "squares(size=1)").code == 0  # it has a fill of its own
    assert run(*command(table), "--out", str(tmp_path / "RUN")).code == 0
    refused = run("attack", str(tmp_path / "RUN"), "--model", "tests.runs.readers:shade")
    assert (refused.code, "follows gradients" in refused.err) == (2, True)
    predicted = run(
        "predict", "--run", str(tmp_path / "RUN"), "--model", "tests.runs.readers:shade", "--data", str(table), "--json"
    )
    assert [row["label"] for row in predicted.json["images"]] == ["night", "dusk", "day"]
    again = run("replay", str(tmp_path / "RUN"), "--model", "tests.runs.readers:shade")
    assert again.code == 0
    assert "3 rows evaluated again, 0 flips" in again.out
    named = run(*command(table), "--classes", "3")
    assert (named.code, "leave it out" in named.err) == (2, True)
    scheme = run(*(text.replace("tests.runs.readers:shade", "timm:resnet18") for text in command(table)))
    assert (scheme.code, "gives scores" in scheme.err) == (2, True)


@pytest.mark.skipif(shutil.which("tesseract") is None, reason="tesseract is not installed")
def test_the_example_of_signs_is_certified_reported_and_served(run: Run, tmp_path: Path) -> None:
    """The commands of docs/how-to/answers.md with one sign, and then with a sticker that has a word of its own."""
    example = importlib.import_module("examples.08_read_signs")
    example.main(["--write", str(tmp_path / "SIGNS"), "--signs", "1"])
    regions = 'avoiding(rectangle(height=32, width=64), "POLYGON ((0 0, 0 56, 256 56, 256 0, 0 0))")'
    covered = run("cover", regions, "--image-size", "96x256", "--grid", "1x3", "--output", "beside_text.npz")
    assert covered.code == 0, covered.err
    model = ("--model", "examples.08_read_signs:reader")
    certify = ("certify", "--task", "answers", *model, "--data", "SIGNS/signs.csv", "--masks", "beside_text.npz")
    done = run(*certify, "--out", "READ", "--json")
    assert (done.code, done.json["certified"]["count"], done.json["total"]) == (0, 1, 1), done.err
    assert run("report", "READ", "--html", "read.html").code == 0
    assert "B4072KX" in (tmp_path / "read.html").read_text(encoding="utf-8")
    (tmp_path / "ATTACKED").mkdir()
    attacked = example.sign(example.TEXTS[0]).copy()
    attacked[58:90, 10:74] = example.sign("", sticker="NOT")[58:90, 10:74]
    assert example.read(attacked[None]) == ["B4072KXNOT"]
    Image.fromarray(attacked).save(tmp_path / "ATTACKED" / "0.png")
    served = run("predict", "--run", "READ", *model, "--data", "ATTACKED", "--json")
    assert [row["label"] for row in served.json["images"]] == ["B4072KX"], served.err


def test_explain_and_predict_take_answers_without_a_run(run: Run, tmp_path: Path) -> None:
    table = signs(tmp_path, 3)
    typed = (
        "--task", "answers", "--model", "tests.runs.readers:shade", "--input-size", str(SIDE), "--channels", "1",
        "--fill", "0.5", "--regions", "squares(size=1)",
    )  # fmt: skip
    predicted = run("predict", *typed, "--data", str(table), "--json")
    assert [row["label"] for row in predicted.json["images"]] == ["night", "dusk", "day"]
    assert predicted.json["bound_to"] is None
    own = run("explain", "1.png", *typed)
    assert (own.code, "label 'dusk' (the defended one; no true label was given): certified" in own.out) == (0, True)
    other = run("explain", "1.png", *typed, "--label", "night", "--json", "-o", "x.png")
    assert other.code == 1
    shown = {name: other.json[name] for name in ("label", "label_given", "certified", "undefended", "defended")}
    assert shown == {
        "label": "night", "label_given": True, "certified": False, "undefended": "dusk", "defended": "dusk"
    }  # fmt: skip
    assert set(other.json["one_mask"]) == {"dusk"}
    assert {label for _, _, label in other.json["failing"]} == {"dusk"}
    assert (tmp_path / "x.png").is_file()


def test_explain_and_predict_say_what_to_type_for_other_tasks(run: Run, tmp_path: Path) -> None:
    table = signs(tmp_path, 1)
    answers = ("--model", "tests.runs.readers:shade", "--regions", "squares(size=1)")
    scores = ("--model", "tests.cli.models:corner", "--regions", "squares(size=1)")
    for arguments, message in (
        (("predict", *answers, "--data", str(table), "--task", "multilabel"), "add --run RUN"),
        (("explain", "0.png", *scores, "--task", "multilabel"), "type --classes with a file of their names"),
        (("explain", "0.png", *answers, "--task", "answers", "--classes", "3"), "leave it out"),
        (("explain", "0.png", *scores, "--label", "night"), "with --task answers the text of the true answer"),
        (("explain", "0.png", *scores, "--label", "-1"), "a class number from 0"),
    ):
        refused = run(*arguments)
        assert (refused.code, message in refused.err) == (2, True), refused.err
