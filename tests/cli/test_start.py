"""The program as a process: light to start, and with exit codes that a shell sees."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = ("torch", "scipy", "shapely", "matplotlib", "PIL", "jinja2")
SCRIPT = """
import sys
from maskcover.cli import app
try:
    app({arguments})
except SystemExit:
    pass
print(sorted(set({heavy}) & set(sys.modules)), file=sys.stderr)
"""


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["certify", "--help"],
        ["demo", "--help"],
        ["finetune", "--help"],
        ["study", "--list"],
        ["cover", "squares(8)"],
    ],
)
def test_help_and_geometry_import_nothing_heavy(arguments: list[str]) -> None:
    script = SCRIPT.format(arguments=arguments, heavy=HEAVY)
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert ran.stderr.strip() == "[]"
    assert ran.stdout


@pytest.mark.parametrize(
    ("arguments", "code"), [(["--help"], 0), (["verify", "nowhere.json"], 2), (["cover", "squares(size=8)"], 0)]
)
def test_exit_codes_reach_the_shell(arguments: list[str], code: int) -> None:
    ran = subprocess.run([sys.executable, "-m", "maskcover", *arguments], capture_output=True, text=True, check=False)
    assert ran.returncode == code
