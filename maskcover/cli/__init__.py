"""The command line. Commands read, call the library, and print; nothing heavy is imported before a command runs."""

from __future__ import annotations

import sys
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer

from maskcover.cli import (
    asking,
    choosing,
    claims,
    defense,
    doctor,
    explaining,
    geometry,
    models,
    runs,
    studies,
    tradeoffs,
    training,
    watching,
)
from maskcover.cli.output import guarded
from maskcover.errors import MissingExtra, install_hint

app = typer.Typer(
    name="maskcover",
    help="Mask sets that provably cover what an attacker may touch. Exit codes: 0 holds, 1 refuted, 2 bad input, "
    "3 could not decide.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def _show_version(wanted: bool) -> None:
    if wanted:
        print(f"maskcover {version('maskcover')}")
        raise typer.Exit


@app.callback()
def program(
    show_version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Options of the program itself."""


for command in (
    geometry.cover,
    claims.verify,
    claims.check,
    geometry.show,
    tradeoffs.frontier,
    tradeoffs.bound,
    geometry.prove,
    defense.certify,
    defense.predict,
    explaining.explain,
    models.models,
    runs.report,
    watching.status,
    asking.compare,
    runs.replay,
    runs.attack,
    choosing.choose,
    studies.study,
    training.finetune,
    doctor.doctor,
):
    app.command()(command)


@app.command()
def demo(
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder for the page.")] = Path("maskcover-demo"),
) -> None:
    """Certify five photographs with a real ImageNet network, attack one, and write a page; needs no network."""
    try:
        from importlib import import_module

        demonstration = import_module("maskcover_torch.demo")
    except ImportError as error:
        raise MissingExtra(f"the demo cannot start ({error}); {install_hint('demo')}") from error
    demonstration.run(output)


def main() -> None:
    """The entry point of the `maskcover` command."""
    guarded(app, sys.argv[1:])
