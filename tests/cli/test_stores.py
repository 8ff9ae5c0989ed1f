"""Runs in an object store from the command line: certify, status, report, replay and predict, in both frames."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Run, picture
from tests.runs.object_stores import s3_server

pytestmark = pytest.mark.usefixtures("one_thread")
MODEL = ("--model", "tests.cli.models:brightness")
INPUT = ("--input-size", "24", "--mean", "0.5", "--std", "0.5", "--batch-size", "8")
REGIONS = ("--regions", "squares(size=4)")


@pytest.fixture(scope="module")
def bucket() -> Iterator[str]:
    with s3_server() as url:
        yield url


@pytest.fixture(params=["input", "source"])
def frame(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def pictures(tmp_path: Path) -> str:
    """Two dark and two light pictures, of two sizes."""
    for name, value in (("dark", 10), ("light", 250)):
        for height in (30, 48):
            picture(tmp_path / "pictures" / name / f"{height}.png", value, (height, 48))
    return str(tmp_path / "pictures")


def without_times(document: Any) -> Any:
    """A document of figures without those that depend on a clock."""
    return {name: value for name, value in document.items() if "second" not in name}


def names(bucket: str) -> list[str]:
    """All objects under a URL."""
    fsspec = pytest.importorskip("fsspec")
    prefix = bucket.removeprefix("s3://")
    return sorted(name.removeprefix(prefix) for name in fsspec.filesystem("s3", use_listings_cache=False).find(prefix))


def test_a_run_in_a_bucket_is_made_watched_reported_and_served(
    run: Run, bucket: str, pictures: str, frame: str
) -> None:
    out = f"{bucket}/{frame}"
    certify = ("certify", *MODEL, "--data", pictures, *INPUT, *REGIONS, "--frame", frame, "--shard-size", "1", "--json")
    half = run(*certify, "--out", out, "--shard", "0/2")
    assert (half.code, half.json["rows"], half.json["total"]) == (0, 2, 4), half.err
    watched = run("status", out, "--json")
    assert watched.code == 0, watched.err
    assert (watched.json["shards_done"], watched.json["shards"], watched.json["images_done"]) == (2, 4, 2)
    made = run(*certify, "--out", out)
    folder = run(*certify, "--out", "RUN")
    assert (made.code, made.json["certified"]["count"]) == (0, 4), made.err
    assert without_times(made.json) == without_times(folder.json)
    assert not any(name.endswith(".lease") for name in names(out))
    assert not Path("s3:").exists()

    again = run(*certify, "--out", out)
    assert (again.code, again.json) == (0, made.json)
    assert "4 of 4" in run("status", out).out
    reported = run("report", out, "--markdown", "report.md", "--html", "report.html", "--json")
    assert reported.code == 0, reported.err
    facts = reported.json["facts"]
    others = run("report", "RUN", "--markdown", "other.md", "--html", "other.html", "--json").json["facts"]
    assert [name for name in facts if facts[name] != others[name]] == ["run", "commands"]
    assert all(command.replace(out, "RUN") in others["commands"] for command in facts["commands"]), facts["commands"]
    assert "This is proved for 4 of 4 images" in Path("report.md").read_text()
    smaller = run("report", out, "--regions", "squares(size=3)", "--json")
    assert (smaller.code, smaller.json["certified"]["count"]) == (0, 4), smaller.err
    replayed = run("replay", out, *MODEL)
    if frame == "source":
        assert (replayed.code, f"name one of them: {out}/30x48, {out}/48x48" in replayed.err) == (2, True)
        replayed = run("replay", f"{out}/30x48", *MODEL)
        assert f"name one of them: {out}/30x48" in run("predict", *MODEL, "--data", pictures, "--run", out).err
    assert replayed.code == 0, replayed.err
    part = f"{out}/30x48" if frame == "source" else out
    assert f"maskcover replay {part} --model tests.cli.models:brightness" in run("replay", part).err
    last = run(*certify[:-1], "--out", out).out.splitlines()[-1]
    assert last == run(*certify[:-1], "--out", "RUN").out.splitlines()[-1]
    assert "Fit((24, 24)); mean 0.5" in last


def test_what_a_bucket_certified_serves(run: Run, bucket: str, pictures: str) -> None:
    out = f"{bucket}/served"
    made = run("certify", *MODEL, "--data", pictures, *INPUT, *REGIONS, "--out", out)
    assert made.code == 0, made.err
    predicted = run("predict", *MODEL, "--data", pictures, "--run", out, "--json")
    assert predicted.code == 0, predicted.err
    assert [row["label"] for row in predicted.json["images"]] == [0, 0, 1, 1]
    other = run("predict", "--model", "tests.cli.models:corner", "--data", pictures, "--run", out)
    assert (other.code, "this is not what was certified" in other.err) == (2, True), other.err


@pytest.mark.parametrize("command", ["report", "status", "replay"])
def test_a_run_that_no_bucket_holds_is_bad_input(run: Run, bucket: str, command: str) -> None:
    missing = run(command, f"{bucket}/nothing")
    assert (missing.code, missing.out) == (2, "")
    assert "s3://" in missing.err
    absent = run(command, "s3://bucket-that-nobody-made/run")
    assert (absent.code, absent.out) == (2, "")
