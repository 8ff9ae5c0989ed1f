"""The documentation: every block of Python runs, what it says is printed is printed, and every command can be typed.

A `text` block below a block says what comes out of it, line by line; "…" stands for whatever. A `console` block is
parsed command by command; where the comment ``<!-- run -->`` stands before it, it is run as well. A comment that begins
with ``<!-- python`` is code which the reader need not see.
"""

from __future__ import annotations

import io
import re
import shlex
import warnings
from collections.abc import Iterator
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import typer

from maskcover.cli import app
from maskcover.cli.output import guarded

pytestmark = pytest.mark.usefixtures("one_thread")
ROOT = Path(__file__).parent.parent.parent
DOCS = ROOT / "docs"
PAGES = sorted(path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md"))
_BLOCK = re.compile(
    r"^(?P<run><!-- run -->\n)?(?:```|<!-- )(?P<kind>\w+)\n(?P<text>.*?)^(?:```|-->)$", re.MULTILINE | re.DOTALL
)


@dataclass(frozen=True)
class Block:
    kind: str
    text: str
    line: int
    run: bool

    @property
    def commands(self) -> list[list[str]]:
        """What is typed, without comments; lines that end in a backslash go on."""
        whole = self.text.replace("\\\n", " ")
        return [shlex.split(line[2:], comments=True) for line in whole.splitlines() if line.startswith("$ ")]

    @property
    def answer(self) -> str:
        """What a console block shows besides what is typed."""
        whole = self.text.replace("\\\n", " ")
        return "".join(f"{line}\n" for line in whole.splitlines() if not line.startswith("$ "))


def blocks(page: str) -> list[Block]:
    content = (DOCS / page).read_text(encoding="utf-8")
    return [
        Block(one["kind"], one["text"], content[: one.start()].count("\n") + 2, bool(one["run"]))
        for one in _BLOCK.finditer(content)
    ]


def expect_printed(block: Block, said: str, printed: str) -> None:
    """Every line that the page shows stands in what was printed, in this order."""
    lines = printed.splitlines()
    for shown in filter(str.strip, said.splitlines()):
        pattern = ".*".join(map(re.escape, shown.strip().split("…")))
        place = next((n for n, line in enumerate(lines) if re.fullmatch(pattern, line.strip())), None)
        assert place is not None, f"line {block.line}: {shown!r} is not in\n{printed}"
        lines = lines[place + 1 :]


def executed(block: Block, page: str, names: dict[str, Any]) -> str:
    printed = io.StringIO()
    # Empty lines before it, so that errors name the line of the page.
    code = compile("\n" * (block.line - 1) + block.text, str(DOCS / page), "exec")
    with redirect_stdout(printed):
        exec(code, names)  # noqa: S102 (our own pages)
    return printed.getvalue()


def typed(block: Block) -> str:
    """What the commands of a block print; each answers, whatever it answers."""
    printed = io.StringIO()
    for name, *arguments in block.commands:
        assert name == "maskcover", f"line {block.line}: {name} is not run"
        with redirect_stdout(printed), pytest.raises(SystemExit) as exit_:
            guarded(app, arguments)
        assert exit_.value.code in (None, 0, 1), (block.line, arguments, printed.getvalue())
    return printed.getvalue()


def expect_typable(arguments: list[str]) -> None:
    """The command, its options and the number of its arguments exist; nothing is run."""
    group: Any = typer.main.get_command(app)
    name, *rest = arguments
    assert name in group.commands, name
    group.commands[name].make_context(name, rest)


def shown_commands() -> Iterator[tuple[str, int, list[str]]]:
    for page in PAGES:
        for block in blocks(page):
            if block.kind == "console":
                typed_here = [words for words in block.commands if "maskcover" in words]  # torchrun may stand before it
                yield from ((page, block.line, words[words.index("maskcover") + 1 :]) for words in typed_here)


@pytest.mark.parametrize("page", [page for page in PAGES if any(one.kind == "python" for one in blocks(page))])
def test_the_code_of_the_page_runs(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(warnings, "showwarning", warnings.showwarning)  # which commands replace
    names: dict[str, Any] = {"__name__": "docs"}
    before, printed = None, ""
    for block in blocks(page):
        if block.kind == "text":
            assert before is not None, f"line {block.line}: of what is this the output?"
            expect_printed(block, block.text, printed)
        if block.kind == "python":
            before, printed = block, executed(block, page, names)
        if block.run:
            before, printed = block, typed(block)
            expect_printed(block, block.answer, printed)


@pytest.mark.parametrize(("page", "line", "arguments"), list(shown_commands()))
def test_every_command_can_be_typed(page: str, line: int, arguments: list[str]) -> None:
    try:
        expect_typable(arguments)
    except Exception as error:
        pytest.fail(f"{page}, line {line}: maskcover {shlex.join(arguments)}: {error}")


def test_a_command_that_cannot_be_typed_is_noticed() -> None:
    for wrong in (["cover"], ["certify", "--model", "m", "--data", "d", "--nothing"], ["fly"], ["report", "a", "b"]):
        with pytest.raises(Exception, match=r"."):
            expect_typable(wrong)


def test_output_that_is_not_printed_is_noticed() -> None:
    block = Block("text", "", 1, run=False)
    expect_printed(block, "a … c\n\nd", "a b c\nnot shown\nd\n")
    for said in ("b", "d\na"):
        with pytest.raises(AssertionError, match="line 1"):
            expect_printed(block, said, "a\nd\n")
