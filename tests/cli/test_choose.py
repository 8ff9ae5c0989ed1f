"""`maskcover choose`: the report, JSON, files, the winner on other images, and bad input."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from maskcover import MaskSet
from maskcover.choosing import halving
from tests.cli.conftest import Run, picture

MODEL = (
    "--model", "tests.cli.models:brightness", "--mean", "0.5", "--std", "0.5", "--input-size", "24",
    "--batch-size", "8",
)  # fmt: skip
CHOOSE = ("choose", *MODEL, "--regions", "squares(size=4)", "--candidate", "grid(2, 2)", "--candidate", "grid(3, 3)")


@pytest.fixture
def others(tmp_path: Path) -> Path:
    """Three other images, in folders by class, and a fourth that is also among `photos`."""
    folder = tmp_path / "others"
    for name, value in (("dark/d", 20), ("dark/e", 30), ("light/f", 240)):
        picture(folder / f"{name}.png", value)
    return folder


def test_the_report_names_the_winner_what_chose_it_and_that_it_is_optimistic(run: Run, photos: Path) -> None:
    answered = run(*CHOOSE, "--data", str(photos), "--serving", "8")
    assert answered.code == 0, answered.err
    assert answered.out.startswith("chosen: grid(2, 2), double_masking() (4 masks, the largest hides 34.0%)")
    assert "budget: at most 8 masked predictions an image when serving (mean)" in answered.out
    assert "certified 3 of 3 (100.0%, 95 % interval 29.2% to 100.0%)" in answered.out
    assert "these figures are optimistic" in answered.out
    assert f"chosen by 3 images of {photos}" in answered.out.replace("folder:", "")


def test_json_has_the_same_facts(run: Run, photos: Path) -> None:
    answered = run(*CHOOSE, "--data", str(photos), "--json", "--over", "most")
    assert answered.code == 0, answered.err
    document = answered.json
    assert document["winner"]["candidate"] == "grid(2, 2)"
    assert document["budget"] is None
    assert [entry["procedure"] for entry in document["candidates"][:2]] == ["double_masking()", "challenger_masking()"]
    assert document["winner"]["serving"] == {"mean": 4.0, "most": 4.0}
    assert document["chosen_by"]["count"] == 3
    assert str(photos) in document["chosen_by"]["data"]
    assert document["optimism"] == 0.0


def test_the_winner_is_certified_on_other_images(run: Run, photos: Path, others: Path) -> None:
    answered = run(*CHOOSE, "--data", str(photos), "--then-certify", str(others), "--json")
    assert answered.code == 0, answered.err
    certified = answered.json["then_certified"]
    assert (certified["certified"], certified["total"], certified["right"]) == (3, 3, 3)
    assert str(others) in certified["data"]
    assert certified["certified_interval"][1] == 1.0
    lines = run(*CHOOSE, "--data", str(photos), "--then-certify", str(others)).out
    assert "which had no part in the choice: 3 of 3 images certified against squares(size=4)" in lines


def test_images_that_chose_are_refused_before_anything_is_predicted(
    run: Run, photos: Path, others: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    picture(others / "light" / "same_pixels.png", 250)
    monkeypatch.setattr(halving.Group, "prepared", lambda *_: pytest.fail("predictions were made"))
    answered = run(*CHOOSE, "--data", str(photos), "--then-certify", str(others))
    assert answered.code == 2
    assert "1 image of these 4 also chose the masks, the first at place 3" in answered.err


def test_masks_and_the_drawing_are_written(run: Run, photos: Path) -> None:
    answered = run(*CHOOSE, "--data", str(photos), "--save-masks", "m.json", "-o", "front.png")
    assert answered.code == 0, answered.err
    masks = MaskSet.load("m.json")
    assert (len(masks), masks.regions) == (4, "squares(size=4)")
    assert 'use them with --masks m.json --procedure "double_masking()"' in answered.out
    with Image.open("front.png") as drawn:
        assert np.asarray(drawn.convert("L")).std() > 5
    again = run("choose", *MODEL, "--regions", "squares(size=4)", "--candidate", "m.json", "--data", str(photos))
    assert again.out.startswith("chosen: your masks 1, double_masking()")


def test_hours_are_divided_among_the_images_to_certify(
    run: Run, photos: Path, others: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(halving, "batch_milliseconds", lambda *_: 800.0)  # 100 ms a row
    more = ("--data", str(photos), "--then-certify", str(others), "--json")
    # Three images; 2×2 masks need 11 predictions an image, 3.3 s for all, 3×3 masks 46, 13.8 s for all.
    answered = run(*CHOOSE, *more, "--hours", str(5 / 3600))
    assert answered.code == 0, answered.err
    assert answered.json["winner"]["candidate"] == "grid(2, 2)"
    affordable = {entry["candidate"]: entry["affordable"] for entry in answered.json["candidates"]}
    assert affordable == {"grid(2, 2)": True, "grid(3, 3)": False}
    refused = run(*CHOOSE, *more, "--hours", str(1 / 3600))
    assert refused.code == 2
    assert "no candidate keeps within the budget" in json_message(refused.json)


def json_message(document: dict[str, dict[str, str]]) -> str:
    return document["error"]["message"]


def test_fills_and_procedures_are_tried(run: Run, photos: Path) -> None:
    more = ("--try-fill", "0", "--try-fill", "5", "--procedure", "detection(threshold=0.5)")
    answered = run(*CHOOSE, "--data", str(photos), *more, "--json")
    assert answered.code == 0, answered.err
    document = answered.json
    assert {entry["procedure"] for entry in document["candidates"]} == {"detection(threshold=0.5)"}
    # Hidden pixels of 5 make the dark images light.
    certified = {(entry["candidate"], entry["fill"]): entry["certified"] for entry in document["candidates"]}
    assert certified[("grid(2, 2)", "0.0")] == 3
    assert certified[("grid(2, 2)", "5.0")] == 1
    assert document["winner"]["fill"] == "0.0"


def test_auto_tries_the_default_first_rounds_and_the_masks_that_are_saved_have_the_levels(
    run: Run, photos: Path, others: Path
) -> None:
    more = ("--candidate", "grid(4, 4)", "--procedure", "double_masking(first_round='auto')", "--save-masks", "m.json")
    answered = run(*CHOOSE[:-4], *more, "--data", str(photos), "--then-certify", str(others))
    assert answered.code == 0, answered.err
    # All images are certified with any first round, so that the cheapest one wins: four masks instead of sixteen.
    assert answered.out.startswith(
        "chosen: grid(4, 4) after grid(2, 2), double_masking(first_round='levels') (16 masks"
    )
    for first in ("", "first_round='pairs'", "first_round=('levels', 'pairs')"):
        assert f", double_masking({first})" in answered.out
    assert "3 of 3 images certified against squares(size=4)" in answered.out
    masks = MaskSet.load("m.json")
    assert [len(masks), *map(len, masks.levels)] == [16, 4]


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (("--serving", "8", "--milliseconds", "30"), "name one budget at most; got serving and milliseconds"),
        (("--hours", "1"), "--hours are those of certifying the images of --then-certify"),
        (("--then-split", "test"), "choose among the images of --then-certify"),
        (("--serving", "2"), "no candidate keeps within the budget"),
        (("--over", "worst", "--serving", "9"), 'over the "mean"'),
        (("--candidate", "circle(3)"), "expected a text that makes masks, such as grid(4, 4)"),
        (("--fill", "1", "--try-fill", "2"), "with --fill, or several with --try-fill"),
        (("--procedure", "prayer()"), "there is no procedure 'prayer'"),
    ],
)
def test_bad_input_is_refused(run: Run, photos: Path, more: tuple[str, ...], message: str) -> None:
    answered = run(*CHOOSE, "--data", str(photos), *more)
    assert answered.code == 2
    assert message in answered.err


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (("--save-masks", "nowhere/masks.json"), "there is no folder nowhere"),
        (("-o", "nowhere/front.png"), "there is no folder nowhere"),
        (("-o", "front.svg"), "expected a name ending in .png"),
    ],
)
def test_files_that_cannot_be_written_are_refused_before_anything_is_computed(
    run: Run, photos: Path, more: tuple[str, ...], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("maskcover.choosing.choose_among", None)  # must not be reached
    refused = run(*CHOOSE, "--data", str(photos), *more)
    assert (refused.code, message in refused.err) == (2, True)
