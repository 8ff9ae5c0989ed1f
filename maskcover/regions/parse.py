"""Reads region texts safely: a text is a Python call of a region family, and no other Python is accepted.

`parse_regions(str(R)) == R` for every region set whose text is not too long to be read.
"""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from difflib import get_close_matches
from itertools import accumulate

from maskcover.errors import InvalidInput
from maskcover.regions.areas import avoiding, within
from maskcover.regions.base import RegionSet
from maskcover.regions.bitmaps import bitmap
from maskcover.regions.boxes import rectangle, rectangles, squares
from maskcover.regions.combined import as_region_set, patches, union
from maskcover.regions.polygons import disc, polygon
from maskcover.regions.preprocessing import CenterCrop, Crop, Fit, Flip, Jpeg, Pad, ReceptiveField, Resize
from maskcover.regions.slabs import half_planes_of_text, sides, stripes
from maskcover.regions.transformed import through
from maskcover.regions.turning import rotations
from maskcover.regions.videos import tubes

_FAMILIES: dict[str, Callable[..., object]] = {
    family.__name__: family
    for family in (
        CenterCrop,
        Crop,
        Fit,
        Flip,
        Jpeg,
        Pad,
        ReceptiveField,
        Resize,
        avoiding,
        bitmap,
        disc,
        patches,
        polygon,
        rectangle,
        rectangles,
        rotations,
        sides,
        squares,
        stripes,
        through,
        tubes,
        union,
        within,
    )
} | {"half_planes": half_planes_of_text}
_LONGEST = 1_000_000  # a bitmap of a large image is long
_DEEPEST = 64  # brackets in brackets
_QUOTED = re.compile(r""""[^"]*"|'[^']*'""")
_PERCENT = re.compile(_QUOTED.pattern + r"|(?<![\w.])\d*\.?\d+\s?%(?=\s*[,)])")


def parse_regions(regions: RegionSet | str) -> RegionSet:
    """Read a region set from its text; a region set is returned as it is.

    A text is a call of a family with numbers, texts and further region sets as arguments; it is never evaluated as
    Python. A decimal is taken by its digits, so ``area=0.01`` is exactly 1/100, and so is ``area=1%``.

    A text has at most 1,000,000 characters, and brackets at most 64 deep; the time to read it is proportional to its
    length.

    Raises:
        InvalidInput: no such text; the message shows the part that could not be read.

    >>> parse_regions("patches(squares(area=0.01), k=2)")
    Patches(base=Squares(size=None, area=Fraction(1, 100)), k=2)
    """
    if isinstance(regions, RegionSet):
        return regions
    if not isinstance(regions, str):
        raise InvalidInput(f"expected a region set or its text, such as 'squares(size=32)'; got {regions!r}")
    if len(regions) > _LONGEST:
        raise InvalidInput(f"a region text has at most {_LONGEST} characters; got {len(regions)}")
    if _depth(regions) > _DEEPEST:
        raise InvalidInput(
            f"cannot read the region text {regions[:80]!r}: its brackets are more than {_DEEPEST} deep; a union takes "
            "all its members at once"
        )
    try:
        text = _Text(_PERCENT.sub(_quoted, regions.strip()))
        value = _call(ast.parse(text.text, mode="eval").body, text)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        if isinstance(error, InvalidInput):
            raise
        raise InvalidInput(f"cannot read the region text {regions[:80]!r}; expected e.g. squares(size=32)") from error
    return as_region_set(value)


@dataclass(frozen=True)
class _Text:
    """A region text with the positions of its lines, so that a part of it is found without reading all of it again."""

    text: str
    _content: bytes = field(init=False, repr=False)
    _lines: tuple[int, ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        content = self.text.encode()
        object.__setattr__(self, "_content", content)
        object.__setattr__(self, "_lines", (0, *(end.end() for end in re.finditer(rb"\r\n|\r|\n", content))))

    def source(self, node: ast.expr) -> str:
        """The part of the text that a node was read from."""
        last = node.end_lineno or node.lineno
        start, stop = self._lines[node.lineno - 1] + node.col_offset, self._lines[last - 1] + (node.end_col_offset or 0)
        return self._content[start:stop].decode()


def _depth(text: str) -> int:
    """The depth of nested brackets, those in quoted texts left out."""
    changes = ((character in "([{") - (character in ")]}") for character in _QUOTED.sub("", text))
    return max(accumulate(changes), default=0)


def _quoted(match: re.Match[str]) -> str:
    """Put quotes around a number in per cent; a quoted text is returned as it is."""
    return match[0] if match[0][0] in "\"'" else f'"{match[0]}"'


def _call(node: ast.expr, text: _Text) -> object:
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name) or node.func.id not in _FAMILIES:
        raise InvalidInput(f"{_expected(node)}; found {text.source(node)[:80]!r}")
    arguments = [_value(argument, text) for argument in node.args]
    keywords = {}
    for keyword in node.keywords:
        if keyword.arg is None or keyword.arg in keywords:
            raise InvalidInput(f"cannot read the arguments of {text.source(node)[:80]!r}")
        keywords[keyword.arg] = _value(keyword.value, text)
    family = _FAMILIES[node.func.id]
    parameters = inspect.signature(family).parameters
    unknown = next((keyword for keyword in keywords if keyword not in parameters), None)
    if unknown is not None:
        raise InvalidInput(
            f"{node.func.id} has no argument {unknown!r:.40}; it has {', '.join(parameters)}; "
            f"found {text.source(node)[:80]!r}"
        )
    try:
        return family(*arguments, **keywords)
    except TypeError as error:
        raise InvalidInput(f"{node.func.id}: {error}; found {text.source(node)[:80]!r}") from error


def _expected(node: ast.expr) -> str:
    """Say what was expected in place of a node: the family with the most similar name, or all of them."""
    name = node.func if isinstance(node, ast.Call) else node
    if isinstance(name, ast.Name):
        if name.id in _FAMILIES:
            return f"expected {name.id} with its arguments in brackets"
        if close := get_close_matches(name.id[:40], _FAMILIES, n=1):
            return f"there is no region set {name.id[:40]!r}; did you mean {close[0]}?"
    return f"expected one of {', '.join(_FAMILIES)} with its arguments in brackets"


def _value(node: ast.expr, text: _Text) -> object:
    if isinstance(node, ast.Call):
        return _call(node, text)
    if isinstance(node, ast.Constant):
        if isinstance(node.value, float):
            # The text, not the float: 0.1234567890123456789 must stay exact.
            return text.source(node).replace("_", "")
        if isinstance(node.value, str | bool) or type(node.value) is int:
            return node.value
    if isinstance(node, ast.List | ast.Tuple):
        items = [_value(item, text) for item in node.elts]
        return items if isinstance(node, ast.List) else tuple(items)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub) and _is_number(node.operand):
        value = _value(node.operand, text)
        # A zero with a sign stays a text: it can be an angle, but not the start of an area.
        return -value if isinstance(value, int) and value else f"-{value}"
    raise InvalidInput(f"expected a number, a quoted size or a region set; found {text.source(node)[:80]!r}")


def _is_number(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and type(node.value) in (int, float)
