"""The commands certify and predict, on image files and with models named on the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from maskcover import cover, squares
from tests.cli.conftest import Run, picture

MODELS = "tests.cli.models"
COMMON = ("--mean", "0.5", "--std", "0.5", "--batch-size", "8")


@pytest.fixture
def masks(tmp_path: Path) -> str:
    cover(squares(size=4), image_size=24, grid=(3, 3)).save(tmp_path / "masks.json")
    return "masks.json"


def test_certifiable_images_certify(run: Run, photos: Path, masks: str) -> None:
    found = run("certify", "--model", f"{MODELS}:brightness", "--data", str(photos), "--masks", masks, *COMMON)
    assert found.code == 0
    assert "3 of 3 images certified against squares(size=4) on 24×24" in found.out
    assert found.err == ""


def test_progress_is_for_terminals(
    run: Run, photos: Path, masks: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    common = ("--model", f"{MODELS}:brightness", "--data", str(photos), "--masks", masks, *COMMON)
    assert "certifying" in run("certify", *common).err
    kept = run("certify", *common, "--out", str(tmp_path / "RUN")).err
    assert "3 certified" in kept
    assert "predictions/s" in kept
    assert run("certify", *common, "--json").err == ""


def test_an_image_that_fails_is_named_with_the_failing_pair(run: Run, photos: Path, masks: str) -> None:
    command = ("certify", "--model", f"{MODELS}:corner", "--data", str(photos), "--masks", masks, *COMMON, "--json")
    found = run(*command)
    assert found.code == 0
    outcomes = {Path(row["id"]).name: row for row in found.json["images"]}
    assert [row["certified"] for row in outcomes.values()] == [True, True, False]
    assert outcomes["c.png"]["failing_pair"] == [0, 0]
    assert found.json["certified"] == 2
    assert run(*command, "--at-least", "0.66").code == 0
    assert run(*command, "--at-least", "0.67").code == 1
    assert run(*command, "--at-least", "1").code == run(*command, "--at-least", "67%").code == 1


def test_an_alert_refutes_a_claim_and_leaves_nothing_undecided(run: Run, photos: Path, masks: str) -> None:
    command = ("certify", "--model", f"{MODELS}:corner", "--data", str(photos), "--masks", masks, *COMMON, "--json")
    found = run(*command, "--method", "detect", "--threshold", "0.5", "--at-least", "1")
    rows = {Path(row["id"]).name: row for row in found.json["images"]}
    assert (rows["c.png"]["case"], rows["c.png"]["certified"]) == ("alert", False)
    assert found.code == 1


def test_masks_are_made_for_named_regions(run: Run, photos: Path) -> None:
    found = run(
        "certify", "--model", f"{MODELS}:instance", "--data", str(photos), "--regions", "squares(size=4)",
        "--input-size", "24", "--json", *COMMON,
    )  # fmt: skip
    assert (found.code, found.json["masks"], found.json["frame"]) == (0, 36, "input")


def test_labels_come_from_a_table(run: Run, photos: Path, masks: str, tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_text("path,label\nlight/c.png,1\ndark/a.png,1\n")
    found = run(
        "certify", "--model", f"{MODELS}:brightness", "--data", str(photos), "--labels", "labels.csv",
        "--masks", masks, "--json", *COMMON,
    )  # fmt: skip
    assert [row["certified"] for row in found.json["images"]] == [True, False]


def test_the_papers_rule_can_be_asked_for(run: Run, photos: Path, masks: str) -> None:
    found = run(
        "certify", "--model", f"{MODELS}:brightness", "--data", str(photos), "--masks", masks, "--rule", "all-pairs",
        "--json", *COMMON,
    )  # fmt: skip
    assert (found.code, found.json["rule"]) == (0, "all-pairs")


def test_predictions_come_with_their_case(run: Run, photos: Path, masks: str) -> None:
    found = run(
        "predict", "--model", f"{MODELS}:brightness", "--data", str(photos), "--masks", masks, "--json", *COMMON
    )
    assert found.code == 0
    assert [(row["label"], row["case"]) for row in found.json["images"]] == [(0, "agreed")] * 2 + [(1, "agreed")]


def test_a_broken_model_is_never_certified_and_could_not_decide(run: Run, photos: Path, masks: str) -> None:
    common = ("--model", f"{MODELS}:nan", "--data", str(photos), "--masks", masks, *COMMON)
    assert run("certify", *common).code == run("certify", *common, "--at-least", "1").code == 3
    assert run("predict", *common).code == 3


def test_a_crash_of_the_model_is_not_a_refutation(run: Run, photos: Path, masks: str) -> None:
    found = run("certify", "--model", f"{MODELS}:crashing", "--data", str(photos), "--masks", masks, *COMMON)
    assert (found.code, found.out) == (3, "")
    assert "could not decide: RuntimeError: out of memory" in found.err


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"--model": f"{MODELS}:missing"}, "AttributeError"),
        ({"--model": "no.such.module:model"}, "ModuleNotFoundError"),
        ({"--model": "tests.cli.models"}, "package.module:callable"),
        ({"--model": f"{MODELS}:failing"}, "no weights here"),
        ({"--model": f"{MODELS}:NOT_A_MODEL"}, "no adapter knows a int"),
        ({"--model": f"{MODELS}:training"}, "training mode"),
        ({"--data": "nowhere"}, "there is no file or folder nowhere"),
        ({"--masks": "nowhere.json"}, "cannot read nowhere.json"),
        ({"--input-size": "32"}, "they must agree"),
        ({"--mean": "a,b"}, "--mean expects a number"),
        ({"--mean": "0.1,0.2"}, "one for each channel, of 3"),
        ({"--std": "0"}, "std must be above 0"),
        ({"--rule": "rowz"}, "rule must be one of"),
        ({"--regions": "squares(size=5)"}, "nothing can be certified with these masks"),
        ({"--labels": "nowhere.csv"}, "cannot read nowhere.csv"),
        ({"--at-least": "2"}, "--at-least"),
        ({"--batch-size": "0"}, "--batch-size"),
    ],
)
def test_bad_input_exits_with_2_and_says_why(
    run: Run, photos: Path, masks: str, changed: dict[str, str], message: str
) -> None:
    options = {"--model": f"{MODELS}:brightness", "--data": str(photos), "--masks": masks} | changed
    found = run("certify", *(text for option in options.items() for text in option))
    assert (found.code, found.out) == (2, "")
    assert message in found.err


def test_a_damaged_image_is_named(run: Run, photos: Path, masks: str) -> None:
    (photos / "dark" / "a.png").write_bytes(b"not a picture")
    found = run("certify", "--model", f"{MODELS}:brightness", "--data", str(photos), "--masks", masks, *COMMON)
    assert found.code == 2
    assert "a.png" in found.err


def test_neither_masks_nor_regions_is_an_error(run: Run, photos: Path) -> None:
    found = run("predict", "--model", f"{MODELS}:brightness", "--data", str(photos))
    assert found.code == 2
    assert "--regions" in found.err


def test_images_of_other_sizes_are_fitted_to_the_masks(run: Run, masks: str, tmp_path: Path) -> None:
    picture(tmp_path / "wide/0/x.png", 30, (40, 90))
    found = run("certify", "--model", f"{MODELS}:brightness", "--data", "wide", "--masks", masks, *COMMON)
    assert found.code == 0


@pytest.mark.filterwarnings("default::maskcover.MaskcoverWarning")
def test_threat_21_a_margin_takes_over_loudly_unless_bits_are_insisted_on(run: Run, photos: Path, masks: str) -> None:
    common = ("certify", "--model", f"{MODELS}:uneven", "--data", str(photos), "--masks", masks, "--mean", "0.5")
    found = run(*common, "--std", "0.5", "--batch-size", "8", "--json")
    assert (found.code, found.json["numerics"], found.json["certified"]) == (0, "margin", 3)
    assert found.json["margin"] >= 100 * found.json["drift"] > 0
    assert "maskcover: warning: on this machine a row's place in a batch of 8 changes its scores" in found.err
    bits = run(*common, "--std", "0.5", "--batch-size", "8", "--numerics", "bitwise")
    assert bits.code == 2
    assert "or batch_size=1 (--batch-size 1)" in bits.err
    alone = run(*common, "--std", "0.5", "--numerics", "bitwise", "--json")
    assert (alone.code, alone.json["numerics"], alone.err) == (0, "bitwise", "")
    assert alone.json["fingerprint"]["batch_size"] == "1"


@pytest.mark.filterwarnings("default::maskcover.MaskcoverWarning")
def test_a_kept_run_says_on_what_it_stands(run: Run, photos: Path, masks: str, tmp_path: Path) -> None:
    common = ("certify", "--model", f"{MODELS}:uneven", "--data", str(photos), "--masks", masks, *COMMON)
    assert "certificates stand on a margin" in run(*common, "--out", str(tmp_path / "RUN")).err
    assert run(*common, "--out", str(tmp_path / "RUN")).code == 0
    assert "predictions count from a margin of " in run("report", str(tmp_path / "RUN")).out


def test_numerics_are_named_by_a_word(run: Run, photos: Path, masks: str) -> None:
    common = ("certify", "--model", f"{MODELS}:brightness", "--data", str(photos), "--masks", masks, *COMMON)
    found = run(*common, "--numerics", "bits")
    assert (found.code, "bitwise" in found.err) == (2, True)


def test_a_procedure_is_named_by_its_text(run: Run, photos: Path, masks: str) -> None:
    common = ("--model", f"{MODELS}:brightness", "--data", str(photos), "--masks", masks, *COMMON)
    found = run("certify", *common, "--procedure", "detection(threshold=0.9)", "--json")
    assert found.code == 0, found.err
    assert (found.json["method"], found.json["threshold"]) == ("detect", 0.9)
    assert "detection at 0.9" in run("certify", *common, "--method", "detect", "--threshold", "0.9").out
    assert "double masking, rule all-pairs" in run("certify", *common, "--rule", "all-pairs").out
    predicted = run("predict", *common, "--procedure", "challenger_masking()", "--json")
    assert (predicted.code, len(predicted.json["images"])) == (0, 3), predicted.err


@pytest.mark.parametrize("more", [("--method", "double"), ("--rule", "rows"), ("--threshold", "0.5")])
def test_a_procedure_and_a_method_are_refused_together(
    run: Run, photos: Path, masks: str, more: tuple[str, str]
) -> None:
    common = ("--model", f"{MODELS}:brightness", "--data", str(photos), "--masks", masks, *COMMON)
    found = run("certify", *common, "--procedure", "double_masking()", *more)
    assert found.code == 2
    assert f"procedure= names the whole defence; leave {more[0][2:]} out" in found.err


def test_a_first_round_is_named_reported_and_served(run: Run, photos: Path, masks: str) -> None:
    common = ("--model", f"{MODELS}:brightness", "--data", str(photos))
    text = "double_masking(first_round='pairs')"
    kept = run("certify", *common, "--masks", masks, *COMMON, "--procedure", text, "--out", "RUN")
    assert kept.code == 0, kept.err
    assert "by double masking, rule rows, first round by pairs" in run("report", "RUN").out
    predicted = run("predict", *common, "--run", "RUN", "--json")
    assert [row["case"] for row in predicted.json["images"]] == ["pairs agreed"] * 3
    assert run("predict", *common, "--run", "RUN", "--procedure", "double_masking()").code == 2
    refused = run("certify", *common, "--masks", masks, *COMMON, "--procedure", "double_masking(first_round='some')")
    assert refused.code == 2
    assert 'first_round must be "pairs", a mask set, a text that makes one' in refused.err


def test_levels_are_reported_with_what_the_masks_certify_without_them(run: Run, photos: Path, masks: str) -> None:
    common = ("--model", f"{MODELS}:brightness", "--data", str(photos))
    levels = ("--procedure", "double_masking(first_round='auto')")
    kept = run("certify", *common, "--masks", masks, *COMMON, *levels, "--out", "RUN")
    assert kept.code == 0, kept.err
    assert "Without the levels of the first round 3 would be certified." in kept.out
    assert "Without the levels of the first round 3 would be certified." in run("report", "RUN").out
    assert "certified without the levels" in run("report", "RUN", "--json").out
    predicted = run("predict", *common, "--run", "RUN", "--json")
    assert [row["case"] for row in predicted.json["images"]] == ["level agreed"] * 3
    again = run("certify", *common, "--masks", masks, *COMMON, *levels, "--out", "RUN", "--json")
    assert again.json["certified_by_masks"] == 3
    once = run("certify", *common, "--masks", masks, *COMMON, *levels)
    assert "without the levels 3 would be certified" in once.out


def test_a_run_keeps_its_procedure_and_predict_goes_by_it(run: Run, photos: Path, masks: str) -> None:
    common = ("--model", f"{MODELS}:brightness", "--data", str(photos))
    kept = run("certify", *common, "--masks", masks, *COMMON, "--procedure", "challenger_masking()", "--out", "RUN")
    assert kept.code == 0, kept.err
    assert "by challenger masking, rule rows; predictions repeat to the bit" in run("report", "RUN").out
    assert run("predict", *common, "--run", "RUN").code == 0
    assert run("predict", *common, "--run", "RUN", "--procedure", "challenger_masking()").code == 0
    assert run("predict", *common, "--run", "RUN", "--procedure", "double_masking()").code == 2
