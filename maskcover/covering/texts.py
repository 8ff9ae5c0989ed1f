"""Mask sets by short texts: a budget of `cover` as a call, such as ``grid(3, 3)``."""

from __future__ import annotations

import ast
import warnings
from functools import lru_cache
from typing import Any

from maskcover.covering.synthesis import cover
from maskcover.errors import InvalidInput, MaskcoverWarning
from maskcover.grid import Grid
from maskcover.masks import MaskSet
from maskcover.regions import RegionSet

_BUDGETS = ("grid", "masks", "evaluations", "max_mask_area")
_STYLES = {"multiplicity", "align"}


def masks_of(text: str, regions: RegionSet, grid: Grid) -> MaskSet:
    """Make the mask set that a text names: a budget of `cover` as a call, with `multiplicity` and `align` if needed.

    Raises:
        InvalidInput: the text cannot be read.
        ImpossibleCover: there is no such cover.

    >>> from maskcover import squares
    >>> [len(masks_of(text, squares(size=5), Grid.of(28))) for text in ("grid(3, 3)", "masks(16, multiplicity=2)")]
    [9, 14]
    """
    return _made(text, regions, grid)


@lru_cache(maxsize=16)  # each certification asks anew for the levels of its first round
def _made(text: str, regions: RegionSet, grid: Grid) -> MaskSet:
    name, arguments, keywords = call_of(text)
    values = {"grid": tuple(arguments)} if name == "grid" else dict(zip([name], arguments, strict=False))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", MaskcoverWarning)  # of few masks each hides much: that is meant here
        return cover(regions, grid, **values, **keywords)


def grid_text(side: int, grid: Grid, align: int = 1) -> str:
    """The text of a product grid of `side` masks along each axis, whose edges lie at multiples of `align` pixels.

    >>> grid_text(3, Grid.of(28)), grid_text(2, Grid.of(224), align=16)
    ('grid(3, 3)', 'grid(2, 2, align=16)')
    """
    return f"grid({', '.join([str(side)] * grid.ndim)}{aligned(align)})"


def aligned(align: int) -> str:
    """The alignment as the last keyword of a text; nothing for an alignment of 1."""
    return "" if align == 1 else f", align={align}"


def call_of(text: str) -> tuple[str, list[Any], dict[str, Any]]:
    """The budget, its arguments, and the keywords of a text such as ``grid(3, 3)``."""
    try:
        node = ast.parse(text.strip(), mode="eval").body
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _BUDGETS:
            keywords = {word.arg or "**": ast.literal_eval(word.value) for word in node.keywords}
            arguments = [ast.literal_eval(value) for value in node.args]
            if keywords.keys() <= _STYLES and arguments and (node.func.id == "grid" or len(arguments) == 1):
                return node.func.id, arguments, keywords
    except (SyntaxError, ValueError, TypeError, RecursionError, MemoryError) as error:
        raise InvalidInput(_expected(text)) from error
    raise InvalidInput(_expected(text))


def _expected(text: str) -> str:
    return (
        "expected a text that makes masks, such as grid(4, 4), masks(20), evaluations(300), max_mask_area(0.1) or "
        f"masks(36, multiplicity=2); got {text[:80]!r}"
    )
