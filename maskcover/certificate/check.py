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
from collections.abc import Iterable, Iterator
from fractions import Fraction
from itertools import combinations, product
from math import ceil, prod
from pathlib import Path
from typing import Any, NamedTuple

Point = tuple[int, ...]
Box = tuple[Point, Point]  # the first cell, and one past the last, on every axis
Stencil = tuple[list[Box], list[Box]]  # a shape that begins at 0, and where it may lie
Term = list[list[Stencil]]  # what each of the patches may be
FIELDS = {"schema", "version", "image_size", "regions", "frame", "masks", "terms", "digest"}
FAMILIES = {"squares", "rectangle", "rectangles", "bitmap", "union", "patches", "within", "avoiding"}
TEXT = re.compile(r'[A-Za-z0-9_(),="./ \[\]+-]{1,1000000}')  # no comment, line break, escape or look-alike letter
WORDS = {1: "refuted", 2: "not a certificate", 3: "could not decide"}


class Stop(Exception):
    """The end of a check without success: exit code and reason."""


def _plus(point: Point, other: Point, times: int = 1, more: int = 0) -> Point:
    """The point moved by so many times the other, and by a number along every axis."""
    return tuple(a + times * b + more for a, b in zip(point, other, strict=True))


def _meet(one: Box, other: Box) -> list[Box]:
    """The common cells: one box or none."""
    low, high = tuple(map(max, one[0], other[0])), tuple(map(min, one[1], other[1]))
    return [(low, high)] if all(a < b for a, b in zip(low, high, strict=True)) else []


def _left(box: Box, boxes: list[Box]) -> list[Box]:
    """What some boxes leave of a box, as disjoint boxes."""
    todo, found = [(box, boxes)], []
    while todo:
        (low, high), rest = todo.pop()
        rest = [part for one in rest for part in _meet(one, (low, high))]
        if not rest:
            found.append((low, high))
            continue
        first, stop = rest[len(rest) // 2]
        for axis in range(len(low)):  # what lies before and after this one, and along earlier axes beside it
            below = (*first[:axis], *low[axis:]), (*stop[:axis], first[axis], *high[axis + 1 :])
            above = (*first[:axis], stop[axis], *low[axis + 1 :]), (*stop[:axis], *high[axis:])
            todo += [(part, rest) for part in (below, above) if part[0][axis] < part[1][axis]]
    return found


def _ends(boxes: Iterable[Box]) -> Box:
    """The bounding box."""
    lows, highs = zip(*boxes, strict=True)
    return tuple(map(min, zip(*lows, strict=True))), tuple(map(max, zip(*highs, strict=True)))


def _plain(value: Any) -> bool:
    """Whether it is made of lists, objects, whole numbers from 0 on, and null."""
    if isinstance(value, list | dict):
        return all(map(_plain, value.values() if isinstance(value, dict) else value))
    return value is None or (type(value) is int and value >= 0)


def _boxes(rows: Any, grid: Point, more: int = 0) -> list[Box]:
    """Boxes on an image, written as starts, extents, and so many numbers after them."""
    axes, whole = len(grid), ((0,) * len(grid), grid)
    found = [(tuple(row[:axes]), _plus(row[:axes], row[axes : 2 * axes])) for row in rows]
    if not _plain(rows) or {*map(len, rows)} - {2 * axes + more} or any(_meet(box, whole) != [box] for box in found):
        raise Stop(2, f"expected starts and extents of boxes on the image; found {rows!s:.60}")
    return found


def _cells(value: Any, total: int = 0) -> int:
    """An amount of cells above 0 as it is, a share of the total rounded up; anything else is refused."""
    found = Fraction(value) if isinstance(value, str) and re.fullmatch(r"\d+/0*[1-9]\d*", value) else value
    found = ceil(found * total) if isinstance(found, Fraction) and found < 1 else found
    if type(found) is not int or found < 1:
        raise Stop(3, f"this checker cannot read the amount {value!s:.40}")
    return found


def _area(area: Any, grid: Any = None) -> list[Box]:
    """The cells of an area, a box on the image or a bitmap of two axes of its size; without an image any bitmap."""
    if not isinstance(area, str):
        return _boxes([area], grid)
    rows = area.removesuffix("/").split("/")
    even = "/" in area and re.fullmatch("[01]+", "".join(rows)) and len(set(map(len, rows))) == 1
    if not even or grid not in (None, (len(rows), len(rows[0]))):
        raise Stop(3, f"this checker cannot read the bitmap {area:.40}, or it is not of the size of the image")
    return [((i, run.start()), (i + 1, run.end())) for i, row in enumerate(rows) for run in re.finditer("1+", row)]


class _Scene(NamedTuple):
    """An image with barriers that no patch may touch; families of regions are methods that give their terms."""

    grid: Point
    barriers: list[Box]

    def place(self, shapes: Iterable[list[Box]]) -> list[Term]:
        """Any of these shapes, wherever it touches no barrier; shapes without such a place are left out."""
        slot, work = list[Stencil](), 0
        for shape in shapes:
            work += 1 + len(self.barriers) * len(shape)
            room = (0,) * len(self.grid), _plus(self.grid, _ends(shape)[1], -1, 1)
            if min(room[1]) < 1 or work > 1_000_000:
                raise Stop(2 if min(room[1]) < 1 else 3, "regions: a patch has no place on the image, or too many")
            pairs = product(self.barriers, shape)
            places = _left(room, [(_plus(a[0], b[1], -1, 1), _plus(a[1], b[0], -1)) for a, b in pairs])
            slot += [(shape, places)] if places else []
        return [[slot]]

    def boxes(self, extents: Iterable[Point]) -> list[Term]:
        return self.place([((0,) * len(one), one)] for one in extents)

    def squares(self, size: Any = None, area: Any = None) -> list[Term]:
        if size is not None and area is not None:
            raise Stop(3, "squares have either a size or an area")
        axes, least = (1, _cells(size)) if area is None else (len(self.grid), _cells(area, prod(self.grid)))
        side = next((side for side in range(1, max(self.grid) + 1) if side**axes >= least), max(self.grid) + 1)
        return self.boxes([(side,) * len(self.grid)])

    def rectangle(self, height: Any, width: Any) -> list[Term]:
        return self.boxes([(_cells(height), _cells(width))])

    def rectangles(self, area: Any, min_side: Any = 1, max_aspect: Any = None) -> list[Term]:
        limit, least = _cells(area, prod(self.grid)), _cells(min_side)
        aspect = max(self.grid) if max_aspect is None else Fraction(max_aspect)

        def fitting(sides: Point) -> Iterator[Point]:
            for prefix in product(*(range(least, min(side, limit) + 1) for side in sides[:-1])):
                shapes = ((*prefix, last) for last in range(least, min(sides[-1], limit // prod(prefix)) + 1))
                yield from (shape for shape in shapes if max(shape) <= aspect * min(shape))

        if not any(fitting(self.grid)):
            raise Stop(2, "regions: there is no such rectangle on the image")
        whole = (0,) * len(self.grid), self.grid
        free = _left(whole, self.barriers)
        low, high = _ends(free or [whole])
        shapes = fitting(_plus(high, low, -1))
        # In one free box only the longest shapes matter; beside a barrier one may fit where no longer one does.
        return self.boxes(shapes if len(free) > 1 else {shape[:-1]: shape for shape in shapes}.values())

    def bitmap(self, text: Any) -> list[Term]:
        boxes = _area(text)
        start = _ends(boxes)[0]
        return self.place([[(_plus(low, start, -1), _plus(high, start, -1)) for low, high in boxes]])

    def union(self, *members: Any) -> list[Term]:
        return [term for member in members for term in member(self)]

    def patches(self, regions: Any, k: Any = None) -> list[Term]:
        members = regions if k is None else [regions] * min(_cells(k), 17)
        slots = [[stencil for (slot,) in one(self) for stencil in slot] for one in members]  # of single patches alone
        if not 1 <= len(slots) <= 16 or (k is None and not all(slots)):
            raise Stop(3, "this checker reads 1 to 16 patches, each with a place where all are allowed")
        return [slots]

    def within(self, regions: Any, area: Any) -> list[Term]:
        others = _left(((0,) * len(self.grid), self.grid), _area(area, self.grid))
        return list(regions(_Scene(self.grid, self.barriers + others)))

    def avoiding(self, regions: Any, area: Any) -> list[Term]:
        return list(regions(_Scene(self.grid, self.barriers + _area(area, self.grid))))


def _parsed(node: ast.expr, text: str) -> Any:
    """The value of an argument; a call becomes what gives its terms on a scene."""
    source = ast.get_source_segment(text, node) or ""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in FAMILIES:
        name, values = node.func.id, [_parsed(one, text) for one in node.args]
        named = {str(one.arg): _parsed(one.value, text) for one in node.keywords}
        if len(named) == len(node.keywords):
            return lambda scene: getattr(scene, name)(*values, **named)
    if isinstance(node, ast.List | ast.Tuple):
        return [_parsed(one, text) for one in node.elts]
    if isinstance(node, ast.Constant) and (type(node.value) is str or re.fullmatch(r"\d+(\.\d+)?", source)):
        return Fraction(source) if type(node.value) is float else node.value
    raise Stop(3, f"this checker cannot expand {source:.60}")


def _gap(term: Term, listed: Term) -> str:
    """In words a patch of a term that lies inside no listed stencil; empty if there is none."""
    for needs, stencils in zip(term, listed, strict=True):
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


def _stencil(stencil: Any, grid: Point, masks: list[list[Box]], signatures: list[list[int]]) -> Stencil:
    """A listed stencil, if its tiles are its places and lie inside all the masks of the signatures that they name."""
    rows = stencil["tiles"]
    shape, places, tiles = (_boxes(stencil.pop(key), grid, key == "tiles") for key in ("shape", "places", "tiles"))
    if stencil or any(_ends(shape)[0]):
        raise Stop(2, "terms: unknown fields, or a shape that does not begin at 0")
    volumes = [sum(prod(_plus(high, low, -1)) for low, high in boxes) for boxes in (places, tiles)]
    # Tiles that cover disjoint places, and have no more cells than they, are disjoint and lie in the places.
    overlap = any(_meet(one, other) for one, other in combinations(places, 2))
    if overlap or volumes[0] != volumes[1] or any(_left(place, tiles) for place in places):
        raise Stop(1, f"the tiles {rows!s:.60} are not a tiling of the places")
    for (low, high), row in zip(tiles, rows, strict=True):
        swept = [(_plus(low, first), _plus(high, stop, more=-1)) for first, stop in shape]  # all cells of each box
        for mask in signatures[row[-1]]:
            if bare := [cell for box in swept for cell, _ in _left(box, masks[mask])]:
                raise Stop(1, f"mask {mask} does not hide {bare[0]}, which a stencil of the tile {row} touches")
    return shape, places


def _term(term: Any, grid: Point, masks: list[list[Box]]) -> Term:
    """The listed stencils of each patch, if they lie inside the masks that are named and the patches share one."""
    patches, slots, signatures = (term.pop(key) for key in ("patches", "slots", "signatures"))
    used = [{row[-1] for one in slot for row in one["tiles"]} for slot in slots]
    unused = signatures is not None and set().union(*used) != set(range(len(signatures)))
    if term or unused or not patches or set(patches) != set(range(len(slots))):
        raise Stop(2, "terms: unknown fields, or slots or signatures that nothing uses")
    signatures = [[mask] for mask in range(len(masks))] if signatures is None else signatures
    found = [[_stencil(one, grid, masks, signatures) for one in slot] for slot in slots]
    shared = {frozenset(range(len(masks)))}
    for patch in patches:
        joined = {one & frozenset(signatures[number]) for one in shared for number in used[patch]}
        shared = {one for one in joined if not any(other < one for other in joined)}
    if frozenset() in shared:
        raise Stop(1, "terms: patches whose signatures share no mask")
    return [found[patch] for patch in patches]


def _proved(content: bytes) -> str:
    """What a certificate proves, in words; raises `Stop` if it does not."""
    # An object that says something twice becomes False, which is refused wherever it stands.
    document = json.loads(content.decode(), object_pairs_hook=lambda one: len(dict(one)) == len(one) and dict(one))
    if not isinstance(document, dict) or set(document) != FIELDS or document["schema"] != "maskcover/cover-certificate":
        raise Stop(2, f"expected a JSON object of schema maskcover/cover-certificate with the fields {sorted(FIELDS)}")
    digest, regions, grid = document.pop("digest"), document["regions"], tuple(document["image_size"])
    canonical = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    if digest != "sha256:" + hashlib.sha256(canonical.encode()).hexdigest():
        raise Stop(2, "digest: does not match the content")
    whole = _plain([document[key] for key in ("image_size", "masks", "terms")]) and min(grid) > 0
    if not whole or repr(document["version"]) != "1" or not TEXT.fullmatch(regions):
        raise Stop(2, "expected version 1, whole numbers in image_size, masks and terms, and regions in one plain line")
    masks = [_boxes(rows, grid) for rows in document["masks"]]
    listed = [_term(term, grid, masks) for term in document["terms"]]
    try:
        terms = _parsed(ast.parse(regions, mode="eval").body, regions)(_Scene(grid, []))
    except (SyntaxError, TypeError, ValueError, AttributeError) as error:
        raise Stop(3, f"this checker cannot read the region text: {error}") from error
    if not any(map(all, terms)) or document["frame"] != "input":
        raise Stop(2, "regions: there is no such region on the image, or it is in another frame")
    for term in filter(all, terms):  # where one of the patches has no place there is no region
        gaps = [_gap(term, other) for other in listed if len(other) == len(term)]
        if all(gaps):
            raise Stop(1, next(iter(gaps), f"there is no evidence for {len(term)} patches at once"))
    size, counted = "x".join(map(str, grid)), f"{len(masks)} masks; {digest}"
    return f"each region of {regions} on the model's input of {size} cells lies inside one of {counted}"


def check(content: bytes) -> tuple[int, str]:
    """Exit code and one line that says what was found."""
    try:
        return 0, f"holds: {_proved(content)}"
    except Stop as stop:
        code, reason = stop.args
    except Exception as error:
        malformed = isinstance(error, LookupError | TypeError | ValueError | AttributeError | RecursionError)
        code, reason = 2 if malformed else 3, f"{error!r:.80}"
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
