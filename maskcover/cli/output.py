"""How every command answers: exit codes, JSON or lines on stdout, errors as one sentence on stderr."""

from __future__ import annotations

import json
import sys
import traceback
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

from maskcover.errors import DiskFull, MaskcoverError, MaskcoverWarning, UndecidedPrediction
from maskcover.terminal import printable, printable_lines

__all__ = ["BAD_INPUT", "HOLDS", "REFUTED", "UNDECIDED", "answer", "guarded", "note", "printable", "working"]

HOLDS, REFUTED, BAD_INPUT, UNDECIDED = 0, 1, 2, 3


def answer(document: dict[str, Any], lines: Iterable[str], *, as_json: bool) -> None:
    """Print the answer of a command on stdout: a JSON document, or lines for people.

    Lines that show a name from elsewhere, such as that of a file, show it by `printable`: it stays within its line.
    """
    print(_json(document) if as_json else "\n".join(map(printable_lines, lines)))


def _json(document: dict[str, Any]) -> str:
    """A document as JSON, in letters that can be read, with all that cannot be seen escaped."""
    text = json.dumps(document, ensure_ascii=False, indent=2)
    return "".join(one if one.isprintable() or one == "\n" else json.dumps(one)[1:-1] for one in text)


@contextmanager
def working(task: str, *, shown: bool) -> Iterator[None]:
    """Show on stderr that something takes its time."""
    if not shown:
        yield
        return
    from rich.console import Console
    from rich.markup import escape

    with Console(stderr=True).status(escape(f"{printable(task)} …")):
        yield


def note(text: str) -> None:
    """Say something on stderr that is not the answer."""
    print(f"maskcover: {printable(text)}", file=sys.stderr)


def guarded(run: Callable[[], object]) -> NoReturn:
    """Run the program and turn whatever happens into the exit codes of design §3.

    An uncaught Python error would exit with 1, which means "refuted" here; it becomes 3, "could not decide".
    """
    warnings.showwarning = _show_warning  # type: ignore[assignment]  # takes the arguments it is called with
    try:
        run()
    except (UndecidedPrediction, DiskFull) as error:
        note(str(error))
        sys.exit(UNDECIDED)
    except MaskcoverError as error:
        note(str(error))
        sys.exit(BAD_INPUT)
    except BrokenPipeError:
        sys.exit(UNDECIDED)
    except Exception as error:
        print(printable_lines(traceback.format_exc().rstrip()), file=sys.stderr)
        note(f"could not decide: {type(error).__name__}: {error}")
        raise SystemExit(UNDECIDED) from error
    sys.exit(HOLDS)


def _show_warning(message: Warning | str, category: type[Warning], *_: object) -> None:
    if issubclass(category, MaskcoverWarning):
        note(f"warning: {message}")
