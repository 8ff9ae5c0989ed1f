"""The independent checker, ``python check.py x.cover.json``: one file, the standard library, nothing of maskcover.

It works out by itself which patches the claim lets lie where, and checks in integers that each of them lies inside a
stencil that the certificate lists, and every listed stencil, tile by tile, inside the masks that the tile names.
Exit code 0: the claim holds. 1: the evidence is false. 2: not a certificate. 3: this file cannot expand the claim
(only `FAMILIES`, no `touching`, bitmaps of two axes), or it is too large; such a claim is never said to hold.
"""

import ast
import hashlib
import json
import re
import sys
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from fractions import Fraction
from itertools import accumulate, combinations, product
from math import ceil, floor, prod
from pathlib import Path
from typing import Any, NamedTuple

Point = tuple[int, ...]
Box = tuple[Point, Point]  # the first cell, and one past the last, on every axis
Stencil = tuple[list[Box], list[Box]]  # a shape that begins at 0, and where it may lie
Listed = tuple[list[Box], list[Box], list[Box], list[int]]  # the same, with the tiles, and the number of each
Evidence = tuple[list[int], list[list[Listed]], list[list[int]]]  # the slot of each patch, slots, signatures
Term = list[list[Stencil]]  # what each of the patches may be
FIELDS = {"schema", "version", "image_size", "regions", "frame", "masks", "terms", "digest"}
FAMILIES = {"squares", "rectangle", "rectangles", "bitmap", "union", "patches", "within", "avoiding"}
# Names of calls, numbers, texts, brackets, and ", " between: no comment, line break, escape or look-alike letter.
NUMBER = r'(?<![\w.)"\]])-?(?:0|[1-9]\d{0,39})(?:\.\d{1,40})?(?:e[+-]?\d{1,3})?(?![\w.])'
QUOTED = r'"(?:[0-9/:]*|[A-Za-z][\w (),.+-]*)"(?!")'
TEXT = re.compile(rf"(?:[A-Za-z_]+[(=]|(?:True|False)(?!\w)|{NUMBER}|{QUOTED}|[()\[\]]|, (?![)\]]))++", re.ASCII)
MOST, STEPS, DEEPEST, AXES = 1 << 40, 10_000_000, 64, 8  # cells of an image, work, brackets in brackets, axes
MALFORMED = LookupError, TypeError, ValueError, AttributeError, SyntaxError, RecursionError
WORDS = {1: "refuted", 2: "not a certificate", 3: "could not decide"}


class Stop(Exception):
    """The end of a check without success: exit code and reason."""


def _plus(point: Point, other: Point, times: int = 1, more: int = 0) -> Point:
    """The point moved by a multiple of the other, and by a number along every axis."""
    return tuple(a + times * b + more for a, b in zip(point, other, strict=True))


def _meet(box: Box, other: Box) -> list[Box]:
    """The common cells: one box or none."""
    low, high = tuple(map(max, box[0], other[0])), tuple(map(min, box[1], other[1]))
    return [(low, high)] if all(a < b for a, b in zip(low, high, strict=True)) else []


def _left(box: Box, boxes: list[Box]) -> list[Box]:
    """The rest of a box without some boxes, as disjoint boxes."""
    todo, parts = [(box, boxes)], list[Box]()
    while todo:
        (low, high), rest = todo.pop()
        rest = [part for inner in rest for part in _meet(inner, (low, high))]
        if not rest:
            parts.append((low, high))
            continue
        first, stop = rest[len(rest) // 2]
        for axis in range(len(low)):  # before and after this box, and along earlier axes beside it
            below = (*first[:axis], *low[axis:]), (*stop[:axis], first[axis], *high[axis + 1 :])
            above = (*first[:axis], stop[axis], *low[axis + 1 :]), (*stop[:axis], *high[axis:])
            todo += [(part, rest) for part in (below, above) if part[0][axis] < part[1][axis]]
    return parts


def _ends(boxes: Iterable[Box]) -> Box:
    """The bounding box."""
    lows, highs = zip(*boxes, strict=True)
    return tuple(map(min, zip(*lows, strict=True))), tuple(map(max, zip(*highs, strict=True)))


def _few(steps: int) -> None:
    """Refuse what would take too long."""
    if steps > STEPS:
        raise Stop(3, f"this takes more than the {STEPS:,} steps of this checker")


def _need(met: object, form: str, came: object) -> None:
    """Refuse what has not the form of a certificate."""
    if not met:
        raise Stop(2, f"expected {form}; found {came!s:.60}")


def _list(value: Any) -> list[Any]:
    """The value, if it is a list."""
    _need(type(value) is list, "a list", value)
    return value  # type: ignore[no-any-return]  # as has just been seen


def _numbers(value: Any, limit: int = MOST) -> list[int]:
    """The value, if it is a list of at least one whole number, each from 0 on and below a limit."""
    whole = _list(value) and all(type(item) is int and 0 <= item < limit for item in value)
    _need(whole, f"whole numbers from 0 on and below {limit:,}", value)
    return list(value)


def _boxes(rows: Any, grid: Point, more: int = 0) -> list[Box]:
    """Boxes on an image, written as starts, extents, and `more` numbers after them."""
    axes, whole = len(grid), ((0,) * len(grid), grid)
    _need({len(_numbers(row)) for row in _list(rows)} <= {2 * axes + more}, f"boxes on {axes} axes", rows)
    boxes = [(tuple(row[:axes]), _plus(row[:axes], row[axes : 2 * axes])) for row in rows]
    _need(all(_meet(box, whole) == [box] for box in boxes), "boxes on the image", rows)
    return boxes


def _overlap(boxes: list[Box]) -> bool:
    """Whether two of the boxes have a common cell."""
    _few(len(boxes) ** 2 // 2)
    return any(_meet(first, second) for first, second in combinations(boxes, 2))


def _number(value: Any) -> Any:
    """A whole number or a ratio; also one that is written as a text."""
    if isinstance(value, str) and re.fullmatch("[0-9]{1,12}|[0-9]{1,41}/(?=.{1,41}$)0*[1-9][0-9]*", value):
        value = Fraction(value) if "/" in value else int(value)
    readable = type(value) in (int, Fraction) and max(value.numerator, value.denominator) <= 10**40
    _need(readable, "a number in the regions", value)
    return value


def _cells(value: Any, total: int = 0) -> int:
    """A number of cells above 0 as it is, or a fraction of the total, rounded up; anything else is refused."""
    count = _number(value)
    count = ceil(count * total) if isinstance(count, Fraction) and count < 1 else count
    _need(type(count) is int and 1 <= count <= MOST, "pixels or a share in the regions", value)
    return int(count)


def _area(area: Any, grid: Any = None) -> list[Box]:
    """The cells of an area, a box on the image or a bitmap of two axes of its size; without an image any bitmap."""
    if not isinstance(area, str) and not any(isinstance(item, list) for item in _list(area)):
        return _boxes([area], grid)
    if not isinstance(area, str) or not re.fullmatch("[01/]+", area) or "/" not in area or "//" in area:
        raise Stop(3, f"this checker cannot read the area {area!s:.40}")
    rows = area.removesuffix("/").split("/")
    even = len({*map(len, rows)}) == 1 and grid in (None, (len(rows), len(rows[0])))
    _need(even, "a bitmap of even rows, as an area of the size of the image", area)
    return [((i, run.start()), (i + 1, run.end())) for i, row in enumerate(rows) for run in re.finditer("1+", row)]


class _Scene(NamedTuple):
    """An image with barriers that no patch may touch; families of regions are methods that give their terms."""

    grid: Point
    barriers: list[Box]
    work: list[int]  # one item for each step

    def place(self, shapes: Iterable[list[Box]]) -> list[Term]:
        """Any of these shapes, wherever it touches no barrier; shapes without such a place are left out."""
        slot = list[Stencil]()
        for shape in shapes:
            self.work[0] += 1 + len(self.barriers) * len(shape)
            _few(10 * self.work[0])
            room = (0,) * len(self.grid), _plus(self.grid, _ends(shape)[1], -1, 1)
            _need(min(room[1]) > 0, "patches that have a place on the image", _ends(shape)[1])
            pairs = product(self.barriers, shape)
            places = _left(room, [(_plus(a[0], b[1], -1, 1), _plus(a[1], b[0], -1)) for a, b in pairs])
            slot += [(shape, places)] if places else []
        return [[slot]]

    def boxes(self, extents: Iterable[Point]) -> list[Term]:
        return self.place([((0,) * len(sides), sides)] for sides in extents)

    def squares(self, size: Any = None, *, area: Any = None) -> list[Term]:
        _need((size is None) != (area is None), "either a size or an area of squares", [size, area])
        axes, least = (1, _cells(size)) if area is None else (len(self.grid), _cells(area, prod(self.grid)))
        side = bisect_left(range(max(self.grid) + 1), least, key=lambda side: side**axes)
        return self.boxes([(side,) * len(self.grid)])

    def rectangle(self, height: Any, width: Any) -> list[Term]:
        return self.boxes([(_cells(height), _cells(width))])

    def rectangles(self, area: Any, *, min_side: Any = 1, max_aspect: Any = None) -> list[Term]:
        limit, least = _cells(area, prod(self.grid)), _cells(min_side)
        aspect = _number(max(limit, 1) if max_aspect is None else max_aspect)

        def fitting(sides: Point) -> Iterator[tuple[Point, range]]:  # the sides but the last, and what that may be
            _few(10 * prod(min(side, limit) for side in sides[:-1]))
            for prefix in product(*(range(least, min(side, limit) + 1) for side in sides[:-1])):
                low, high = (max(prefix), min(prefix)) if prefix else (least, sides[-1])
                top = min(sides[-1], limit // prod(prefix), floor(high * aspect))
                if low <= high * aspect and top >= max(least, ceil(low / aspect)):
                    yield prefix, range(max(least, ceil(low / aspect)), top + 1)

        _need(aspect >= 1 and any(fitting(self.grid)), "rectangles that have a place on the image", area)
        whole = (0,) * len(self.grid), self.grid
        free = _left(whole, self.barriers)
        low, high = _ends(free or [whole])
        # In one free box only the longest shapes matter; beside a barrier one may fit where no longer one does.
        return self.boxes(
            (*prefix, last)
            for prefix, lasts in fitting(_plus(high, low, -1))
            for last in (lasts if len(free) > 1 else lasts[-1:])
        )

    def bitmap(self, cells: Any) -> list[Term]:
        boxes = _area(cells if isinstance(cells, str) else None)
        start = _ends(boxes)[0]
        return self.place([[(_plus(low, start, -1), _plus(high, start, -1)) for low, high in boxes]])

    def union(self, *members: Any) -> list[Term]:
        return [term for member in members for term in member(self)]

    def patches(self, regions: Any, k: Any = None) -> list[Term]:
        members = _list(regions) if k is None else [regions] * min(k, 17)
        _need(1 <= len(members) <= 16, "1 to 16 patches", len(members))
        slots = [
            [stencil for (slot,) in member(self) for stencil in slot] for member in members
        ]  # of single patches alone
        _need(k or all(slots), "patches that each have a place where all are allowed", slots)
        return [slots]

    def within(self, regions: Any, area: Any) -> list[Term]:
        others = _left(((0,) * len(self.grid), self.grid), _area(area, self.grid))
        return list(regions(self._replace(barriers=self.barriers + others)))

    def avoiding(self, regions: Any, area: Any) -> list[Term]:
        return list(regions(self._replace(barriers=self.barriers + _area(area, self.grid))))


def _parsed(node: ast.expr, text: str) -> Any:
    """The value of an argument; a call becomes a function from a scene to its terms."""
    source = text[node.col_offset : node.end_col_offset]
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        name = node.func.id
        if name not in FAMILIES or any(keyword.arg == "touching" for keyword in node.keywords):
            raise Stop(3, f"this checker cannot expand {source:.60}")
        values = [_parsed(argument, text) for argument in node.args]
        named = {str(keyword.arg): _parsed(keyword.value, text) for keyword in node.keywords}
        if len(named) == len(node.keywords):
            return lambda scene: getattr(scene, name)(*values, **named)
    if isinstance(node, ast.List | ast.Tuple):
        return [_parsed(item, text) for item in node.elts]
    if isinstance(node, ast.Constant) and (type(node.value) is str or re.fullmatch(r"\d+(\.\d+)?", source)):
        return Fraction(source) if type(node.value) is float else node.value
    if isinstance(node, ast.Constant):
        raise Stop(3, f"this checker cannot read {source:.60}")
    raise Stop(2, f"regions: expected calls, numbers and texts; found {source:.60}")


def _gap(term: Term, listed: Term) -> str:
    """In words a patch of a term that lies inside no listed stencil; empty if there is none."""
    for needs, stencils in zip(term, listed, strict=True):
        _few(len(needs) * sum(len(spots) for _, spots in stencils))
        for shape, places in needs:
            held, end = list[Box](), _ends(shape)[1]
            for outer, spots in stencils:
                room = _plus(_ends(outer)[1], end, -1)
                if len(outer) == 1 and min(room) >= 0:
                    held += [(low, _plus(high, room)) for low, high in spots]
                elif not any(_left(box, outer) for box in shape):
                    held += spots
            if missed := [low for place in places for low, _ in _left(place, held)]:
                return f"no listed stencil holds the patch of extents {end} at {missed[0]}"
    return ""


def _listed(stencil: Any, grid: Point) -> Listed:
    """The evidence for a stencil, if it has the right form."""
    _need(set(stencil) == {"shape", "places", "tiles"}, "shape, places and tiles of a stencil", stencil)
    shape, places, tiles = (_boxes(stencil[key], grid, key == "tiles") for key in ("shape", "places", "tiles"))
    if not places or any(_ends(shape)[0]) or _overlap(shape):
        raise Stop(2, "terms: a shape that has no places, does not begin at 0, or is not of disjoint boxes")
    return shape, places, tiles, [row[-1] for row in stencil["tiles"]]


def _evidence(term: Any, grid: Point, masks: int) -> Evidence:
    """The evidence for a term, if it has the right form."""
    _need(set(term) == {"patches", "slots", "signatures"}, "patches, slots and signatures of a term", term)
    slots, rows = (
        [[_listed(stencil, grid) for stencil in _list(slot)] for slot in _list(term["slots"])],
        term["signatures"],
    )
    patches, names = _numbers(term["patches"], len(slots)), [[mask] for mask in range(masks)]
    signatures = names if rows is None else [_numbers(row, masks) for row in _list(rows)]
    used, there = {number for slot in slots for stencil in slot for number in stencil[3]}, {*range(len(signatures))}
    _need(used <= there and (rows is None or used == there), "signatures that are there, and all used", used ^ there)
    _need({*patches} == {*range(len(slots))}, "slots that are all used", patches)
    tidy = len({*map(tuple, signatures)}) == len(signatures) and all(sorted({*row}) == row for row in signatures)
    _need(tidy, "different signatures, each sorted", signatures)
    return patches, slots, signatures


def _term(evidence: Evidence, masks: list[list[Box]]) -> Term:
    """The stencils of each patch, if they lie inside the masks that are named and the patches share one."""
    patches, slots, signatures = evidence
    for stencil in [stencil for slot in slots for stencil in slot]:
        _judge(stencil, masks, signatures)
    shared = {frozenset(range(len(masks)))}
    for patch in patches:
        used = {number for stencil in slots[patch] for number in stencil[3]}
        joined = {both & frozenset(signatures[number]) for both in shared for number in used}
        shared = {both for both in joined if not any(other < both for other in joined)}
    if frozenset() in shared:
        raise Stop(1, "terms: patches whose signatures share no mask")
    return [[stencil[:2] for stencil in slots[patch]] for patch in patches]


def _judge(stencil: Listed, masks: list[list[Box]], signatures: list[list[int]]) -> None:
    """Refuse a stencil whose tiles are not its places, or do not lie inside all the masks that they name."""
    shape, places, tiles, numbers = stencil
    _few(len(places) * len(tiles))
    volumes = [sum(prod(_plus(high, low, -1)) for low, high in boxes) for boxes in (places, tiles)]
    # Tiles that cover disjoint places, and have no more cells than they, are disjoint and lie in the places.
    if _overlap(places) or volumes[0] != volumes[1] or any(_left(place, tiles) for place in places):
        raise Stop(1, f"the tiles {tiles!s:.60} are not a tiling of the places")
    for (low, high), number in zip(tiles, numbers, strict=True):
        swept = [(_plus(low, first), _plus(high, stop, more=-1)) for first, stop in shape]  # all cells of each box
        for mask in signatures[number]:
            if bare := [cell for box in swept for cell, _ in _left(box, masks[mask])]:
                raise Stop(1, f"mask {mask} does not hide {bare[0]}, which a stencil at {low} touches")


def _claimed(regions: str, frame: Any, grid: Point) -> tuple[list[Term], str]:
    """The terms of a claim; or none, and why this checker cannot expand it."""
    try:
        terms = _parsed(ast.parse(regions, mode="eval").body, regions)(_Scene(grid, [], [0]))
    except Stop as stop:
        if stop.args[0] == 3:
            return [], stop.args[1]
        raise
    if not any(map(all, terms)) or frame != "input":
        raise Stop(2, "regions: there is no such region on the image, or it is in another frame")
    return list(filter(all, terms)), ""  # where one of the patches has no place there is no region


def _proved(content: bytes) -> str:
    """What a certificate proves, in words; raises `Stop` if it does not."""
    # An object that says something twice, or a number with a sign, becomes False, which is refused wherever it stands.
    document = json.loads(
        content.decode(),
        object_pairs_hook=lambda pairs: len(dict(pairs)) == len(pairs) and dict(pairs),
        parse_int=lambda digits: digits[0] != "-" and int(digits),
    )
    _need(isinstance(document, dict) and set(document) == FIELDS, f"an object of {sorted(FIELDS)}", document)
    _need(document["schema"] == "maskcover/cover-certificate", "schema maskcover/cover-certificate", document["schema"])
    digest, regions, grid = document.pop("digest"), document["regions"], tuple(_numbers(document["image_size"]))
    canonical = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    if digest != "sha256:" + hashlib.sha256(canonical.encode()).hexdigest():
        raise Stop(2, "digest: does not match the content")
    _need(repr(document["version"]) == "1", "version 1", document["version"])
    _need(1 <= prod(grid) <= MOST and len(grid) <= AXES, f"an image of 1 to {MOST:,} cells and {AXES} axes", grid)
    plain = len(regions) <= 1_000_000 and TEXT.fullmatch(regions)
    _need(plain, "calls, numbers, texts and brackets in one plain line of regions", regions)
    brackets = accumulate((c in "([") - (c in ")]") for c in re.sub('"[^"]*"', "", regions))
    _need(max(brackets) <= DEEPEST, f"regions of brackets at most {DEEPEST} deep", regions)
    masks = [_boxes(rows, grid) for rows in _list(document["masks"])]
    listed = [_evidence(term, grid, len(masks)) for term in _list(document["terms"])]
    terms, unknown = _claimed(regions, document["frame"], grid)
    shown = [_term(evidence, masks) for evidence in listed]
    if unknown:
        raise Stop(3, unknown)
    for term in terms:
        gaps = [_gap(term, other) for other in shown if len(other) == len(term)]
        if all(gaps):
            raise Stop(1, next(iter(gaps), f"there is no evidence for {len(term)} patches at once"))
    size, counted = "x".join(map(str, grid)), f"{len(masks)} masks; {digest}"
    return f"each region of {regions} on the model's input of {size} cells lies inside one of {counted}"


def check(content: bytes) -> tuple[int, str]:
    """The exit code, and the result in one line."""
    try:
        return 0, f"holds: {_proved(content)}"
    except Stop as stop:
        code, reason = stop.args
    except Exception as error:
        code, reason = 2 if isinstance(error, MALFORMED) else 3, f"{error!r:.80}"
    return code, f"{WORDS[code]}: {reason}"


def main(arguments: list[str]) -> int:
    """The command line: one file, one line, one exit code."""
    try:
        (path,) = arguments
        code, line = check(Path(path).read_bytes())
    except (OSError, ValueError) as error:
        code, line = 2, f"cannot read the one file ({error}); usage: python check.py x.cover.json"
    print(line.encode("ascii", "backslashreplace").decode())  # on a poor terminal too: a crash would exit with 1
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
