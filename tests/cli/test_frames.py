"""`certify --frame source`: regions drawn on the pictures, sizes apart, and every claim says in which frame it is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from maskcover.runs import RunSpec, run_spec
from tests.cli.conftest import Run
from tests.data.test_cifar import python2

MODEL = ("--model", "tests.cli.models:brightness", "--mean", "0.5", "--std", "0.5", "--batch-size", "8")
SIDE = ("--input-size", "24")


@pytest.fixture
def sizes(tmp_path: Path) -> str:
    """Dark and light pictures of two sizes."""
    for name, value in (("0", 10), ("1", 240)):
        for height, width in ((30, 48), (48, 48)):
            path = tmp_path / "sizes" / name / f"{height}x{width}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(np.full((height, width, 3), value, np.uint8)).save(path)
    return str(tmp_path / "sizes")


def test_regions_on_the_source_are_pulled_back_for_each_size(run: Run, sizes: str) -> None:
    command = ("certify", *MODEL, *SIDE, "--data", sizes, "--regions", "squares(size=6)", "--frame", "source")
    found = run(*command)
    assert found.code == 0, found.err
    assert "4 of 4 images certified against squares(size=6) on the source images, of 2 sizes" in found.out
    assert "Frame: the source images, before Fit((24, 24)); mean 0.5, std 0.5; 3 channels, chw." in found.out
    told = run(*command, "--json").json
    assert told["frame"] == "source"
    assert [(one["size"], one["regions"]) for one in told["sizes"]] == [
        ([height, 48], f"through(squares(size=6), Fit((24, 24)), source=({height}, 48))") for height in (30, 48)
    ]
    assert [row["id"] for row in told["images"]] == ["0/30x48.png", "0/48x48.png", "1/30x48.png", "1/48x48.png"]


def test_the_frame_of_the_input_is_the_default_and_said(run: Run, sizes: str) -> None:
    found = run("certify", *MODEL, *SIDE, "--data", sizes, "--regions", "squares(size=6)")
    assert "Frame: the model's input of 24×24 pixels, after Fit((24, 24)); mean 0.5" in found.out
    told = run("certify", *MODEL, *SIDE, "--data", sizes, "--regions", "squares(size=6)", "--json").json
    assert told["frame"] == "input"


def test_the_frame_of_a_run_that_is_kept_is_said_too(run: Run, sizes: str) -> None:
    found = run("certify", *MODEL, *SIDE, "--data", sizes, "--regions", "squares(size=6)", "--out", "RUN")
    assert "Frame: the model's input of 24×24 pixels, after Fit((24, 24)); mean 0.5" in found.out
    assert "drawn on the model's input, after Preprocessing(steps=(Fit(size=(24, 24)" in run("report", "RUN").out


class Elsewhere:
    """A launcher whose workers are this process; the command itself loads nothing."""

    def launch(self, spec: RunSpec, out: Path, progress: bool) -> None:
        run_spec(spec, out, progress=progress)


@pytest.mark.parametrize("frame", ["input", "source"])
def test_after_a_launcher_the_frame_is_said_as_by_one_process(
    run: Run, sizes: str, frame: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = ("certify", *MODEL, *SIDE, "--data", sizes, "--regions", "squares(size=6)", "--frame", frame, "--out")
    alone = run(*command, "ALONE")
    monkeypatch.setattr("maskcover.runs.launchers.KINDS", {"ray": Elsewhere})
    launched = run(*command, "RUN", "--launcher", "ray")
    assert launched.code == 0, launched.err
    assert launched.out.splitlines()[-1] == alone.out.splitlines()[-1]
    assert "Fit((24, 24)); mean 0.5, std 0.5; 3 channels, chw." in launched.out.splitlines()[-1]


def test_a_run_in_the_frame_of_the_source_is_reported_resumed_and_replayed_by_size(run: Run, sizes: str) -> None:
    command = (
        "certify", *MODEL, *SIDE, "--data", sizes, "--regions", "squares(size=6)", "--frame", "source", "--out", "RUN",
    )  # fmt: skip
    assert run(*command, "--shard", "0/2", "--at-least", "1").code == 3
    assert run(*command, "--shard", "1/2").code == 0
    report = run("report", "RUN", "--at-least", "1")
    assert report.code == 0
    assert "4 of 4 images done" in report.out
    assert "against squares(size=6) on the source images, seen through Fit((24, 24))" in report.out
    assert "2 sizes: RUN/30x48, RUN/48x48" in report.out
    assert run("report", "RUN", "--json").json["config"]["sizes"] == {"30x48": 2, "48x48": 2}
    again = run("replay", "RUN/30x48", *MODEL[:2])
    assert again.code == 0
    assert "2 rows evaluated again, 0 flips" in again.out
    assert "through(squares(size=6), Fit((24, 24)), source=(30, 48))" in run("report", "RUN/30x48").out
    for name in ("replay", "attack"):
        refused = run(name, "RUN")
        assert refused.code == 2
        assert "name one of them: RUN/30x48, RUN/48x48" in refused.err
    other = run(*command[:-2], "--out", "RUN", "--mean", "0.25")
    assert other.code == 2
    assert "holds another run (preprocessing" in other.err


def test_masks_of_a_file_must_cover_every_size(run: Run, sizes: str) -> None:
    for side, code in ((8, 0), (4, 2)):
        run("cover", f"squares(size={side})", "--image-size", "24", "-o", "masks.json")
        found = run(
            "certify",
            *MODEL,
            "--masks",
            "masks.json",
            "--data",
            sizes,
            "--regions",
            "squares(size=6)",
            "--frame",
            "source",
        )
        assert found.code == code, found.err
    assert "nothing can be certified with these masks" in found.err


@pytest.mark.parametrize(
    ("more", "named"),
    [
        (("--frame", "source"), "--frame source needs the regions on the source"),
        (("--frame", "camera", "--regions", "squares(size=2)"), '"input" or "source"; got \'camera\''),
    ],
)
def test_a_frame_that_is_not_clear_is_refused(run: Run, sizes: str, more: tuple[str, ...], named: str) -> None:
    found = run("certify", *MODEL, *SIDE, "--data", sizes, *more)
    assert found.code == 2
    assert named in found.err


def test_cifar_upsampled_is_reported_in_both_frames(run: Run, tmp_path: Path) -> None:
    """A 5×5 patch on the 32×32 picture is up to 55×55 pixels of an input of 224, see `docs`; here 96 for speed."""
    pixels = np.repeat(np.array([[10], [240]], np.uint8), 3072, axis=1)
    (tmp_path / "test_batch").write_bytes(python2({"data": pixels, "labels": [0, 1]}))
    common: tuple[Any, ...] = ("certify", *MODEL, "--input-size", "96", "--data", f"cifar10:{tmp_path}", "--json")
    source = run(*common, "--regions", "squares(size=5)", "--frame", "source").json
    inside = run(*common, "--regions", "squares(size=5)").json
    assert (source["certified"], inside["certified"]) == (2, 2)
    assert source["sizes"][0]["regions"] == "through(squares(size=5), Fit((96, 96)), source=(32, 32))"
    assert inside["regions"] == "squares(size=5)"
    assert (source["frame"], inside["frame"]) == ("source", "input")
