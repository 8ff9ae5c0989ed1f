"""What the site does beyond Markdown: a page written from the command line itself, and no request to anywhere else."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args, get_type_hints

import typer
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import Files
from mkdocs.structure.pages import Page

from maskcover.cli import app

COMMANDS = "reference/command-line.md"
_KINDS: dict[Any, str] = {str: "text", int: "whole number", float: "number", Path: "path", bool: ""}
# What a browser fetches when it shows a page; links are fetched by people.
_FETCHED = re.compile(r"<(?:script|img|iframe|link|source)\b[^>]*?\b(?:src|href)=[\"']?((?:https?:)?//[^\"'\s>]+)")


def on_page_markdown(markdown: str, *, page: Page, config: MkDocsConfig, files: Files) -> str:  # noqa: ARG001  # theirs
    """The page of the command line, with its commands."""
    return f"{markdown}\n{commands()}" if page.file.src_uri == COMMANDS else markdown


def on_post_page(output: str, *, page: Page, config: MkDocsConfig) -> str:  # noqa: ARG001  # theirs
    """Refuse a page that would fetch something from elsewhere when it is looked at."""
    if found := _FETCHED.search(output):
        raise PluginError(f"{page.file.src_uri} fetches {found[1]}; put it into docs/assets instead")
    return output


def commands() -> str:
    """Every command with its arguments and options, as Markdown."""
    group: Any = typer.main.get_command(app)
    functions = [one.callback for one in app.registered_commands]
    every = zip(group.commands.items(), functions, strict=True)
    return "\n".join(line for (name, command), function in every for line in _command(name, command, function))


def _command(name: str, command: Any, function: Any) -> Iterator[str]:
    types = get_type_hints(function)
    named = [one for one in command.params if one.param_type_name == "option"]
    places = [one for one in command.params if one.param_type_name == "argument"]
    words = [_place(one) for one in places]
    yield from (f"## maskcover {name}", "", _plain(command.help), "")
    yield from ("```console", f"$ maskcover {' '.join([name, *words, '[OPTIONS]'])}", "```", "")
    if places:
        yield from ("| argument | |", "| --- | --- |")
        yield from (f"| `{_place(one)}` | {_cell(one.help)} |" for one in places)
        yield ""
    yield from ("| option | value | by default | |", "| --- | --- | --- | --- |")
    for one in named:
        yield f"| {_names(one)} | {_value(types[one.name])} | {_default(one)} | {_cell(one.help)} |"
    yield ""


def _place(argument: Any) -> str:
    return f"{argument.name.upper()}{'…' if argument.nargs == -1 else ''}"


def _names(option: Any) -> str:
    return " ".join(f"`{name}`" for name in [*option.opts, *option.secondary_opts])


def _value(kind: Any) -> str:
    """The type of an option in words; nothing for a flag."""
    kinds = {one for one in (kind, *get_args(kind)) if one in _KINDS}
    several = list[str] in (kind, *get_args(kind))
    return "text, repeatable" if several else _KINDS[kinds.pop()]


def _default(option: Any) -> str:
    if option.required:
        return "must be given"
    return "" if option.default is None or option.is_flag else f"`{option.default}`"


def _cell(text: str | None) -> str:
    return _plain(text or "").replace("|", "\\|")


def _plain(text: str) -> str:
    return " ".join(text.split())
