"""Hooks of the site: the page of the command line is written from the commands, and no page fetches from elsewhere."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

import typer
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import Files
from mkdocs.structure.pages import Page

from maskcover.cli import app

COMMANDS = "reference/command-line.md"
_KINDS: dict[Any, str] = {str: "text", int: "whole number", float: "number", Path: "path", bool: ""}
# What a browser fetches when it shows a page; it does not fetch links.
_FETCHED = re.compile(r"<(?:script|img|iframe|link|source)\b[^>]*?\b(?:src|href)=[\"']?((?:https?:)?//[^\"'\s>]+)")

_CELL = re.compile(r"<td((?: style=\"[^\"]*\")?)>(.*?)(?=</td>)", re.DOTALL)
_LONG = 70  # characters


def on_page_markdown(markdown: str, *, page: Page, config: MkDocsConfig, files: Files) -> str:  # noqa: ARG001  # theirs
    """Add the commands to the page of the command line."""
    return f"{markdown}\n{commands()}" if page.file.src_uri == COMMANDS else markdown


def on_page_content(html: str, *, page: Page, config: MkDocsConfig, files: Files) -> str:  # noqa: ARG001  # theirs
    """Mark the cells of tables that hold sentences; the style keeps them from getting too narrow to read on a phone."""
    return _CELL.sub(lambda cell: f'<td class="long"{cell[1]}>{cell[2]}' if _is_long(cell[2]) else cell[0], html)


def on_post_page(output: str, *, page: Page, config: MkDocsConfig) -> str:  # noqa: ARG001  # theirs
    """Refuse a page that would fetch something from elsewhere when it is shown."""
    if fetched := _FETCHED.search(output):
        raise PluginError(f"{page.file.src_uri} fetches {fetched[1]}; put it into docs/assets instead")
    return output


def _is_long(cell: str) -> bool:
    return len(re.sub("<[^>]*>", "", cell)) > _LONG


def commands() -> str:
    """Every command with its arguments and options, as Markdown."""
    group: Any = typer.main.get_command(app)
    functions = [registered.callback for registered in app.registered_commands]
    pairs = zip(group.commands.items(), functions, strict=True)
    return "\n".join(line for (name, command), function in pairs for line in _command(name, command, function))


def _command(name: str, command: Any, function: Any) -> Iterator[str]:
    types = get_type_hints(function)
    options = [option for option in command.params if option.param_type_name == "option" and not option.hidden]
    arguments = [argument for argument in command.params if argument.param_type_name == "argument"]
    places = [_place(argument) for argument in arguments]
    yield from (f"## maskcover {name}", "", _plain(command.help), "")
    typed = " ".join(["maskcover", name, *places, *(["[OPTIONS]"] if options else [])])
    yield from ("```console", f"$ {typed}", "```", "")
    if arguments:
        yield from ("| argument | |", "| --- | --- |")
        yield from (f"| `{_place(argument)}` | {_cell(argument.help)} |" for argument in arguments)
        yield ""
    if options:
        yield from ("| option | value | by default | |", "| --- | --- | --- | --- |")
        for option in options:
            yield f"| {_names(option)} | {_value(types[option.name])} | {_default(option)} | {_cell(option.help)} |"
        yield ""


def _place(argument: Any) -> str:
    return f"{argument.name.upper()}{'…' if argument.nargs == -1 else ''}"


def _names(option: Any) -> str:
    return " ".join(f"`{name}`" for name in [*option.opts, *option.secondary_opts])


def _value(kind: Any) -> str:
    """The type of an option in words; nothing for a flag."""
    parts = (kind, *get_args(kind))
    several = [f"{_KINDS[get_args(part)[0]]}, repeatable" for part in parts if get_origin(part) is list]
    return several[0] if several else _KINDS[next(part for part in parts if part in _KINDS)]


def _default(option: Any) -> str:
    if option.required:
        return "must be given"
    return "" if option.default is None or option.is_flag else f"`{option.default}`"


def _cell(text: str | None) -> str:
    return _plain(text or "").replace("|", "\\|")


def _plain(text: str) -> str:
    return " ".join(text.split())
