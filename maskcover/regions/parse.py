"""The safe reader of region texts: the text of a Python call, and nothing else that Python can say.

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
from maskcover.regions.boxes import half_planes, rectangle, rectangles, squares, stripes
from maskcover.regions.combined import as_region_set, patches, union
from maskcover.regions.polygons import disc, polygon
from maskcover.regions.preprocessing import CenterCrop, Crop, Fit, Flip, Jpeg, Pad, Resize
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
_DEEPEST = 64  # brackets in brackets
_QUOTED = re.compile(r""""[^"]*"|'[^']*'""")
_PERCENT = re.compile(_QUOTED.pattern + r"|(?<![\w.])\d*\.?\d+\s?%(?=\s*[,)])")


def parse_regions(regions: RegionSet | str) -> RegionSet:
    """Read a region set from its text; a region set is returned as it is.

    Only calls of the families with numbers, texts and further region sets are read; nothing is evaluated.
    A decimal is taken by its text, so ``area=0.01`` is exactly 1/100, and so is ``area=1%``.

    A text has at most 1,000,000 characters, and brackets at most 64 deep; reading it takes time in proportion to it.

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
    if _depth(regions) > _DEEPEST:
        raise InvalidInput(
            f"cannot read the region text {regions[:80]!r}: its brackets are more than {_DEEPEST} deep; a union takes "
            "all its members at once"
        )
    try:
        text = _Text(_PERCENT.sub(_quoted, regions.strip()))
        found = _call(ast.parse(text.text, mode="eval").body, text)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        if isinstance(error, InvalidInput):
            raise
        raise InvalidInput(f"cannot read the region text {regions[:80]!r}; expected e.g. squares(size=32)") from error
    return as_region_set(found)


@dataclass(frozen=True)
class _Text:
    """A text that is read, with where its lines begin: parts of it are found without looking at all of it again."""

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
    """How many brackets stand within each other, texts left out."""
    steps = ((character in "([{") - (character in ")]}") for character in _QUOTED.sub("", text))
    return max(accumulate(steps), default=0)


def _quoted(found: re.Match[str]) -> str:
    """A share in per cent as a text; texts as they are."""
    return found[0] if found[0][0] in "\"'" else f'"{found[0]}"'


def _call(node: ast.expr, text: _Text) -> object:
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name) or node.func.id not in _FAMILIES:
        raise InvalidInput(f"{_meant(node)}; found {text.source(node)[:80]!r}")
    arguments = [_value(argument, text) for argument in node.args]
    keywords = {}
    for keyword in node.keywords:
        if keyword.arg is None or keyword.arg in keywords:
            raise InvalidInput(f"cannot read the arguments of {text.source(node)[:80]!r}")
        keywords[keyword.arg] = _value(keyword.value, text)
    family = _FAMILIES[node.func.id]
    known = inspect.signature(family).parameters
    unknown = next((keyword for keyword in keywords if keyword not in known), None)
    if unknown is not None:
        raise InvalidInput(
            f"{node.func.id} has no argument {unknown!r:.40}; it has {', '.join(known)}; "
            f"found {text.source(node)[:80]!r}"
        )
    try:
        return family(*arguments, **keywords)
    except TypeError as error:
        raise InvalidInput(f"{node.func.id}: {error}; found {text.source(node)[:80]!r}") from error


def _meant(node: ast.expr) -> str:
    """What was expected where a region set was to stand: the name that is nearly the one typed, or all names."""
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
        # A zero with a sign stays a text: it is an angle, and no start of an area.
        return -value if isinstance(value, int) and value else f"-{value}"
    raise InvalidInput(f"expected a number, a quoted size or a region set; found {text.source(node)[:80]!r}")


def _is_number(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and type(node.value) in (int, float)
