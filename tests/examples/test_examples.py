"""The examples run, shortened, and say what they promise."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

FOLDER = Path(__file__).parent.parent.parent / "examples"
SHORT = {
    "01_cover_and_verify": ["--image-size", "224"],
    "02_mnist_certified": ["--epochs", "1", "--test", "20"],
    "03_your_own_model": ["--test", "5"],
}
SAYS = {
    "01_cover_and_verify": ("covers: each of the 1,401,915 placements", "no mask contains", "300 masks, 15250"),
    "02_mnist_certified": ("36 masks of 64 px cover squares(size=5)", "certified, any 5×5", "95 % interval"),
    "03_your_own_model": ("any Python object: ", "a torch module:    "),
}


def load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"example_{name}", FOLDER / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_example_is_tested() -> None:
    assert {path.stem for path in FOLDER.glob("*.py")} == set(SHORT)


@pytest.mark.parametrize("name", sorted(SHORT))
def test_the_example_runs(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    load(name).main(SHORT[name])
    printed = capsys.readouterr().out
    assert [text for text in SAYS[name] if text not in printed] == []
