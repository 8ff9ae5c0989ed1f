"""The command about models: what `--model` may name here."""

from __future__ import annotations

from dataclasses import asdict

from maskcover.cli.certifying import watched
from maskcover.cli.geometry import Json
from maskcover.cli.output import answer, working


def models(as_json: Json = False) -> None:
    """List the installed adapters: what --model may name, and what is missing for the others."""
    from maskcover.classifiers.loading import installed

    with working("looking for adapters", shown=watched(as_json=as_json)):
        found = installed()
    lines = [
        *(f"{one.forms or 'objects of ' + one.name:<32} by {one.distribution}" for one in found if not one.missing),
        f"{'package.module:name':<32} a model, a function that makes one, or a function from arrays to scores",
        *(f"not here: {one.name}: {one.missing}" for one in found if one.missing),
    ]
    answer({"adapters": [asdict(one) for one in found]}, lines, as_json=as_json)
