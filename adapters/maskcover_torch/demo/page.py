"""The demo's page: one self-contained HTML file, everything in it escaped, no script, nothing fetched."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from importlib.resources import files

import torch
from jinja2 import Environment, StrictUndefined

import maskcover
from maskcover.plot import percent_down
from maskcover_torch.demo import pictures
from maskcover_torch.demo.results import DemoResult
from maskcover_torch.demo.words import class_name, defended_words, failing_words


def render(result: DemoResult, names: Sequence[str]) -> str:
    """The page as HTML.

    Args:
        result: The results of the demo, complete except for the time that the page takes.
        names: The names of the classes, by label.
    """
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    template = environment.from_string((files(__package__) / "page.html.j2").read_text(encoding="utf-8"))
    claim = result.covers[0].report.regions.describe(result.covers[0].masks.grid)
    return template.render(
        result=result,
        claim=claim,
        side=claim.terms[0].shapes[0][0],
        class_name=partial(class_name, names),
        defended_words=partial(defended_words, names),
        failing_words=partial(failing_words, names),
        percent_down=percent_down,
        pictures=pictures,
        versions={"maskcover": maskcover.__version__, "torch": torch.__version__},
        threads=torch.get_num_threads(),
    )
