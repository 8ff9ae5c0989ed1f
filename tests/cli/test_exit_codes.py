"""How commands end: with exit codes that mean one thing, and with errors that machines can read."""

from __future__ import annotations

import errno
import json
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import pytest

from maskcover.cli.output import code_of, guarded
from maskcover.errors import InvalidInput
from tests.cli.conftest import Run

PIPED = "import sys; sys.argv = ['maskcover', {arguments}]; from maskcover.cli import main; main()"


def ended(program: Callable[..., object], *arguments: str) -> object:
    with pytest.raises(SystemExit) as exit_:
        guarded(program, arguments)
    return exit_.value.code


@pytest.mark.parametrize(
    "arguments", ["'cover', 'squares(size=8)'", "'cover', 'squares(size=8)', '--json'", "'--help'"]
)
def test_a_reader_who_has_gone_is_no_refutation(arguments: str) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", "input(); " + PIPED.format(arguments=arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin
        assert process.stdout
        assert process.stderr
        process.stdout.close()
        process.stdin.write("\n")
        process.stdin.close()
        said = process.stderr.read()
    assert (process.returncode, said) == (3, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device that is always full is Linux's")
def test_a_full_disk_could_not_decide() -> None:
    with Path("/dev/full").open("w") as full:
        script = PIPED.format(arguments="'cover', 'squares(size=8)'")
        ran = subprocess.run(
            [sys.executable, "-c", script], stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert ran.returncode == 3
    assert ran.stderr.startswith("maskcover: could not decide: OSError")


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EIO])
def test_an_error_that_a_broken_disk_caused_is_not_the_inputs(number: int) -> None:
    wrapped = InvalidInput("cannot write the file")
    wrapped.__cause__ = OSError(number, "of the disk")
    assert code_of(wrapped) == 3
    wrapped.__cause__ = OSError(errno.EACCES, "no permission")
    assert code_of(wrapped) == 2


def test_an_interrupted_program_ends_as_shells_expect(capsys: pytest.CaptureFixture[str]) -> None:
    def interrupted(*_: object, **__: object) -> int:
        return 130  # what the parser answers to Ctrl-C

    assert ended(interrupted) == 130
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("arguments", "kind"),
    [
        (("cover", "squares(size=300)"), "InvalidInput"),
        (("verify", "nowhere.json"), "unreadable"),
        (("cover", "squares(size=8)", "--masks", "some"), "BadParameter"),
        (("cover", "squares(size=8)", "--no-such-option"), "NoSuchOption"),
        (("report", "nowhere"), "InvalidInput"),
    ],
)
def test_errors_are_json_where_answers_are(run: Run, arguments: tuple[str, ...], kind: str) -> None:
    plain, found = run(*arguments), run(*arguments, "--json")
    assert (plain.code, plain.out) == (2, "")
    error = found.json["error"]
    assert (found.code, error["code"], error["kind"]) == (2, 2, kind)
    assert found.err == f"maskcover: {error['message']}\n" == plain.err


def test_a_bug_is_json_too(capsys: pytest.CaptureFixture[str]) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("of the library")

    assert ended(broken, "--json") == 3
    captured = capsys.readouterr()
    assert json.loads(captured.out)["error"]["message"] == "could not decide: ZeroDivisionError: of the library"
    assert "Traceback" in captured.err


def test_a_command_that_is_typed_wrongly_says_where_to_read(run: Run) -> None:
    assert run("cover").err.endswith("Missing argument 'regions'; see: maskcover cover --help\n")
    assert run("zzz").err == "maskcover: No such command 'zzz'; see: maskcover --help\n"


def test_the_version_is_told(run: Run) -> None:
    found = run("--version")
    assert (found.code, found.out) == (0, f"maskcover {version('maskcover')}\n")
