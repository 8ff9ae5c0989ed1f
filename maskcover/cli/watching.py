"""The command about runs that are being made: status."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from maskcover.cli.geometry import Json
from maskcover.cli.output import answer
from maskcover.terminal import printable_lines

if TYPE_CHECKING:
    from maskcover.runs import RunStatus


def status(
    run: Annotated[Path, typer.Argument(help="The folder of a run, or s3://BUCKET/RUN, made by `certify --out`.")],
    watch: Annotated[bool, typer.Option("--watch", help="Look again and again until the run is complete.")] = False,
    every: Annotated[float, typer.Option(min=0.1, help="With --watch: seconds between two looks.")] = 10.0,
    as_json: Json = False,
) -> None:
    """Tell how far a run is: shards done, in work and by whom, stale leases, images a second, time left."""
    from maskcover.runs import status as look_at

    if not watch:
        look = look_at(run)
        answer(look.document(), look.lines, as_json=as_json)
        return
    looks = watched(lambda since: look_at(run, since=since), lambda: time.sleep(every))
    if sys.stdout.isatty() and not as_json:
        _redraw(looks)
        return
    for look in looks:
        print(json.dumps(look.document()) if as_json else printable_lines(look.line), flush=True)


def watched(look_at: Callable[[RunStatus | None], RunStatus], pause: Callable[[], object]) -> Iterator[RunStatus]:
    """Looks at a run until it is complete.

    Args:
        look_at: Looks at it, given the look before.
        pause: Waits between two looks.
    """
    look = look_at(None)
    yield look
    while not look.complete:
        pause()
        look = look_at(look)
        yield look


def _redraw(looks: Iterator[RunStatus]) -> None:
    """Show the latest look in the same lines of a terminal."""
    from rich.live import Live
    from rich.text import Text

    with Live(auto_refresh=False) as live:
        for look in looks:
            live.update(Text("\n".join(map(printable_lines, look.lines))), refresh=True)
