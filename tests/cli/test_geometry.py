"""The commands cover, verify and show, with the exit codes 0 holds, 1 refuted, 2 bad input."""

from __future__ import annotations

from pathlib import Path

import pytest

from maskcover import MaskSet, cover, rectangles, squares, verify
from tests.cli.conftest import Run

ANY = "rectangles(area=0.01)"


def test_a_cover_is_written_and_verifies(run: Run) -> None:
    made = run("cover", ANY, "--max-mask-area", "4902px", "--no-shipped", "-o", "c.json")
    assert (made.code, made.err) == (0, "")
    assert "78 masks" in made.out
    assert run("verify", "c.json").code == 0
    assert verify(MaskSet.load("c.json"), rectangles(area=0.01))


@pytest.mark.parametrize("dropped", [0, 40, 77])
def test_a_cover_without_one_mask_is_refuted_with_the_region_it_misses(run: Run, dropped: int) -> None:
    masks = cover(rectangles(area=0.01), max_mask_area=4902, shipped=False)
    (masks[:dropped] + masks[dropped + 1 :]).save("d.json")
    found = run("verify", "d.json")
    assert found.code == 1
    assert "no mask contains" in found.out
    ((missed,),) = run("verify", "d.json", "--json").json["witness"]
    assert missed[2] * missed[3] <= 502


def test_a_file_edited_by_hand_is_bad_input(run: Run) -> None:
    run("cover", "squares(size=32)", "-o", "c.json")
    text = Path("c.json").read_text()
    Path("c.json").write_text(text.replace("[[0,33,64,64]]", "[[0,32,64,64]]"))
    found = run("verify", "c.json")
    assert (found.code, found.out) == (2, "")
    assert "digest" in found.err


def test_regions_can_be_named_in_place_of_the_claim(run: Run) -> None:
    run("cover", "squares(size=32)", "-o", "c.json")
    assert run("verify", "c.json", "--regions", "squares(size=33)").code == 1
    assert run("verify", "c.json", "--regions", "squares(size=31)").code == 0


@pytest.mark.parametrize(
    ("budget", "masks"),
    [(("--masks", "20"), 20), (("--evaluations", "210"), 20), (("--grid", "6x6"), 36), (("--max-mask-area", "0.2"), 9)],
)
def test_every_budget_is_understood(run: Run, budget: tuple[str, str], masks: int) -> None:
    found = run("cover", "squares(size=32)", *budget, "--json")
    assert found.code == 0
    assert found.json["masks"] <= masks
    assert found.json["image_size"] == [224, 224]


def test_image_sizes_are_height_by_width(run: Run) -> None:
    found = run("cover", "rectangle(height=5, width=60)", "--image-size", "48x64", "--json")
    assert found.json["image_size"] == [48, 64]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("cover", "squares(size=300)"), "no place on 224×224"),
        (("cover", "squares(size=300"), "cannot read the region text"),
        (("cover", "__import__('os').system('true')"), "expected one of CenterCrop, "),
        (("cover", "squares(size=32)", "--max-mask-area", "10px"), "1024 px"),
        (("cover", "squares(size=32)", "--masks", "0"), "at least 1 is possible"),
        (("cover", "squares(size=32)", "--masks", "9", "--grid", "3x3"), "one budget at most"),
        (("cover", "squares(size=32)", "--grid", "6"), "grid must be 2 whole numbers"),
        (("cover", "squares(size=32)", "--grid", "six"), "expected whole numbers"),
        (("cover", "squares(size=32)", "--image-size", "-3"), "expected whole numbers"),
        (("cover", "squares(size=32)", "--image-size", "0"), "at least 1 pixel"),
        (("cover", "squares(size=32)", "-o", "no/such/folder/c.json"), "cannot write"),
        (("cover",), "Missing argument"),
        (("cover", "squares(size=32)", "--mask", "3"), "No such option"),
        (("verify", "missing.json"), "cannot read missing.json"),
        (("verify",), "Missing argument"),
        (("show", "missing.json"), "cannot read missing.json"),
        (("nonsense",), "No such command"),
    ],
)
def test_bad_input_exits_with_2_says_why_and_writes_nothing(
    run: Run, arguments: tuple[str, ...], message: str, tmp_path: Path
) -> None:
    found = run(*arguments)
    assert (found.code, found.out) == (2, "")
    assert message in found.err
    assert list(tmp_path.iterdir()) == []


def test_masks_without_a_claim_need_a_region_set(run: Run) -> None:
    MaskSet.from_boxes([(0, 0, 4, 4)], 16).save("c.json")
    assert "claim no region set" in run("verify", "c.json").err
    assert run("verify", "c.json", "--regions", "squares(size=4)").code == 1


def test_show_draws_the_masks_and_the_witness(run: Run) -> None:
    masks = cover(squares(size=32))
    masks.save("c.json")
    masks[1:].save("d.json")
    assert run("show", "c.json").code == 0
    assert run("show", "d.json", "-o", "witness.png").code == 1
    pictures = [Path("c.png").read_bytes(), Path("witness.png").read_bytes()]
    assert all(picture.startswith(b"\x89PNG") for picture in pictures)
    assert pictures[0] != pictures[1]


@pytest.mark.filterwarnings("default")
def test_odd_masks_draw_a_warning_of_one_line(run: Run) -> None:
    found = run("cover", "squares(size=32)", "--masks", "1")
    assert found.code == 0
    assert found.err.startswith("maskcover: warning: mask 0 hides more than half")
    assert found.err.count("\n") == 1


def test_show_draws_a_certificate(run: Run) -> None:
    run("cover", "squares(size=3)", "--image-size", "9", "--certificate", "c.cover.json")
    answer = run("show", "c.cover.json", "-o", "c.png")
    assert (answer.code, Path("c.png").read_bytes()[:4]) == (0, b"\x89PNG")
    assert "covers: each of the 49 placements" in answer.out


def test_verify_asks_for_several_masks_around_each_region(run: Run) -> None:
    run("cover", "squares(size=3)", "--image-size", "12", "--multiplicity", "2", "-o", "twice.json")
    assert run("verify", "twice.json", "--multiplicity", "2").code == 0
    refuted = run("verify", "twice.json", "--multiplicity", "99")
    assert refuted.code == 1
    assert "fewer than 99 masks contain 3×3" in refuted.out
    assert run("verify", ".", "--multiplicity", "2").code == 2


@pytest.mark.parametrize(("size", "grid"), [("40x", [40]), ("4x12x12", [4, 12, 12])])
def test_signals_and_clips_are_covered_too(run: Run, size: str, grid: list[int]) -> None:
    answer = run("cover", "squares(size=3)", "--image-size", size, "--json")
    assert (answer.code, answer.json["image_size"]) == (0, grid)


def test_show_draws_a_lower_bound_beside_the_masks(run: Run) -> None:
    run("cover", "squares(size=3)", "--image-size", "12", "--grid", "4x4", "-o", "c.json")
    assert (
        run("show", "c.json", "-o", "plain.png").code == run("show", "c.json", "--bound", "-o", "bound.png").code == 0
    )
    assert Path("bound.png").read_bytes() != Path("plain.png").read_bytes()
    MaskSet.from_boxes([(0, 0, 3, 3)], 12).save("bare.json")
    assert "name one with --regions" in run("show", "bare.json", "--bound").err
