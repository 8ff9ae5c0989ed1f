"""Public names are words of the glossary: none of those that another word stands for."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from importlib import import_module
from typing import Any

import pytest

PACKAGES = (
    "maskcover", "maskcover.certificate", "maskcover.certification", "maskcover.choosing", "maskcover.classifiers",
    "maskcover.covering", "maskcover.data", "maskcover.defense", "maskcover.engine", "maskcover.masks",
    "maskcover.regions", "maskcover.runs", "maskcover.studies",
)  # fmt: skip
INSTEAD = {
    "picture": "image", "pictures": "images", "photo": "image", "forward": "masked prediction",
    "forwards": "evaluations",
    "lead": "margin", "leads": "margins", "firm": "margin", "good": "certifying", "share": "fraction",
    "fold": "multiplicity", "found": "a noun", "asked": "a noun", "told": "a noun", "hoped": "a noun",
    "altered": "a verb", "settle": "run_queries", "ready": "prepare_run",
}  # fmt: skip
KEPT = {
    "maskcover.half_planes(share)": "part of the text of the region set, which files hold",
    "maskcover.regions.half_planes(share)": "the same",
}


def names_of(place: str, value: Any) -> Iterator[str]:
    """A public name, its parameters, and its public attributes, each as it is written in full."""
    yield place
    if inspect.isclass(value):
        attributes = {field.name for field in fields(value)} if is_dataclass(value) else set()
        attributes |= {name for name, member in vars(value).items() if not is_earlier(member)}
        yield from (f"{place}.{name}" for name in attributes if not name.startswith("_"))
        members = {name: member for name, member in vars(value).items() if not name.startswith("_")}
        for name, member in members.items():
            if inspect.isfunction(member) and not is_earlier(member):
                yield from (f"{place}.{name}({parameter})" for parameter in inspect.signature(member).parameters)
    elif inspect.isfunction(value):
        yield from (f"{place}({parameter})" for parameter in inspect.signature(value).parameters)


def is_earlier(member: Any) -> bool:
    """Whether a property or a method is the earlier name of another one, kept for one release with a warning."""
    return (getattr(member, "__doc__", None) or "").startswith("The name of `")


@pytest.mark.parametrize("package", PACKAGES)
def test_public_names_are_the_words_of_the_glossary(package: str) -> None:
    module = import_module(package)
    every = [name for public in module.__all__ for name in names_of(f"{package}.{public}", getattr(module, public))]
    assert len(every) > len(module.__all__)
    wrong = {}
    for name in every:
        last = re.split(r"[.(]", name.rstrip(")"))[-1]
        words = {word for word in (last.lower(), *last.lower().split("_")) if word in INSTEAD}
        if words and name not in KEPT:
            wrong[name] = [INSTEAD[word] for word in words]
    assert wrong == {}
