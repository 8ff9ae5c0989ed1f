"""The example for CI: its claims hold, and the action, the hook and the README name what there is."""

from __future__ import annotations

import re
from pathlib import Path

from maskcover.certificate.check import check
from tests.cli.conftest import Run

ROOT = Path(__file__).parent.parent.parent
CLAIMS = ROOT / "examples/ci/claims"


def test_the_claims_of_the_example_hold(run: Run) -> None:
    found = run("verify", str(CLAIMS), "--sarif", "out.sarif")
    assert found.code == 0, found.out + found.err
    assert "3 of 3 claims hold" in found.out
    for path in CLAIMS.iterdir():
        assert check(path.read_bytes())[0] == 0


def test_the_commands_of_the_readme_make_the_claims(run: Run) -> None:
    commands = re.findall(r"^maskcover (cover .*)$", (CLAIMS.parent / "README.md").read_text(), re.MULTILINE)
    assert len(commands) == 3
    Path("claims").mkdir()
    for command in commands:
        words = [quoted or plain for quoted, plain in re.findall(r'"([^"]*)"|(\S+)', command)]
        assert run(*words).code == 0
    for path in CLAIMS.iterdir():
        assert (Path("claims") / path.name).read_bytes() == path.read_bytes()


def test_the_action_and_the_hook_call_verify() -> None:
    assert "maskcover verify --sarif" in (ROOT / "action.yml").read_text()
    hook = (ROOT / ".pre-commit-hooks.yaml").read_text()
    assert "id: maskcover-verify" in hook
    assert "entry: maskcover verify" in hook


def test_the_page_shows_the_workflow_and_a_hook_that_is_there() -> None:
    page = (ROOT / "docs/how-to/claims.md").read_text(encoding="utf-8")
    workflow, hooks = re.findall(r"^```yaml\n(.*?)^```", page, re.DOTALL | re.MULTILINE)
    example = (CLAIMS.parent / "workflow.yml").read_text(encoding="utf-8")
    assert example.endswith(workflow)
    assert example.count("\n") == workflow.count("\n") + 1  # but for where the file goes
    (hook,) = re.findall(r"- id: (\S+)", hooks)
    assert f"- id: {hook}\n" in (ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8")
