"""How every command answers: exit codes, JSON or lines on stdout, errors as one sentence on stderr."""

from __future__ import annotations

import errno
import json
import sys
import traceback
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NoReturn

from maskcover.errors import DiskFull, MaskcoverError, MaskcoverWarning, UndecidedPrediction
from maskcover.system import discard_stdout
from maskcover.terminal import printable, printable_lines

__all__ = [
    "BAD_INPUT", "HOLDS", "REFUTED", "UNDECIDED", "answer", "code_of", "failure", "guarded", "note",
    "printable", "working",
]  # fmt: skip

HOLDS, REFUTED, BAD_INPUT, UNDECIDED = 0, 1, 2, 3
# The disk is full or broken, its quota is used up, or memory is: nothing is wrong with the input.
_MACHINE_FAULTS = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.ENOMEM})


def answer(document: dict[str, Any], lines: Iterable[str], *, as_json: bool) -> None:
    """Print the answer of a command on stdout: a JSON document, or lines for people.

    Lines that show a name from elsewhere, such as that of a file, show it by `printable`: it stays within its line.
    """
    print(_json(document) if as_json else "\n".join(map(printable_lines, lines)))


def _json(document: dict[str, Any]) -> str:
    """A document as JSON: letters of all languages as they are, characters that cannot be printed escaped."""
    text = json.dumps(document, ensure_ascii=False, indent=2)
    return "".join(letter if letter.isprintable() or letter == "\n" else json.dumps(letter)[1:-1] for letter in text)


@contextmanager
def working(task: str, *, shown: bool) -> Iterator[None]:
    """Show on stderr that a task is running."""
    if not shown:
        yield
        return
    from rich.console import Console
    from rich.markup import escape

    with Console(stderr=True).status(escape(f"{printable(task)} …")):
        yield


def note(text: str) -> None:
    """Print a remark on stderr."""
    print(f"maskcover: {printable(text)}", file=sys.stderr)


def failure(kind: str, message: str, code: int, *, as_json: bool) -> None:
    """Print on stderr why there is no answer, and as a JSON document on stdout if JSON was asked for."""
    if message:
        note(message)
    if as_json:
        answer({"error": {"kind": kind, "message": message, "code": code}}, (), as_json=True)


def guarded(program: Callable[..., object], arguments: Sequence[str]) -> NoReturn:
    """Run the program with its arguments and exit with one of the four codes, whatever happens.

    An uncaught Python error would exit with 1, which means "refuted" here; it becomes 3, "could not decide". With
    ``--json`` among the arguments an error is a JSON document on stdout too: ``{"error": {kind, message, code}}``.
    """
    warnings.showwarning = _show_warning  # type: ignore[assignment]  # takes the arguments it is called with
    as_json = "--json" in arguments
    try:
        code = program(list(arguments), prog_name="maskcover", standalone_mode=False)
        sys.stdout.flush()  # a closed pipe shows here, before the exit code is chosen
    except (BrokenPipeError, SystemExit) as error:
        # The parser turns a closed pipe into an exit with 1, which would mean "refuted".
        if not _closed_pipe(error):
            raise
        discard_stdout()
        raise SystemExit(UNDECIDED) from error
    except Exception as error:
        _report(error, as_json=as_json)
        raise SystemExit(code_of(error)) from error
    sys.exit(code if isinstance(code, int) else HOLDS)


def code_of(error: BaseException) -> int:
    """The exit code of an error: 2 for bad input, 3 for everything else.

    >>> code_of(UndecidedPrediction()), code_of(MaskcoverError()), code_of(OSError(errno.ENOSPC, "disk full"))
    (3, 2, 3)
    """
    if isinstance(error, UndecidedPrediction | DiskFull) or _machine_fault(error) or _machine_fault(error.__cause__):
        return UNDECIDED
    return BAD_INPUT if isinstance(error, MaskcoverError) or _of_usage(error) else UNDECIDED


def _machine_fault(error: BaseException | None) -> bool:
    return isinstance(error, OSError) and error.errno in _MACHINE_FAULTS


def _of_usage(error: BaseException) -> bool:
    """Whether the command was typed wrongly: the parser's own errors, which have no public base class."""
    return hasattr(error, "format_message")


def _report(error: Exception, *, as_json: bool) -> None:
    """Print an error as a sentence on stderr, with a traceback only if it is a bug; and as JSON if asked for."""
    message = str(error)
    if _of_usage(error):
        message = _usage(error)
    elif not isinstance(error, MaskcoverError):
        message = f"could not decide: {type(error).__name__}: {error}"
        if not _machine_fault(error):
            print(printable_lines(traceback.format_exc().rstrip()), file=sys.stderr)
    failure(type(error).__name__, message, code_of(error), as_json=as_json)


def _usage(error: Any) -> str:
    """The sentence about a command that was typed wrongly, with the help to read; empty if help was printed already."""
    message = str(error.format_message()).rstrip(".")
    return f"{message}; see: {error.ctx.command_path} --help" if message and error.ctx else message


def _closed_pipe(error: BaseException) -> bool:
    cause = error.__context__ if isinstance(error, SystemExit) else error
    return isinstance(cause, OSError) and cause.errno == errno.EPIPE


def _show_warning(message: Warning | str, category: type[Warning], *_: object) -> None:
    if issubclass(category, MaskcoverWarning):
        note(f"warning: {message}")
