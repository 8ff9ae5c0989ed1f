"""The command models: the names that `--model` accepts on this machine."""

from __future__ import annotations

from dataclasses import asdict

from maskcover.cli.certifying import watched
from maskcover.cli.geometry import Json
from maskcover.cli.output import answer, working


def models(as_json: Json = False) -> None:
    """List the installed adapters: the names that --model accepts, and what the others need."""
    from maskcover.classifiers.loading import installed

    with working("looking for adapters", shown=watched(as_json=as_json)):
        adapters = installed()
    lines = [
        *(
            f"{adapter.forms or 'objects of ' + adapter.name:<32} by {adapter.distribution}"
            for adapter in adapters
            if not adapter.missing
        ),
        f"{'package.module:name':<32} a model, a function that makes one, or a function from arrays to scores",
        *(f"not here: {adapter.name}: {adapter.missing}" for adapter in adapters if adapter.missing),
    ]
    answer({"adapters": [asdict(adapter) for adapter in adapters]}, lines, as_json=as_json)
