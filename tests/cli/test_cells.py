"""Commands for networks with cells: local evidence, and masks behind a layer."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Run

SMALL = ("--input-size", "32")
WINDOWS, EVIDENCE = "tests.cli.models:windows", "tests.cli.models:evidence"


@pytest.mark.usefixtures("one_thread")
@pytest.mark.parametrize(
    "model", [("--model", EVIDENCE, "--local", "."), ("--model", WINDOWS, "--local", "cells", "-O", "head=head")]
)
@pytest.mark.parametrize("procedure", ["voting()", "bagcert()", "robust_masking()"])
def test_local_evidence_is_certified_with_the_masks_of_its_cells(
    run: Run, photos: Path, model: tuple[str, ...], procedure: str
) -> None:
    common = (*model, "--data", str(photos), *SMALL, "--regions", "squares(size=4)", "--procedure", procedure)
    ran = run("certify", *common, "--json")
    assert ran.code == 0, ran.err
    assert (ran.json["masks"], ran.json["certified"], ran.json["numerics"]) == (64, 3, "bitwise")


@pytest.mark.usefixtures("one_thread")
def test_a_split_network_hides_the_cells_that_regions_change(run: Run, photos: Path, tmp_path: Path) -> None:
    common = ("--model", WINDOWS, "--split-at", "cells", "--data", str(photos), *SMALL, "--batch-size", "4")
    ran = run("certify", *common, "--regions", "squares(size=6)", "--json")
    assert ran.code == 0, ran.err
    assert ran.json["regions"] == "through(squares(size=6), ReceptiveField(4, 4), source=(32, 32))"
    assert ran.json["image_size"] == [8, 8]
    assert ran.json["certified"] == 3
    lines = run("certify", *common, "--regions", "squares(size=6)").out
    assert "the model's input of 32×32 pixels, seen by 8×8 cells" in lines
    assert run("certify", *common, "--regions", "squares(size=6)", "--out", str(tmp_path / "run")).code == 0
    document = json.loads((tmp_path / "run" / "run.json").read_text())
    assert "ReceptiveField(4, 4)" in json.dumps(document)
    smaller = "through(squares(size=6), ReceptiveField(2, 4), source=(32, 32))"
    ran = run("certify", *common, "--regions", smaller)
    assert ran.code == 2
    assert "the cells of this model see ReceptiveField(4, 4)" in ran.err


def test_options_that_do_not_go_together_are_refused(run: Run, photos: Path) -> None:
    common = ("certify", "--data", str(photos), *SMALL, "--regions", "squares(size=4)")
    for more, message in (
        (("--model", WINDOWS, "--split-at", "cells", "--frame", "source"), "needs --frame input"),
        (("--model", WINDOWS, "--split-at", "cells", "--local", "cells"), "not both"),
        (("--model", WINDOWS, "--local", "stem"), "the model has no layer 'stem'"),
        (("--model", EVIDENCE, "--local", ".", "--fill", "0.5"), "hides no pixels"),
        (("--model", EVIDENCE, "--local", "."), "name a defence that asks single views"),
        (("--model", EVIDENCE, "--local", ".", "--procedure", "challenger_masking()"), "that asks single views"),
    ):
        ran = run(*common, *more)
        assert ran.code == 2, ran.err
        assert message in ran.err
