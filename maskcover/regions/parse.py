"""The safe reader of region texts: the text of a Python call, and nothing else that Python can say.

`parse_regions(str(R)) == R` for every region set.
"""

from __future__ import annotations

import ast
from collections.abc import Callable

from maskcover.errors import InvalidInput
from maskcover.regions.areas import avoiding, within
from maskcover.regions.base import RegionSet
from maskcover.regions.bitmaps import bitmap
from maskcover.regions.boxes import half_planes, rectangle, rectangles, squares, stripes
from maskcover.regions.combined import as_region_set, patches, union
from maskcover.regions.frames import CenterCrop, Crop, Fit, Flip, Jpeg, Pad, Resize
from maskcover.regions.polygons import disc, polygon
from maskcover.regions.through import through
from maskcover.regions.tubes import tubes
from maskcover.regions.turning import rotations

_FAMILIES: dict[str, Callable[..., object]] = {
    family.__name__: family
    for family in (
        CenterCrop,
        Crop,
        Fit,
        Flip,
        Jpeg,
        Pad,
        Resize,
        avoiding,
        bitmap,
        disc,
        half_planes,
        patches,
        polygon,
        rectangle,
        rectangles,
        rotations,
        squares,
        stripes,
        through,
        tubes,
        union,
        within,
    )
}
_LONGEST = 1_000_000  # a bitmap of a large image is long


def parse_regions(regions: RegionSet | str) -> RegionSet:
    """Read a region set from its text; a region set is returned as it is.

    Only calls of the families with numbers, texts and further region sets are read; nothing is evaluated.
    A decimal is taken by its text, so ``area=0.01`` is exactly 1/100.

    Raises:
        InvalidInput: not such a text; the message names the part that could not be read.

    >>> parse_regions("patches(squares(area=0.01), k=2)")
    Patches(base=Squares(size=None, area=Fraction(1, 100)), k=2)
    """
    if isinstance(regions, RegionSet):
        return regions
    if not isinstance(regions, str):
        raise InvalidInput(f"expected a region set or its text, such as 'squares(size=32)'; got {regions!r}")
    if len(regions) > _LONGEST:
        raise InvalidInput(f"a region text has at most {_LONGEST} characters; got {len(regions)}")
    try:
        tree = ast.parse(regions.strip(), mode="eval")
        found = _call(tree.body, regions.strip())
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        if isinstance(error, InvalidInput):
            raise
        raise InvalidInput(f"cannot read the region text {regions[:80]!r}; expected e.g. squares(size=32)") from error
    return as_region_set(found)


def _call(node: ast.expr, text: str) -> object:
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name) or node.func.id not in _FAMILIES:
        raise InvalidInput(
            f"expected one of {', '.join(_FAMILIES)} with its arguments in brackets; found {_source(node, text)[:80]!r}"
        )
    arguments = [_value(argument, text) for argument in node.args]
    keywords = {}
    for keyword in node.keywords:
        if keyword.arg is None or keyword.arg in keywords:
            raise InvalidInput(f"cannot read the arguments of {_source(node, text)[:80]!r}")
        keywords[keyword.arg] = _value(keyword.value, text)
    try:
        return _FAMILIES[node.func.id](*arguments, **keywords)
    except TypeError as error:
        raise InvalidInput(f"{node.func.id}: {error}; found {_source(node, text)[:80]!r}") from error


def _value(node: ast.expr, text: str) -> object:
    if isinstance(node, ast.Call):
        return _call(node, text)
    if isinstance(node, ast.Constant):
        if isinstance(node.value, float):
            # The text, not the float: 0.1234567890123456789 must stay exact.
            return _source(node, text).replace("_", "")
        if isinstance(node.value, str | bool) or type(node.value) is int:
            return node.value
    if isinstance(node, ast.List | ast.Tuple):
        items = [_value(item, text) for item in node.elts]
        return items if isinstance(node, ast.List) else tuple(items)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub) and _is_number(node.operand):
        value = _value(node.operand, text)
        return -value if isinstance(value, int) else f"-{value}"
    raise InvalidInput(f"expected a number, a quoted size or a region set; found {_source(node, text)[:80]!r}")


def _is_number(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and type(node.value) in (int, float)


def _source(node: ast.expr, text: str) -> str:
    return ast.get_source_segment(text, node) or ""
