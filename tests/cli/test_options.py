"""Options in groups: typer sees each field of a dataclass, the command gets the dataclass."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import Annotated, Any, get_args, get_type_hints

import pytest
import typer

from maskcover.cli import app
from maskcover.cli.options import least_margin, options_of_groups
from maskcover.errors import InvalidInput, MaskcoverWarning

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


def test_options_of_a_group_stand_below_its_panel_in_the_help() -> None:
    group: Any = typer.main.get_command(app)
    for command in ("certify", "predict", "explain", "finetune"):
        panels = {option.name: option.rich_help_panel for option in group.commands[command].params}
        assert (panels["model"], panels["fill"], panels["as_json"]) == ("Model", "Model", None)


def test_the_earlier_name_of_min_margin_works_with_a_warning() -> None:
    assert (least_margin(0.1, None), least_margin(None, None)) == (0.1, None)
    with pytest.warns(MaskcoverWarning, match="--margin is now called --min-margin"):
        assert least_margin(None, 0.2) == 0.2
    with pytest.raises(InvalidInput, match="type only --min-margin"):
        least_margin(0.1, 0.2)


@pytest.mark.parametrize("command", ["certify", "finetune"])
def test_the_earlier_name_is_not_in_the_help(command: str) -> None:
    group: Any = typer.main.get_command(app)
    hidden = {name: option.hidden for option in group.commands[command].params for name in option.opts}
    assert (hidden["--min-margin"], hidden["--margin"]) == (False, True)
