"""Planted faults: each one, put into a copy of the code, must turn tests red. Run by `make mutants`."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

ROOT = Path(__file__).parent.parent
LONGEST = 240  # seconds; the tests take about 60
TREES = ("maskcover", "adapters", "tests", "examples", "benchmarks", "proofs")


@dataclass(frozen=True, slots=True)
class Mutant:
    """A fault: in `module`, the text `old` (which must be there exactly once) becomes `new`; `tests` must notice."""

    module: str
    old: str
    new: str
    tests: str


GEOMETRY, DEFENCE = "tests/covering tests/property tests/masks tests/regions", "tests/defense"
PATCHES = "tests/covering/test_patches.py -k minimal_signatures_contain_no_other"  # elsewhere the fault does not end
MUTANTS = (
    # The axis: Eq. 1 to 3.
    Mutant("covering/axis.py", "*range(0, last + 1, self.stride), last}", "*range(0, last + 1, self.stride)}", GEOMETRY),
    Mutant("covering/axis.py", "stride = -(-(length - patch + 1) // budget)", "stride = max(1, (length - patch + 1) // budget)", GEOMETRY),
    Mutant("covering/axis.py", "AxisMasks(length, patch + stride - 1, stride)", "AxisMasks(length, min(length, patch + stride), stride)", GEOMETRY),
    Mutant("covering/axis.py", "max(self.size - self.stride + 1, 0)", "max(self.size - self.stride + 2, 0)", GEOMETRY),
    # Synthesis.
    Mutant("covering/synthesis.py", "if not report:", "if report is None:", GEOMETRY),
    Mutant("covering/plan.py", "combinations(base, min(self.patches, len(base)))", "combinations(base, 1)", GEOMETRY),
    Mutant("covering/classes.py", "tuple(map(max, bounding, shapes[begin]))", "tuple(map(min, bounding, shapes[begin]))", GEOMETRY),
    # Exact verification.
    Mutant("covering/containment.py", "[[0], cuts, cuts - extent + 1]", "[[0], cuts, cuts - extent]", GEOMETRY),
    Mutant("covering/containment.py", 'side="right") - 1', 'side="left") - 1', GEOMETRY),
    Mutant("covering/containment.py", 'np.searchsorted(edges, starts + extent, side="left")', 'np.searchsorted(edges, starts + extent - 1, side="left")', GEOMETRY),
    Mutant("covering/containment.py", 'first[:, axis], side="left")', 'np.maximum(first[:, axis] - 1, 0), side="left")', GEOMETRY),
    Mutant("covering/containment.py", 'last[:, axis], side="right")', 'last[:, axis] + 1, side="right")', GEOMETRY),
    Mutant("covering/verification.py", "if not covered.all():", "if not covered.any():", GEOMETRY),
    Mutant("covering/verification.py", "for term in regions.terms(masks.grid):", "for term in regions.terms(masks.grid)[:1]:", GEOMETRY),
    Mutant("covering/signatures.py", "for _ in range(patches - 1):\n        joined: dict[Signature, tuple", "for _ in range(patches - 2):\n        joined: dict[Signature, tuple", GEOMETRY),
    Mutant("covering/signatures.py", "smaller & signature == smaller", "smaller & signature == signature", PATCHES),
    # Regions and masks.
    Mutant("regions/base.py", "for shape in sorted(shapes, reverse=True):", "for shape in sorted(shapes):", GEOMETRY),
    Mutant("regions/families.py", "min(sides[0], area)", "min(sides[0], area) - (len(sides) == 1)", GEOMETRY),
    Mutant("amounts.py", "ceil(amount * total)", "floor(amount * total)", "tests/test_amounts.py tests/regions tests/property"),
    Mutant("amounts.py", "else floor(amount * total)", "else ceil(amount * total)", "tests/test_amounts.py tests/covering"),
    Mutant("masks/files.py", 'if document["digest"] != digest(content):', "if False:", "tests/masks"),
    Mutant("masks/mask.py", "(cells[1:] != cells[:-1])", "(cells[1:] > cells[:-1])", "tests/masks"),
    Mutant("masks/unions.py", "packed[first] | packed[second]", "packed[first] & packed[second]", "tests/masks"),
    # The defence.
    Mutant("defense/labels.py", "np.where(decided & ~ties, top", "np.where(decided, top", DEFENCE),
    Mutant("defense/labels.py", "np.where(decided & ~ties, top", "np.where(~ties, top", DEFENCE),
    Mutant("defense/certificates.py", "certified = bool(good.any()) and covers(good)", "certified = bool(good.any())", DEFENCE),
    Mutant("defense/certificates.py", "certified = bool(good.any()) and covers(good)", "certified = bool(hopeful.any()) and covers(hopeful)", DEFENCE),
    Mutant("defense/certificates.py", "good = right.all(axis=1)\n    complete", "good = right.any(axis=1)\n    complete", DEFENCE),
    Mutant("defense/certificates.py", "if covering and not wrong.any() and not seen.all():", "if covering and not wrong.any() and not seen.any():", DEFENCE),
    Mutant("defense/certificates.py", "certified = covering and bool(good.all())", "certified = bool(good.all())", DEFENCE),
    Mutant("defense/certificates.py", "if label < 0:", "if label < -9:", DEFENCE),
    Mutant("defense/double_masking.py", "if (row[~unseen] != one_mask[mask]).any():", "if (row[~unseen] == one_mask[mask]).any():", DEFENCE),
    Mutant("defense/double_masking.py", "disagreers = np.flatnonzero(one_mask != majority)", "disagreers = np.flatnonzero(one_mask != majority)[:1]", DEFENCE),
    Mutant("defense/double_masking.py", "counts == counts.max()", "counts == counts.min()", DEFENCE),
    Mutant("defense/engine.py", "self._hidden[first] | self._hidden[second]", "self._hidden[first] & self._hidden[second]", DEFENCE),
    Mutant("defense/engine.py", "rows + rows[-1:] * (size - len(rows))", "rows[-1:] * (size - len(rows)) + rows", DEFENCE),
    Mutant("defense/certify.py", "    if not report:\n", "    if report is None:\n", DEFENCE),
)  # fmt: skip


def survives(mutant: Mutant) -> bool:
    """Whether the tests stay green on a copy of the tree with the fault in it."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder)
        for tree in TREES:
            shutil.copytree(ROOT / tree, copy / tree, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(ROOT / "pyproject.toml", copy)
        module = copy / "maskcover" / mutant.module
        text = module.read_text(encoding="utf-8")
        if text.count(mutant.old) != 1:
            sys.exit(f"{mutant.module}: expected {mutant.old!r} exactly once; found {text.count(mutant.old)}")
        module.write_text(text.replace(mutant.old, mutant.new), encoding="utf-8")
        path = os.pathsep.join(map(str, (copy, copy / "adapters")))
        command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *mutant.tests.split()]
        return _green(command, copy, os.environ | {"PYTHONPATH": path, "HYPOTHESIS_PROFILE": "hasty"})


def _green(command: list[str], folder: Path, environment: dict[str, str]) -> bool:
    """Whether a command ends well; one that a fault keeps from ending is stopped with all that it started."""
    silent = subprocess.DEVNULL
    ran = subprocess.Popen(command, cwd=folder, env=environment, stdout=silent, stderr=silent, start_new_session=True)
    try:
        return ran.wait(timeout=LONGEST) == 0
    except subprocess.TimeoutExpired:
        return False
    finally:
        if ran.poll() is None:
            os.killpg(ran.pid, signal.SIGKILL)
            ran.wait()


def main() -> None:
    alive = [mutant for mutant in tqdm(MUTANTS, unit="mutant") if survives(mutant)]
    for mutant in alive:
        print(f"survived: {mutant.module}: {mutant.old!r} -> {mutant.new!r}")
    print(f"{len(MUTANTS) - len(alive)} of {len(MUTANTS)} planted faults turned tests red")
    sys.exit(bool(alive))


if __name__ == "__main__":
    main()
