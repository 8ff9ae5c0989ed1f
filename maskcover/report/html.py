"""The report as one HTML file: everything in it escaped, no script, nothing fetched."""

from __future__ import annotations

from importlib.resources import files

from maskcover.errors import MissingExtra, install_hint
from maskcover.report import drawing
from maskcover.report.facts import Facts


def to_html(facts: Facts) -> str:
    """The page, one self-contained text; equal facts give equal pages.

    Raises:
        MissingExtra: jinja2 is not installed.
    """
    try:
        from jinja2 import Environment, StrictUndefined
    except ImportError as error:
        raise MissingExtra(f"an HTML report is made with jinja2; {install_hint('report')}") from error
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    template = environment.from_string((files(__package__) / "page.html.j2").read_text(encoding="utf-8"))
    return template.render(facts=facts, drawing=drawing)
