"""The commands about runs: certify --out, report, replay, attack."""

from __future__ import annotations

import errno
import json
import shlex
from dataclasses import replace
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest
from pyarrow import parquet

from maskcover.runs import Folder, shards
from maskcover.runs.sources import Source
from tests.cli.conftest import Run, picture

pytestmark = pytest.mark.usefixtures("one_thread")
MODELS = "tests.cli.models"
REGIONS = ("--regions", "squares(size=4)", "--input-size", "24", "--mean", "0.5", "--std", "0.5", "--batch-size", "8")


def command(photos: Path, model: str, *more: str) -> tuple[str, ...]:
    return ("certify", "--model", f"{MODELS}:{model}", "--data", str(photos), *REGIONS, "--out", "RUN", *more)


def typed(model: str) -> tuple[str, str]:
    """A model that a run names by its code is typed again."""
    return "--model", f"{MODELS}:{model}"


def rows(folder: Path) -> list[dict[str, Any]]:
    return [row for path in sorted((folder / "shards").iterdir()) for row in parquet.read_table(path).to_pylist()]


def test_a_run_is_kept_resumed_and_reported(run: Run, photos: Path) -> None:
    first = run(*command(photos, "brightness", "--shard-size", "2", "--json"))
    assert (first.code, first.json["rows"], first.json["certified"]["count"]) == (0, 3, 3)
    assert [(row["id"], row["verdict"]) for row in rows(Path("RUN"))] == [
        ("dark/a.png", "certified"),
        ("dark/b.png", "certified"),
        ("light/c.png", "certified"),
    ]
    before = {path: path.stat().st_mtime_ns for path in Path("RUN").rglob("*")}
    again = run(*command(photos, "brightness", "--shard-size", "2", "--json"))
    assert (again.code, again.json) == (0, first.json)
    assert {path: path.stat().st_mtime_ns for path in Path("RUN").rglob("*") if path.suffix == ".parquet"}.items() <= (
        before.items()
    )
    found = run("report", "RUN")
    assert found.code == 0
    assert "3 of 3 images done" in found.out
    assert "squares(size=4)" in found.out


def test_another_configuration_is_refused_with_the_difference(run: Run, photos: Path) -> None:
    assert run(*command(photos, "brightness")).code == 0
    found = run(*command(photos, "brightness", "--rule", "all-pairs"))
    assert found.code == 2
    assert "rule: rows before, all-pairs now" in found.err


def test_a_broken_file_is_an_error_row_and_leaves_the_claim_undecided(run: Run, photos: Path) -> None:
    (photos / "light" / "d.png").write_bytes(b"no picture")
    found = run(*command(photos, "brightness", "--at-least", "1"))
    assert found.code == 3
    assert "1 error\n" in found.out
    (broken,) = [row for row in rows(Path("RUN")) if row["verdict"] == "error"]
    assert broken["id"] == "light/d.png"
    assert "d.png" in broken["reason"]
    assert run(*command(photos, "brightness", "--at-least", "0.75")).code == 0
    assert run(*command(photos, "brightness")).code == 0


def test_parts_of_a_run_are_for_other_processes(run: Run, photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    part = run(*command(photos, "brightness", "--shard-size", "1", "--shard", "0/2", "--json", "--at-least", "1"))
    assert (part.code, part.json["rows"], part.json["total"]) == (3, 2, 3)
    # torchrun tells its processes who they are.
    monkeypatch.setenv("RANK", "1")
    monkeypatch.setenv("WORLD_SIZE", "2")
    rest = run(*command(photos, "brightness", "--shard-size", "1", "--json"))
    assert (rest.code, rest.json["rows"]) == (0, 3)
    assert run(*command(photos, "brightness", "--shard", "2/2")).code == 2


def test_a_replay_finds_no_flip_and_another_model_is_found_out(run: Run, photos: Path) -> None:
    run(*command(photos, "brightness"))
    same = run("replay", "RUN", *typed("brightness"), "--sample", "2", "--json")
    assert (same.code, same.json["rows"], same.json["flips"], same.json["differences"]) == (0, 2, [], [])
    other = run("replay", "RUN", "--model", f"{MODELS}:corner")
    assert other.code == 1
    assert "flip: light/c.png" in other.out or "flip: dark" in other.out
    assert "not as it was certified: architecture" in other.out


@pytest.mark.parametrize("verb", ["replay", "attack"])
def test_images_of_a_run_that_lie_elsewhere_are_named(run: Run, photos: Path, verb: str) -> None:
    run(*command(photos, "brightness"))
    there = photos.rename(photos.with_name("there"))
    less = ("--placements", "1", "--steps", "1") if verb == "attack" else ()
    lost = run(verb, "RUN", *typed("brightness"), *less)
    assert lost.code == 2
    assert f"not at {photos}, where the run had them" in lost.err
    assert "--data PATH" in lost.err
    assert "no file or folder nowhere" in run(verb, "RUN", *typed("brightness"), "--data", "nowhere", *less).err
    found = run(verb, "RUN", *typed("brightness"), "--data", str(there), *less)
    assert found.code == 0, found.err
    weighed = run(verb, "RUN", *typed("brightness"), "--data", str(there), "--weights", "a.pth")
    assert "there is no option 'weights'" in weighed.err  # a model of one's own takes none; it was asked to
    # They are those of the run to the pixel, or it is said.
    picture(there / "dark/a.png", 11)
    changed = run(verb, "RUN", *typed("brightness"), "--data", str(there), *less)
    assert "dark/a.png" in changed.out + changed.err
    assert (changed.code, "not as it was certified: pixels of 1 image" in changed.out) == (
        (2, False) if verb == "attack" else (0, True)
    )


def test_a_table_and_a_checkpoint_that_lie_elsewhere_are_named(photos: Path) -> None:
    source = Source("timm:resnet18", str(photos), labels="a.csv", weights="a.pth")
    found = source.relocated(data=None, labels="b.csv", weights="b.pth")
    assert (found.data, found.labels, found.weights) == (str(photos), "b.csv", "b.pth")
    assert source.relocated(data=None, labels=None, weights=None) == source


def test_a_replay_tells_another_preprocessing(run: Run, photos: Path) -> None:
    run(*command(photos, "brightness"))
    config = json.loads(Path("RUN/run.json").read_text())
    assert "mean=(0.5, 0.5, 0.5)" in config["fingerprint"]["preprocessing"]
    Path("RUN/run.json").write_text(json.dumps(config | {"source": config["source"] | {"mean": "0.4"}}))
    found = run("replay", "RUN", *typed("brightness"))
    assert "not as it was certified: preprocessing" in found.out


def test_an_attack_breaks_nothing_that_was_certified_and_something_that_was_not(run: Run, photos: Path) -> None:
    for number in range(3):
        picture(photos / f"light/{number}.png", 150 + 30 * number)
    run(*command(photos, "corner"))
    found = run("attack", "RUN", *typed("corner"), "--placements", "8", "--steps", "3")
    assert found.code == 0
    assert "certified: 0 of" in found.out
    # Forged rows claim what is not so, and are refuted.
    folder = Folder(Path("RUN"))
    (shard,) = shards(folder, folder.existing())
    forged = tuple(replace(row, verdict="certified") for row in shard.rows)
    folder.write(0, folder.existing(), replace(shard, rows=forged))
    refuted = run("attack", "RUN", *typed("corner"), "--placements", "8", "--steps", "3", "--json")
    assert refuted.code == 1
    assert refuted.json["refuted"]


def test_only_runs_of_the_command_can_be_replayed_by_it(run: Run, photos: Path) -> None:
    run(*command(photos, "brightness"))
    config = json.loads(Path("RUN/run.json").read_text())
    odd_sources: tuple[Any, ...] = ({}, None, [], "timm:x", {"model": "timm:x"})
    for odd in odd_sources:
        Path("RUN/run.json").write_text(json.dumps(config | {"source": odd}))
        assert "certify --out" in run("replay", "RUN").err
    del config["source"]
    Path("RUN/run.json").write_text(json.dumps(config))
    assert "certify --out" in run("replay", "RUN").err
    assert run("report", "nowhere").code == 2


@pytest.mark.parametrize(("method", "code"), [("challenger", 0), ("detect", 0)])
def test_the_other_methods_can_be_asked_for(run: Run, photos: Path, method: str, code: int) -> None:
    more = ("--method", method, *(("--threshold", "0.5") if method == "detect" else ()), "--json")
    found = run("certify", "--model", f"{MODELS}:brightness", "--data", str(photos), *REGIONS, *more)
    assert (found.code, found.json["method"]) == (code, method)
    assert run("predict", "--model", f"{MODELS}:brightness", "--data", str(photos), *REGIONS, *more).code == 0


VOTES = "voting(bands(width=4, axis='columns'))"


def test_votes_bring_their_own_masks_through_certify_run_report_and_predict(run: Run, photos: Path) -> None:
    found = run(*command(photos, "brightness", "--procedure", VOTES, "--json"))
    assert (found.code, found.json["rows"], found.json["certified"]["count"]) == (0, 3, 3)
    assert "voting(shown='bands(width=4)')" in run("report", "RUN", "--json").out
    assert "votes of bands(width=4)" in run("report", "RUN").out
    assert run("replay", "RUN", *typed("brightness")).code == 0
    again = run("predict", "--run", "RUN", *typed("brightness"), "--data", str(photos), "--json")
    assert [row["case"] for row in again.json["images"]] == ["votes"] * 3
    once = ("certify", "--model", f"{MODELS}:brightness", "--data", str(photos), "--procedure", VOTES)
    at_once = run(*once, *REGIONS, "--json")
    assert at_once.code == 0
    predicted = run("predict", *once[1:], *REGIONS, "--json")
    assert (predicted.code, predicted.json["masks"]) == (0, 24)
    explained = run("explain", str(photos / "dark/a.png"), *once[1:3], "--procedure", VOTES, *REGIONS, "--json")
    assert explained.code in (0, 1), explained.err
    thin = run(*once, "--regions", "rectangles(area=16)", *REGIONS[2:])
    assert (thin.code, "no image can be certified by votes" in thin.err) == (2, True)


LOW = "detection(threshold=0.9, alert_below=0.3)"


@pytest.mark.parametrize("procedure", [VOTES, "robust_masking(shown='bands(width=4)')", LOW])
def test_a_run_of_each_procedure_is_attacked(run: Run, photos: Path, procedure: str) -> None:
    made = run(*command(photos, "brightness", "--procedure", procedure, "--json"))
    assert (made.code, made.json["certified"]["count"]) == (0, 3), made.err
    attacked = run("attack", "RUN", *typed("brightness"), "--placements", "2", "--steps", "2", "--json")
    assert (attacked.code, attacked.json["refuted"]) == (0, []), attacked.err
    assert attacked.json["attempts"] == 6


def test_detection_with_alerts_on_low_confidence_goes_through_run_report_replay_and_predict(
    run: Run, photos: Path
) -> None:
    made = run(*command(photos, "brightness", "--procedure", LOW, "--json"))
    assert (made.code, made.json["certified"]["count"]) == (0, 3), made.err
    assert json.loads(Path("RUN/run.json").read_text())["method"] == LOW
    assert "detection at 0.9, with an alert below 0.3" in run("report", "RUN").out
    assert run("report", "RUN", "--regions", "squares(size=3)").code == 0
    assert run("replay", "RUN", *typed("brightness")).code == 0
    again = run("predict", "--run", "RUN", *typed("brightness"), "--data", str(photos), "--json")
    assert [row["case"] for row in again.json["images"]] == ["no alert"] * 3


ROBUST = "robust_masking(shown='bands(width=4)', evidence='confidence')"


@pytest.mark.parametrize(
    ("procedure", "case"), [(ROBUST, "masked evidence"), ("voting(bands(width=4), evidence='clip(0, 1)')", "votes")]
)
def test_evidence_of_views_goes_through_certify_run_report_and_predict(
    run: Run, photos: Path, procedure: str, case: str
) -> None:
    outcome = run(*command(photos, "brightness", "--procedure", procedure, "--json"))
    assert (outcome.code, outcome.json["rows"], outcome.json["certified"]["count"]) == (0, 3, 3), outcome.err
    # The windows are those of the regions, and stand in the run from then on.
    if procedure == ROBUST:
        assert "windows=" in json.loads(Path("RUN/run.json").read_text())["method"]
    assert run("replay", "RUN", *typed("brightness")).code == 0
    again = run("predict", "--run", "RUN", *typed("brightness"), "--data", str(photos), "--json")
    assert [row["case"] for row in again.json["images"]] == [case] * 3
    other = run("report", "RUN", "--regions", "squares(size=3)")
    assert (other.code, "certify again to ask" in other.err) == (2, True), other
    once = ("certify", "--model", f"{MODELS}:brightness", "--data", str(photos), "--procedure", procedure, *REGIONS)
    assert run(*once).code == 0
    predicted = run("predict", *once[1:], "--json")
    assert [row["case"] for row in predicted.json["images"]] == [case] * 3


HOSTILE = "import pathlib; pathlib.Path('ran').touch()\n\ndef make():\n    pathlib.Path('called').touch()\n"


def edited(model: str, **source: Any) -> None:
    """A run whose source names another model, as one from elsewhere may."""
    config = json.loads(Path("RUN/run.json").read_text())
    Path("RUN/run.json").write_text(json.dumps(config | {"source": config["source"] | {"model": model} | source}))


@pytest.mark.parametrize("command", ["replay", "attack"])
@pytest.mark.parametrize(
    "model", ["evil:make", "RUN.evil:make", "pytest:main", "torch:hub.load", "sklearn:evil", ":", "x y:z"]
)
def test_threat_45_code_that_a_run_names_is_not_run_until_it_is_typed(
    run: Run, photos: Path, command: str, model: str
) -> None:
    run(*command_of(photos))
    for path in (Path("evil.py"), Path("RUN/evil.py"), Path("conftest.py"), Path("RUN/conftest.py")):
        path.write_text(HOSTILE)
    edited(model)
    found = run(command, "RUN")
    assert (found.code, found.out) == (2, "")
    assert f"type it again: maskcover {command} RUN --model {shlex.quote(model)}" in found.err
    assert not [path for path in (Path("ran"), Path("called")) if path.exists()]


def command_of(photos: Path) -> tuple[str, ...]:
    return command(photos, "brightness")


def test_an_adapter_of_others_is_code_too(run: Run, photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Theirs(EntryPoint):
        """An entry of another distribution, which must not be loaded."""

        dist = None

        def load(self) -> Any:
            raise AssertionError(self.name)

    run(*command(photos, "brightness"))
    theirs = Theirs("theirs", "theirs:ADAPTER", "maskcover.classifiers")
    monkeypatch.setattr("maskcover.classifiers.loading.entry_points", lambda **_: [theirs])
    edited("theirs:model")
    found = run("replay", "RUN")
    assert found.code == 2
    assert "type it again: maskcover replay RUN --model theirs:model" in found.err


def test_a_model_that_is_typed_again_keeps_the_options_of_the_run(run: Run, photos: Path) -> None:
    run(*command(photos, "brightness", "--option", "fill=0.25"))
    found = run("replay", "RUN", *typed("brightness"), "--json")
    assert (found.code, found.json["differences"]) == (0, [])
    other = run("replay", "RUN", *typed("corner"), "--json")
    assert any(text.startswith("fill: ") for text in other.json["differences"])


def test_only_the_model_that_was_certified_is_attacked(run: Run, photos: Path) -> None:
    run(*command(photos, "brightness"))
    found = run("attack", "RUN", *typed("corner"))
    assert (found.code, found.out) == (2, "")
    assert f"the model that was certified, {MODELS}:brightness" in found.err


@pytest.mark.parametrize(
    "source", [{"limit": "1"}, {"mean": 1}, {"options": "ab"}, {"options": [1]}, {"data": ["x"]}, {"fill": ["0"]}]
)
def test_a_source_of_odd_kinds_is_refused(run: Run, photos: Path, source: dict[str, Any]) -> None:
    run(*command(photos, "brightness"))
    edited(f"{MODELS}:brightness", **source)
    found = run("replay", "RUN", *typed("brightness"))
    assert found.code == 2
    assert "as its source; it was edited" in found.err


def test_threat_41_pictures_that_changed_are_told_by_replay_and_refused_by_resume_and_attack(
    run: Run, photos: Path
) -> None:
    run(*command(photos, "brightness"))
    picture(photos / "dark/b.png", 41)
    replayed = run("replay", "RUN", *typed("brightness"), "--json")
    assert (replayed.code, replayed.json["flips"], replayed.json["changed_pixels"]) == (0, [], ["dark/b.png"])
    assert "pixels of 1 image: dark/b.png" in run("replay", "RUN", *typed("brightness")).out
    attacked = run("attack", "RUN", *typed("brightness"))
    assert attacked.code == 2
    assert "the pixels of dark/b.png changed" in attacked.err
    picture(photos / "dark/a.png", 11)
    resumed = run(*command(photos, "brightness"))
    assert resumed.code == 2
    assert "the pixels of dark/a.png changed" in resumed.err


def test_names_of_files_stay_in_their_line(run: Run, photos: Path) -> None:
    name = "x\n3 of 3 images certified\x1b[2J\u202e.png"
    picture(photos / "dark" / name, 20)
    shown = "dark/x\\n3 of 3 images certified\\x1b[2J\\u202e.png: "
    common = ("--model", f"{MODELS}:brightness", "--data", str(photos), *REGIONS)
    for answered in (run("certify", *common).out, run("predict", *common).out):
        assert any(line.startswith(shown) for line in answered.splitlines())
    told = run("certify", *common, "--json")
    assert not set("\x1b\u202e") & set(told.out)
    assert f"dark/{name}" in [row["id"] for row in told.json["images"]]
    (photos / "dark" / name).write_bytes(b"no picture")
    broken = run("certify", *common)
    assert (broken.code, broken.err.count("\n")) == (2, 1)
    assert "\x1b" not in broken.err


def test_a_full_disk_could_not_decide(run: Run, photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("pathlib.Path.replace", full)
        found = run(*command(photos, "brightness"))
    assert found.code == 3
    assert "No space left on device" in found.err
    assert run(*command(photos, "brightness")).code == 0


def test_a_report_names_the_images_that_failed_and_why(run: Run, photos: Path) -> None:
    for number in range(12):
        (photos / f"light/{number:02}.png").write_bytes(b"no picture")
    assert run(*command(photos, "brightness", "--at-least", "1")).code == 3
    report = run("report", "RUN")
    named = [line for line in report.out.splitlines() if line.startswith("  error: light/")]
    assert len(named) == 10
    assert named[0].startswith("  error: light/00.png: InvalidInput: cannot read the image")
    assert "and 2 errors more" in report.out
    found = run("report", "RUN", "--json").json
    assert (found["errors"], len(found["error_rows"])) == (12, 12)
    assert found["error_rows"][11]["id"] == "light/11.png"


def test_an_image_that_is_wrong_already_is_told_so(run: Run, photos: Path) -> None:
    picture(photos / "dark/wrong.png", 250)
    common = ("--model", f"{MODELS}:corner", "--data", str(photos), *REGIONS)
    lines = {line.split(":")[0]: line for line in run("certify", *common).out.splitlines()}
    assert lines["dark/wrong.png"].endswith("not certified (wrong already undefended)")
    assert lines["light/c.png"].endswith("not certified (mask 0 fails)")
    run(*command(photos, "corner"))
    report = run("report", "RUN")
    assert "  not certified      2: 1 wrong already undefended" in report.out
    assert run("report", "RUN", "--json").json["wrong_undefended"] == 1


def test_the_first_so_many_images_have_no_interval_and_a_sample_has_one(run: Run, photos: Path) -> None:
    common = ("--model", f"{MODELS}:brightness", "--data", str(photos), *REGIONS)
    for frame, how, interval in (
        ("input", "--limit", False),
        ("input", "--sample", True),
        ("source", "--limit", False),
    ):
        once = run("certify", *common, "--frame", frame, how, "2")
        assert "2 of 2 images certified" in once.out
        assert ("95 % interval" in once.out) == interval
        out = f"RUN-{frame}{how}"
        for told in (run("certify", *common, "--frame", frame, how, "2", "--out", out), run("report", out)):
            assert ("the first 2 of 3" in told.out) != interval
            assert ("95 % interval" in told.out) == interval
        share = run("report", out, "--json").json["certified"]
        assert (share["count"], share["low"] is not None) == (2, interval)
    assert "95 % interval" in run("certify", *common).out


def predicted(photos: Path, *more: str, model: str = "turning") -> tuple[str, ...]:
    return ("predict", "--model", f"{MODELS}:{model}", "--data", str(photos), "--run", "RUN", *more)


def test_predictions_are_bound_to_a_run_and_taken_as_it_was_made(run: Run, photos: Path) -> None:
    """Size, mean, standard deviation, fill, batch size and masks are those of the run; nothing need be typed again."""
    assert run(*command(photos, "turning", "--fill", "0.25")).code == 0
    found = run(*predicted(photos, "--json"))
    assert (found.code, found.err) == (0, "")
    assert [row["label"] for row in found.json["images"]] == [0, 0, 1]
    kept = Folder(Path("RUN")).existing()
    assert found.json["bound_to"] == kept.fingerprint.digest
    assert found.json["digest"] == kept.document["masks"]
    refused = run(*predicted(photos, "--fill", "0.5"))
    assert refused.code == 2
    assert "fill: 0.5, not 0.25" in refused.err


def test_threat_39_predictions_of_another_model_are_refused(
    run: Run, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run(*command(photos, "turning")).code == 0
    assert "architecture" in run(*predicted(photos, model="corner")).err
    monkeypatch.setenv("TURNED", "1")
    found = run(*predicted(photos))
    assert (found.code, found.out) == (2, "")
    assert "not what was certified" in found.err
    again = run(*command(photos, "turning"))
    assert again.code == 2
    assert "another configuration" in again.err
    assert "not as it was certified" in run("replay", "RUN", *typed("turning")).out


def test_predictions_without_a_run_say_that_they_are_bound_to_nothing(run: Run, photos: Path) -> None:
    found = run("predict", "--model", f"{MODELS}:brightness", "--data", str(photos), *REGIONS, "--json")
    assert found.code == 0
    assert found.json["bound_to"] is None
    assert "bound to no certification; name one with --run" in found.err


def test_what_a_run_has_cannot_be_named_besides(run: Run, photos: Path) -> None:
    assert run(*command(photos, "turning")).code == 0
    for more, told in (
        (("--regions", "squares(size=4)"), "leave --masks and --regions out"),
        (("--method", "challenger"), "leave procedure, method and threshold out"),
    ):
        found = run(*predicted(photos, *more))
        assert found.code == 2
        assert told in found.err
    assert "holds no run" in run("predict", "--model", f"{MODELS}:corner", "--data", str(photos), "--run", ".").err


EXHAUSTIVE = ("--procedure", "double_masking(exhaustive=True)")


def test_a_run_is_asked_again_without_its_model(run: Run, photos: Path) -> None:
    assert run(*command(photos, "brightness", *EXHAUSTIVE)).code == 0
    found = run("report", "RUN", "--regions", "squares(size=3)", "--rule", "all-pairs", "--sizes", "squares", "--json")
    assert found.code == 0
    assert found.json["asked"]["regions"] == "squares(size=3)"
    assert found.json["asked"]["procedure"] == "double_masking(rule='all-pairs')"
    assert found.json["certified"]["count"] == 3
    assert found.json["certified_sizes"]["limit"] == 4
    assert set(found.json["certified_sizes"]["largest"].values()) == {4}
    text = run("report", "RUN", "--regions", "squares(size=3)", "--min-margin", "0.001").out
    assert "asked again, without the model: against squares(size=3)" in text
    large = run("report", "RUN", "--regions", "squares(size=5)")
    assert (large.code, "no mask contains 5" in large.err) == (2, True)


def test_images_without_an_answer_are_named_with_the_reason(run: Run, photos: Path) -> None:
    assert run(*command(photos, "brightness", *EXHAUSTIVE)).code == 0
    path = Path("RUN")
    folder, config = Folder(path), Folder(path).existing()
    shard = folder.shard(0, config)
    assert shard is not None
    folder.write(0, config, replace(shard, rows=tuple(replace(row, evidence=None) for row in shard.rows)))
    found = run("report", "RUN", "--regions", "squares(size=3)", "--at-least", "1")
    assert found.code == 3
    assert "no answer for dark/a.png, dark/b.png, light/c.png" in found.out
    assert "keep no predictions" in found.out
    assert run("report", "RUN", "--at-least", "1").code == 0


def test_runs_are_compared_and_drawn(run: Run, photos: Path) -> None:
    assert run(*command(photos, "brightness")).code == 0
    assert run(*command(photos, "brightness", "--rule", "all-pairs")[:-3], "OTHER", "--rule", "all-pairs").code == 0
    found = run("compare", "RUN", "OTHER", "-o", "runs.png", "--json")
    (pair,) = found.json["comparisons"]
    assert [counts["both"] for counts in pair["counts"]] == [3, 3, 3]
    assert Path("runs.png").read_bytes().startswith(b"\x89PNG")
    assert "RUN and OTHER on 3 images" in run("compare", "RUN", "OTHER").out
    alone = run("compare", "RUN")
    assert (alone.code, "at least two runs" in alone.err) == (2, True)


def test_a_run_with_tables_is_reused(run: Run, photos: Path) -> None:
    first = run(*command(photos, "brightness", "--keep-tables", "--json"))
    again = run(*command(photos, "brightness", "--json")[:-2], "AGAIN", "--reuse", "RUN", "--json")
    assert first.json["evaluations"] > 0 == again.json["evaluations"]
    assert again.json["certified"] == first.json["certified"]


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (("report", "RUN", "--html", "RUN/run.json"), "whose own files must stay"),
        (("report", "RUN", "--markdown", "RUN/shards/00000.parquet"), "whose own files must stay"),
        (("report", "RUN", "--patches", "2"), "--patches goes with --sizes"),
        (("report", "RUN", "--at-least", "foo"), "at-least"),
    ],
)
def test_what_a_report_cannot_do_is_refused_before_anything_is_written(
    run: Run, photos: Path, more: tuple[str, ...], message: str
) -> None:
    assert run(*command(photos, "brightness")).code == 0
    before = {path: path.read_bytes() for path in Path("RUN").rglob("*") if path.is_file()}
    refused = run(*more)
    assert (refused.code, refused.out) == (2, "")
    assert message in refused.err
    assert {path: path.read_bytes() for path in Path("RUN").rglob("*") if path.is_file()} == before


@pytest.mark.parametrize("more", [("--keep-tables",), ("--reuse", "RUN")])
def test_options_of_runs_need_a_run(run: Run, photos: Path, more: tuple[str, ...]) -> None:
    refused = run("certify", "--model", f"{MODELS}:brightness", "--data", str(photos), *REGIONS, *more)
    assert (refused.code, "add --out RUN" in refused.err) == (2, True)
