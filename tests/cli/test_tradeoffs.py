"""The commands frontier and bound: tables, documents, pictures, refusals."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Run

SQUARES = "squares(size=32)"


def test_the_frontier_is_a_table(run: Run) -> None:
    answer = run("frontier", SQUARES, "--most-masks", "4")
    assert answer.code == 0
    assert [line.split() for line in answer.out.splitlines()] == [
        ["squares(size=32)", "on", "224×224"],
        ["masks", "evaluations", "largest", "hidden", "area"],
        ["1", "1", "50,176", "px", "100.00%"],
        ["2", "3", "28,672", "px", "57.14%"],
        ["3", "6", "21,504", "px", "42.86%"],
        ["4", "10", "16,384", "px", "32.65%"],
    ]


def test_the_frontier_is_a_document_and_a_picture(run: Run, tmp_path: Path) -> None:
    picture = tmp_path / "frontier.png"
    answer = run("frontier", SQUARES, "--most-masks", "3", "--json", "-o", str(picture))
    assert [(row["masks"], row["largest_hidden_area"]) for row in answer.json["frontier"]] == [
        (1, 50176), (2, 28672), (3, 21504)
    ]  # fmt: skip
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_a_bound_comes_with_its_witness(run: Run, tmp_path: Path) -> None:
    picture = tmp_path / "bound.png"
    options = ["--max-mask-shape", "64x64", "--time-limit", "0"]
    answer = run("bound", SQUARES, *options, "--json", "-o", str(picture))
    assert answer.json["at_least"] == len(answer.json["witness"]) == 36
    assert all(len(row) == 5 for row in answer.json["witness"])
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert "needs at least 36 masks in boxes of at most 64×64" in run("bound", SQUARES, *options).out


def test_masks_of_any_form_are_bounded(run: Run) -> None:
    options = ["--max-mask-area", "4096px", "--any-shape"]
    answer = run("bound", SQUARES, *options, "--json")
    assert (answer.json["at_least"], answer.json["witness"]) == (35, [[[32, 32, 1]]])
    assert answer.json["values"] == ["37249/1089"]
    assert "needs at least 35 masks of at most 4,096 px, of whatever form" in run("bound", SQUARES, *options).out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["bound", SQUARES, "--any-shape", "--max-mask-area", "0.5", "-o", "b.png"], "not a drawing"),
        (["bound", SQUARES], "either max_mask_area= or max_mask_shape="),
        (["bound", SQUARES, "--max-mask-area", "10px"], "there is no cover to bound"),
        (["bound", "patches(squares(size=8), k=2)", "--max-mask-area", "0.5"], "one patch at a time"),
        (["bound", SQUARES, "--max-mask-area", "0.5", "-o", "bound.jpg", "--time-limit", "0"], "written as PNG"),
        (["frontier", "circles(3)"], "expected one of"),
    ],
)
def test_bad_input_is_one_sentence_and_exit_2(run: Run, arguments: list[str], message: str) -> None:
    answer = run(*arguments)
    assert (answer.code, answer.out) == (2, "")
    assert message in answer.err


def test_cover_says_how_few_masks_are_possible(run: Run) -> None:
    assert (
        "optimality             36 masks, proven minimal for masks in boxes of at most 64×64"
        in run("cover", SQUARES).out
    )
    answer = run("cover", SQUARES, "--align", "16", "--json")
    assert (answer.json["masks"], answer.json["at_least"]) == (36, 36)
