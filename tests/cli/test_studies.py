"""`maskcover study`: options become arguments, and the answer is the table of the study."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from maskcover.studies import STUDIES
from tests.cli.conftest import Run, picture

pytestmark = pytest.mark.usefixtures("one_thread")
MODEL = (
    "--model", "dark=tests.cli.models:brightness", "--input-size", "12", "--batch-size", "4", "--mean", "0.5",
    "--std", "0.5",
)  # fmt: skip


def test_the_list_names_every_study_with_its_source(run: Run) -> None:
    listed = run("study", "--list")
    assert listed.code == 0
    for name, entry in STUDIES.items():
        (line,) = [line for line in listed.out.splitlines() if line.startswith(f"{name} ")]
        assert entry.source in line
    assert [entry["name"] for entry in run("study", "--list", "--json").json["studies"]] == list(STUDIES)


def test_a_study_prints_its_table_and_writes_its_files(run: Run, photos: Path) -> None:
    arguments = ("study", "accuracy", *MODEL, "--data", str(photos), "--out", "out", "--grid", "3x3")
    regions = ("--regions", "squares(size=1)", "--regions", "squares(size=2)")
    ran = run(*arguments, *regions)
    assert ran.code == 0, ran.err
    assert "dark   squares(size=2)" in ran.out
    for ending in ("parquet", "png", "svg", "md"):
        assert Path(f"out/accuracy.{ending}").exists()
    document = run(*arguments, *regions, "--json").json
    assert [row["regions"] for row in document["rows"]] == ["squares(size=1)", "squares(size=2)"]
    assert [row["certified"] for row in document["rows"]] == [1.0, 1.0]
    assert (document["paper"], document["study"]) == ("Tables 2 and 3, Figure 2", "accuracy")
    assert document["files"][0] == "out/accuracy.parquet"
    configuration = json.loads(next(Path("out/runs").iterdir()).joinpath("run.json").read_text())
    assert configuration["source"]["model"] == "tests.cli.models:brightness"


@pytest.mark.filterwarnings("ignore:mask .* hides more than half:maskcover.MaskcoverWarning")
def test_each_option_reaches_its_study(run: Run, photos: Path, tmp_path: Path) -> None:
    common = (*MODEL, "--data", str(photos), "--out", "out", "--json")
    (tmp_path / "boxes.csv").write_text("id,x0,y0,x1,y1\na,0,0,24,12\nb,0,0,6,24\n")
    sizes = run("study", "sizes", *common, "--grid", "3x3", "--sides", "1,3", "--fixed", "3").json
    assert [(row["side"], row["masks for"]) for row in sizes["rows"]] == [(1, 1), (3, 3), (1, 3)]
    over = run("study", "overestimate", *common, "--grid", "3x3", "--patch", "2", "--ratios", "1,2.25").json
    assert [row["ratio"] for row in over["rows"]] == [1.0, 2.25]
    masks = run("study", "masks", *common, "--grids", "2,3", "--timed", "0", "--regions", "squares(size=2)").json
    assert [(row["masks"], row["milliseconds"]) for row in masks["rows"]] == [(4, None), (9, None)]
    shapes = run(
        "study", "shapes", *common, "--area", "0.03", "--grid", "3x3", "--pairs-grid", "2x2", "--rectangle-masks", "20"
    ).json
    assert [row["attacker"] for row in shapes["rows"]][2] == "two 3 % squares"
    grid = ("--grid", "3x3", "--regions", "squares(size=2)")
    objects = run("study", "objects", *common, *grid, "--boxes", "boxes.csv", "--bins", "2").json
    groups = [(row["by"], row["group"], row["images"], row["object size"]) for row in objects["rows"]]
    assert groups == [
        ("object size", "0 to 50 %", 1, 0.25), ("object size", "50 to 100 %", 1, 0.5),
        ("class", "dark", 2, 0.375), ("class", "light", 1, None),
    ]  # fmt: skip


def test_models_are_compared_by_name(run: Run, photos: Path) -> None:
    arguments = (*MODEL, "--model", "corner=tests.cli.models:corner", "--data", str(photos), "--out", "out", "--json")
    rows = run("study", "training", *arguments, "--grid", "3x3", "--regions", "squares(size=2)").json["rows"]
    assert [row["model"] for row in rows] == ["dark", "corner"]
    assert rows[0]["certified"] == 1.0
    assert rows[1]["certified"] < 1.0


WRONG: dict[str, tuple[tuple[str, ...], str]] = {
    "no study": (("study",), "name a study: accuracy, training"),
    "another study": (("study", "all"), "name a study.*got 'all'"),
    "no model": (("study", "masks", "--data", "photos"), "name the model with --model"),
    "no data": (("study", "masks", *MODEL), "name the images with --data"),
    "one model": (("study", "training", *MODEL, "--data", "photos"), "expected 2 or more models"),
    "an option of another study": (
        ("study", "training", *MODEL, "--data", "photos", "--pairs-grid", "2x2"),
        "the study training does not take --pairs-grid",
    ),
    "boxes elsewhere": (("study", "masks", *MODEL, "--data", "photos", "--boxes", "x.csv"), "does not take --boxes"),
    "two region sets": (
        ("study", "masks", *MODEL, "--data", "photos", "--regions", "squares(size=1)", "--regions", "squares(size=2)"),
        "takes one --regions; got 2",
    ),
    "odd grids": (("study", "masks", *MODEL, "--data", "photos", "--grids", "2,x"), "--grids expects whole numbers"),
    "odd ratios": (("study", "overestimate", *MODEL, "--data", "photos", "--ratios", "a"), "--ratios expects numbers"),
    "weights": (
        ("study", "masks", *MODEL, "--data", "photos", "--weights", "a", "--weights", "b"),
        "once for each of 1 models; got 2",
    ),
}


@pytest.mark.parametrize(("arguments", "message"), WRONG.values(), ids=WRONG)
def test_what_is_typed_wrongly_is_named(
    arguments: tuple[str, ...], message: str, run: Run, photos: Path, tmp_path: Path
) -> None:
    del photos
    picture(tmp_path / "photos" / "dark" / "d.png", 20)
    ran = run(*arguments)
    assert ran.code == 2
    assert re.search(message, ran.err), ran.err
