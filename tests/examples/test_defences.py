"""The benchmark of all defences: its table is made of counts alone, and a small call trains, certifies and goes on."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytestmark = pytest.mark.usefixtures("one_thread")
FOLDER = Path(__file__).parent.parent.parent / "benchmarks"


@pytest.fixture
def modules() -> Iterator[dict[str, Any]]:
    """The modules of the benchmark, which are no package."""
    sys.path.insert(0, str(FOLDER))
    names = ("defences_table", "defences_data", "defences_networks", "defences")
    try:
        yield {name: import_module(name) for name in names}
    finally:
        sys.path.remove(str(FOLDER))
        for name in names:
            sys.modules.pop(name, None)


def lines(table: Any) -> list[Any]:
    """Two lines: one with all cells, and one against which one region set cannot be certified."""
    full = {"small": table.Cell(8, 4, 6, 300.0), "thin": table.Cell(8, 0, 5, 20.0)}
    part = {"small": table.Cell(8, 2, 3, 33.0), "thin": table.Cell(8, reason="no image can be certified")}
    return [
        table.Line("masking", "cutout", "double_masking()", 7, full, 40.0, 30.0, 1.5, "Of masks."),
        table.Line("votes", "columns", "voting()", 5, part, 33.0, 12.0, 1.0),
    ]


def test_a_table_has_a_line_for_each_defence_and_footnotes_for_reasons(modules: dict[str, Any]) -> None:
    text = modules["defences_table"].defences_markdown(lines(modules["defences_table"]), "small").splitlines()
    assert text[2] == ("| masking [1] | 87.5 | 75.0 | 50.0 (15.7–84.3) | 0.0 (0.0–36.9) | 40 | 300 | 30.0 (20.0×) |")
    assert text[3] == "| votes | 62.5 | 37.5 | 25.0 (3.2–65.1) | none possible [2] | 33 | 33 | 12.0 (12.0×) |"
    assert text[-2:] == ["1. Of masks.", "2. no image can be certified"]


def test_a_defence_that_is_impossible_against_the_reference_has_no_costs(modules: dict[str, Any]) -> None:
    table = modules["defences_table"]
    text = table.defences_markdown(lines(table)[1:], "thin").splitlines()
    assert text[2] == "| votes | 62.5 | 37.5 | 25.0 (3.2–65.1) | none possible [1] | 33 | – | 12.0 (12.0×) |"


def test_a_comparison_is_the_other_line_less_the_first(modules: dict[str, Any]) -> None:
    table = modules["defences_table"]
    pair = table.Pair("votes", "small", 30, 2, 0.28, 0.1, 0.4, 1e-7)
    row = table.pairs_markdown([pair], "masking").splitlines()[2]
    assert row == "| votes | small | 30 | 2 | -28.0 | -40.0 to -10.0 | < 0.0001 |"


def clothes(folder: Path) -> Path:
    """Four IDX files of images of 28×28 whose classes are their brightness."""
    chance = np.random.default_rng(0)
    for split, count in (("train", 300), ("t10k", 12)):
        labels = chance.integers(0, 10, count).astype(np.uint8)
        pixels = (25 * labels[:, None, None] + chance.integers(0, 20, (count, 28, 28))).astype(np.uint8)
        for name, values in (("labels-idx1", labels), ("images-idx3", pixels)):
            header = bytes([0, 0, 8, values.ndim]) + b"".join(side.to_bytes(4, "big") for side in values.shape)
            (folder / f"{split}-{name}-ubyte").write_bytes(header + values.tobytes())
    return folder


def test_a_small_call_makes_all_tables_and_the_same_call_uses_what_is_there(
    modules: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = modules["defences"]
    # One of each kind of classifier: masks of pixels, views, cells, masks of cells, bounds.
    kinds = {"PatchCleanser, double masking", "de-randomised smoothing, columns", "BagCert", "interval bounds"}
    kinds.add("PatchCURE, double masking of cells")
    chosen = [defence for defence in program.DEFENCES if defence.name in kinds]
    monkeypatch.setattr(program, "DEFENCES", tuple(chosen))
    monkeypatch.setattr(program, "MASKS", 16)
    monkeypatch.setattr(program, "TIMED", 1)
    arguments = ["--data", f"idx:{clothes(tmp_path)}", "--out", str(tmp_path / "out"), "--minutes", "0.005"]
    arguments += ["--images", "3", "--train", "300"]
    text = program.main(arguments)
    weights = (tmp_path / "out/networks/cutout.pt").read_bytes()
    figures = json.loads((tmp_path / "out/table.json").read_text(encoding="utf-8"))
    assert [line["name"] for line in figures["defences"]] == [defence.name for defence in chosen]
    masking, voting, cells, split, bounds = figures["defences"]
    assert masking["cells"]["5×5"]["total"] == 3
    assert masking["serving"] >= 12  # masks
    assert voting["serving"] == 29  # 28 columns, and the image as it is
    assert cells["serving"] == 197  # 14×14 cells, and the image as it is
    assert split["cells"]["5×5"]["certifying"] >= 9
    assert bounds["serving"] == 1  # the network alone answers
    assert voting["cells"]["rectangles ≤ 2.4 %"]["certified"] is None
    assert "may outvote the others" in text
    assert {frame["touched"] for frame in figures["frames"]} == {"16×16", "10×10", "5×5"}

    program.main(arguments)
    again = json.loads((tmp_path / "out/table.json").read_text(encoding="utf-8"))
    assert (tmp_path / "out/networks/cutout.pt").read_bytes() == weights
    assert [line["cells"] for line in again["defences"]] == [line["cells"] for line in figures["defences"]]


def test_a_folder_with_another_training_is_refused(modules: dict[str, Any], tmp_path: Path) -> None:
    program = modules["defences"]
    arguments = ["--data", f"idx:{clothes(tmp_path)}", "--out", str(tmp_path / "out"), "--images", "1"]
    arguments += ["--train", "300", "--minutes", "0.005"]
    data = program.opened(arguments[1], 300, 1, 0, tmp_path / "out/training.npz")
    training = program.Training(data.images, data.labels, data.normalise, data.pixels, 0.001, 0)
    program.trained("cutout", training, tmp_path / "out/networks")
    with pytest.raises(SystemExit, match="use another --out"):
        program.main(arguments)
