"""The README runs as it stands: its Python, its commands, and the figures that it prints or takes from elsewhere."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import maskcover as mc
from maskcover.cli import app

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```", README, re.DOTALL | re.MULTILINE)
PYTHON = [block for language, block in BLOCKS if language == "python"]
COMMANDS = "".join(block for language, block in BLOCKS if language == "console").replace("\\\n", " ")


def lines_of(command: str) -> tuple[list[str], str]:
    """The words of the README's command that begins so, without its comment, and what stands below it."""
    found = re.search(rf"^\$ ({re.escape(command)}.*?)(?:  +#.*)?\n((?:[^$\n].*\n)*)", COMMANDS, re.MULTILINE)
    assert found, command
    return shlex.split(found[1])[1:], found[2].strip()


def table_below(heading: str) -> list[list[str]]:
    """The cells of the first table below a heading, without its two head lines."""
    found = re.search(rf"^## {heading}\n.*?\n((?:\|[^\n]*\n)+)", README, re.DOTALL | re.MULTILINE)
    assert found, heading
    return [[cell.strip() for cell in line.strip("|\n").split("|")] for line in found[1].splitlines()[2:]]


def test_the_first_steps_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    _, code = PYTHON
    exec(code, {})  # noqa: S102 (our own README)
    said = re.search(r"print\(report\)  # … (.*)", code)
    assert said
    assert said[1].split(": ")[-1] in capsys.readouterr().out
    assert mc.verify(mc.MaskSet.load("cover.json"))


def test_the_defence_in_four_lines_runs() -> None:
    clothes = pytest.importorskip("maskcover_torch.demo.clothes")
    code, _ = PYTHON
    # Masks for the images of the demo, which are smaller than photos.
    small = code.replace("area=0.02)", "area=0.02), image_size=28")
    names: dict[str, Any] = {
        "model": clothes.trained(), "images": clothes.images()[:2], "labels": clothes.labels()[:2]
    }  # fmt: skip
    exec(small, names)  # noqa: S102 (likewise)
    assert names["result"].certified.all()
    assert names["defended"](names["images"]).argmax(dim=1).tolist() == names["labels"].tolist()
    said = re.search(r"# (\d+) masks", code)
    assert said
    assert len(mc.cover(mc.squares(area=0.02))) == int(said[1])


def test_the_command_prints_what_it_says(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("maskcover_torch.demo.clothes")
    monkeypatch.chdir(ROOT)
    words, said = lines_of("maskcover certify --model maskcover_torch.demo")
    result = CliRunner().invoke(app, words)
    assert result.exit_code == 0, result.output
    assert said in result.output


def test_covers_are_written_and_verified_by_its_commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    covering, _ = lines_of("maskcover cover")
    made = CliRunner().invoke(app, covering)
    said = re.search(r"maskcover cover .*# (\d+) masks", COMMANDS)
    assert said
    assert made.output.startswith(f"{said[1]} masks cover")
    assert CliRunner().invoke(app, lines_of("maskcover verify")[0]).exit_code == 0


def test_its_table_of_defences_is_that_of_the_docs() -> None:
    page = (ROOT / "docs/defences.md").read_text(encoding="utf-8")
    rows = [line for line in page.split("**CIFAR-10**")[0].splitlines() if line.startswith("| ")]
    measured = {cells[0]: cells for cells in ([cell.strip() for cell in row.strip("|").split("|")] for row in rows)}
    names = {
        "detection: a label or an alert": "detection (Minority Reports)",
        "detection with an alert on low confidence (HiCert)": "detection, alert below 0.5 (HiCert)",
    }
    table = table_below("Which defence")
    assert len(table) == 8
    for name, clean, certified, serve in table:
        row = measured[names.get(name, name)]
        assert clean == f"{row[2]} %"
        assert certified == f"{row[4].split()[0]} %"
        assert serve == row[7]


def test_its_prices_are_those_of_the_benchmark() -> None:
    page = (ROOT / "benchmarks/first-rounds.md").read_text(encoding="utf-8").split("\n### ")[1]
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in page.splitlines() if line.startswith("| ")
    ]
    measured = {(row[0], row[1].removesuffix(" (auto)").replace("'", '"')): row for row in rows}
    table = table_below("Predictions against certified images")
    assert len(table) == 5
    for kind, certified, clean, certify, serve, agreeing in table:
        masks, _, first_round = kind.partition(", ")
        name = first_round.split(":")[0].replace("`", "")
        row = measured[masks, name if name.startswith("(") else name.strip('"')]
        images, total = map(int, row[3].split(" of "))
        assert certified == f"{100 * images / total:.1f} %"
        assert clean.removesuffix(" %") == row[2].split("%")[0]
        assert int(certify) == pytest.approx(float(row[5]), abs=0.51)
        assert float(serve) == pytest.approx(float(row[6]), abs=0.051)
        assert float(agreeing) == pytest.approx(float(row[8]), abs=0.051)


def test_its_links_lead_somewhere() -> None:
    links = re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", README)
    assert len(links) > 20
    assert [link for link in links if not (ROOT / link).exists()] == []
