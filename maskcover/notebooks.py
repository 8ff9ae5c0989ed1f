"""Small pieces of HTML for `_repr_html_` in notebooks: every text is escaped, and nothing is fetched."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from math import ceil, sqrt

from maskcover.terminal import printable

_LONGEST = 4000  # characters of a text
_MOST_PANELS, _MOST_BOXES = 100, 150
_GAP = 0.15
_HIDDEN, _FRAME = "#2f7fb8", "#8a8f98"

Row = tuple[float, float, float, float]
"""A box: top, left, height, width."""


def code(text: str) -> str:
    """A text as code, cut if it is very long.

    >>> code("<b>")
    '<code>&lt;b&gt;</code>'
    """
    return f"<code>{_shown(text)}</code>"


def paragraph(text: str) -> str:
    """A text as a paragraph.

    >>> paragraph("1 < 2")
    '<p>1 &lt; 2</p>'
    """
    return f"<p>{_shown(text)}</p>"


def html_table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of texts.

    >>> html_table(["a"], [["<"]])
    '<table><thead><tr><th>a</th></tr></thead><tbody><tr><td>&lt;</td></tr></tbody></table>'
    """
    cells = "".join(f"<th>{_shown(text)}</th>" for text in head)
    lines = "".join(f"<tr>{''.join(f'<td>{_shown(text)}</td>' for text in row)}</tr>" for row in rows)
    return f"<table><thead><tr>{cells}</tr></thead><tbody>{lines}</tbody></table>"


def panels(sides: tuple[int, int], masks: Sequence[Sequence[Row]]) -> str:
    """A small SVG with one panel for each mask: the image, and the area that the mask hides.

    Args:
        sides: (height, width) of the image.
        masks: The boxes of each mask. Of many masks, or masks of many boxes, only the first are drawn.

    >>> panels((4, 4), [[(0, 0, 2, 4)]]).count("<rect")
    2
    """
    height, width = sides
    shown = _first(masks)
    columns = max(1, ceil(sqrt(len(shown) * height / width)))
    down, right = height * (1 + _GAP), width * (1 + _GAP)
    pieces = []
    for number, boxes in enumerate(shown):
        top, left = number // columns * down, number % columns * right
        pieces.append(_rectangle((top, left, height, width), _FRAME, 0.28))
        pieces += [_rectangle((top + box[0], left + box[1], box[2], box[3]), _HIDDEN, 1) for box in boxes]
    rows = max(1, ceil(len(shown) / columns))
    size = f"{columns * right - width * _GAP:.6g} {rows * down - height * _GAP:.6g}"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size}" style="max-width:20em">{"".join(pieces)}</svg>'
    )


def _shown(text: str) -> str:
    """A text escaped for HTML, on one line, cut if it is very long."""
    line = printable(text[:_LONGEST])[:_LONGEST]
    return escape(line + "…" * (len(text) > _LONGEST))


def _first(masks: Sequence[Sequence[Row]]) -> list[Sequence[Row]]:
    """The first masks, as many as a small drawing can show."""
    shown: list[Sequence[Row]] = []
    boxes = 0
    for mask in masks[:_MOST_PANELS]:
        boxes += len(mask)
        if boxes > _MOST_BOXES:
            break
        shown.append(mask)
    return shown


def _rectangle(row: Row, colour: str, opacity: float) -> str:
    top, left, height, width = (f"{value:.6g}" for value in row)
    return f'<rect x="{left}" y="{top}" width="{width}" height="{height}" fill="{colour}" fill-opacity="{opacity:g}"/>'
