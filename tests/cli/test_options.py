"""Options in groups: typer sees each field of a dataclass, the command gets the dataclass."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import Annotated, Any, get_args, get_type_hints

import pytest
import typer

from maskcover.cli import app
from maskcover.cli.options import options_of_groups

PARAMETERS = [
    (command.name or getattr(command.callback, "__name__", ""), name, kind)
    for command in app.registered_commands
    for name, kind in get_type_hints(command.callback, include_extras=True).items()
    if name != "return"
]


@dataclass(frozen=True)
class Size:
    height: Annotated[int, typer.Option(help="Rows.")]
    width: Annotated[int, typer.Option(help="Columns.")] = 3


def test_fields_stand_in_the_place_of_their_group() -> None:
    calls: list[tuple[Any, ...]] = []

    @options_of_groups
    def draw(name: str, size: Size, depth: int = 1) -> None:
        """Draw."""
        calls.append((name, size, depth))

    assert list(inspect.signature(draw).parameters) == ["name", "height", "width", "depth"]
    assert get_args(draw.__annotations__["height"])[0] is int
    assert draw.__doc__ == "Draw."
    draw(name="a", height=2)
    draw(name="b", height=4, width=5, depth=6)
    assert calls == [("a", Size(2), 1), ("b", Size(4, 5), 6)]


@pytest.mark.parametrize(("command", "name", "kind"), PARAMETERS)
def test_every_help_text_is_a_sentence(command: str, name: str, kind: Any) -> None:
    (shown,) = [one for one in get_args(kind) if isinstance(one, typer.models.ParameterInfo)]
    text = shown.help or ""
    assert text, (command, name)
    assert text.endswith("."), (command, name, text)
    assert not text.startswith("Of "), (command, name, text)
    assert "so many" not in text, (command, name, text)
