"""The independent checker, ``python check.py x.cover.json``: one file, the standard library, nothing of maskcover.

It works out by itself which patches the claim lets lie where, and checks in integers that each of them lies inside a
stencil that the certificate lists, and every listed stencil, tile by tile, inside the masks that the tile names.
Exit code 0: the claim holds. 1: the evidence is false. 2: not a certificate. 3: a claim that this file cannot expand
(polygons, subpixel shapes, rotations, `through`) or that is too large for it; such a claim is never said to hold.
"""

from __future__ import annotations

import ast
import hashlib
import json
import re
import sys
from collections.abc import Iterable, Iterator
from fractions import Fraction
from itertools import combinations, islice, product
from math import ceil, prod
from operator import le, lt
from pathlib import Path
from typing import Any, NamedTuple

Point = tuple[int, ...]
SCHEMA = "maskcover/cover-certificate"
FIELDS = {"schema", "version", "image_size", "regions", "frame", "masks", "terms", "digest"}
FAMILIES = "squares rectangle rectangles half_planes stripes bitmap disc union patches within avoiding tubes".split()
TEXT = re.compile(r'[A-Za-z0-9_(),="./ \[\]+-]{1,1000000}')  # no comment, line break, escape or look-alike letter
RATIO, DECIMAL = re.compile(r"\d{1,41}/0*[1-9]\d{0,40}"), re.compile(r"\d{1,41}\.\d{1,41}")
WORDS = {1: "refuted", 2: "not a certificate", 3: "could not decide"}


class Stop(Exception):
    """The end of a check without success: exit code and reason."""


class Box(NamedTuple):
    """The first cell, and one past the last, on every axis."""

    low: Point
    high: Point

    def meet(self, other: Box) -> list[Box]:
        """The common cells: one box or none."""
        low, high = tuple(map(max, self.low, other.low)), tuple(map(min, self.high, other.high))
        return [Box(low, high)] if all(map(lt, low, high)) else []

    def bare(self, boxes: Iterable[Box]) -> Iterator[Box]:
        """What some boxes leave of this one, as disjoint boxes."""
        todo = [(self, list(boxes))]
        while todo:
            (low, high), rest = todo.pop()
            rest = [part for one in rest for part in one.meet(Box(low, high))]
            if not rest:
                yield Box(low, high)
                continue
            for axis, (first, stop) in enumerate(zip(*rest[len(rest) // 2], strict=True)):
                parts = Box(low, put(high, axis, first)), Box(put(low, axis, stop), high)
                todo += [(part, rest) for part in parts if part.low[axis] < part.high[axis]]
                low, high = put(low, axis, first), put(high, axis, stop)

    def outside(self, boxes: Iterable[Box]) -> Point | None:
        """A cell of this box that lies in none of some boxes, if there is one."""
        return next((low for low, _ in self.bare(boxes)), None)


class Need(NamedTuple):
    """A shape that begins at 0, and the places at which it may lie, but for the barred ones."""

    shape: list[Box]
    places: list[Box]
    barred: list[Box]

    def possible(self) -> bool:
        """Whether there is such a place."""
        return any(place.outside(self.barred) for place in self.places)

    def inside(self, other: Need) -> list[Box]:
        """Places at which the shape lies inside the other one at one of its places: all of them if that is a box."""
        if len(other.shape) > 1:
            return [] if any(box.outside(other.shape) for box in self.shape) else other.places
        room = plus(other.shape[0].high, ends(self.shape).high, -1)
        return [Box(low, plus(high, room)) for low, high in other.places] if min(room) >= 0 else []


Term = list[list[Need]]  # what each of the patches may be


def plus(point: Iterable[int], other: Iterable[int], times: int = 1) -> Point:
    """The point moved by so many times the other."""
    return tuple(a + times * b for a, b in zip(point, other, strict=True))


def put(point: Point, axis: int, value: int) -> Point:
    """The point with another coordinate."""
    return (*point[:axis], value, *point[axis + 1 :])


def ends(boxes: Iterable[Box]) -> Box:
    """The bounding box."""
    lows, highs = zip(*boxes, strict=True)
    return Box(tuple(map(min, zip(*lows, strict=True))), tuple(map(max, zip(*highs, strict=True))))


def from_zero(boxes: list[Box]) -> list[Box]:
    """The boxes, moved so that they begin at 0."""
    low = ends(boxes).low
    return [Box(plus(box.low, low, -1), plus(box.high, low, -1)) for box in boxes]


def number(value: Any) -> int | Fraction:
    """A number above 0; anything else, such as a text, is refused."""
    found = Fraction(value) if isinstance(value, str) and RATIO.fullmatch(value) else value
    if (type(found) is int or isinstance(found, Fraction)) and found > 0:
        return found
    raise Stop(3, f"this checker cannot read the amount {value!s:.40}")


def cells(value: Any, total: int = 0) -> int:
    """An amount of cells as it is, a share of the total rounded up; without a total a share is refused."""
    found = number(value)
    if isinstance(found, int):
        return found
    return ceil(found * total) if found < 1 and total else cells(f"share {value}")


def bounded(work: int) -> None:
    """Ends what would take too long."""
    if work > 20_000_000:
        raise Stop(3, "this claim on this image is too large for this checker")


def drawn(text: str, value: str = "1", slashes: int | None = None) -> tuple[Point, list[Box]]:
    """The sides of a bitmap, and its cells of a value as boxes: each run in a row is one."""
    slashes = max(map(len, re.findall("/+", text)), default=0) if slashes is None else slashes
    if slashes == 0 and re.fullmatch("[01]+", text):
        return (len(text),), [Box((run.start(),), (run.end(),)) for run in re.finditer(f"{value}+", text)]
    rows = [drawn(row, value, slashes - 1) for row in text.split("/" * slashes)] if slashes else []
    if len({sides for sides, _ in rows}) != 1:
        raise Stop(3, f"this checker cannot read the bitmap {text:.40}")
    found = [Box((row, *low), (row + 1, *high)) for row, (_, runs) in enumerate(rows) for low, high in runs]
    return (len(rows), *rows[0][0]), found


class Scene(NamedTuple):
    """An image with barriers that no patch may touch; families of regions are methods that give their terms."""

    grid: Point
    barriers: list[Box]

    @property
    def whole(self) -> Box:
        """The box of all cells."""
        return Box((0,) * len(self.grid), self.grid)

    def place(self, *shapes: list[Box]) -> list[Term]:
        """Any of these shapes, wherever it touches no barrier."""
        bounded(len(self.barriers) * sum(map(len, shapes)))
        return [[[Need(shape, self.places(shape), self.touching(shape, self.barriers)) for shape in shapes]]]

    def places(self, shape: list[Box]) -> list[Box]:
        """Where a shape lies on the image."""
        last = plus(self.grid, ends(shape).high, -1)
        if min(last) < 0:
            raise Stop(2, f"regions: a patch of extents {ends(shape).high} has no place on the image")
        return [Box(self.whole.low, tuple(n + 1 for n in last))]

    def touching(self, shape: list[Box], cells: list[Box]) -> list[Box]:
        """The placements at which a shape touches some cells."""
        ones = (1,) * len(self.grid)
        return [Box(plus(plus(a.low, b.high, -1), ones), plus(a.high, b.low, -1)) for a in cells for b in shape]

    def boxes(self, *extents: Point) -> list[Term]:
        """Any of these boxes, wherever it touches no barrier."""
        return self.place(*([Box((0,) * len(one), one)] for one in extents))

    def squares(self, size: Any = None, area: Any = None) -> list[Term]:
        axes, least = (1, cells(size)) if area is None else (len(self.grid), cells(area, prod(self.grid)))
        if size is not None and area is not None:
            raise Stop(3, "squares have either a size or an area")
        sides = (side for side in range(1, max(self.grid) + 1) if side**axes >= least)
        return self.boxes((next(sides, max(self.grid) + 1),) * len(self.grid))

    def rectangle(self, height: Any, width: Any) -> list[Term]:
        return self.boxes((cells(height), cells(width)))

    def rectangles(self, area: Any, min_side: Any = 1, max_aspect: Any = None) -> list[Term]:
        aspect, least = number(max(self.grid) if max_aspect is None else max_aspect), cells(min_side)
        limit, free, kept = cells(area, prod(self.grid)), list(self.whole.bare(self.barriers)), list[Point]()
        if not any(True for _ in self.extents(self.grid, limit, least, aspect)):
            raise Stop(2, "regions: there is no such rectangle on the image")
        low, high = ends(free or [self.whole])
        # Beside a barrier a shape may fit where no larger one does; in one free box only the maximal shapes matter.
        for shape in sorted(
            self.extents(plus(high, low, -1), limit, least, aspect, None if len(free) > 1 else 1), reverse=True
        ):
            if len(free) > 1 or not any(all(map(le, shape, other)) for other in kept):
                kept.append(shape)
                bounded(4 * len(kept) * len(free) ** 2)
        return self.boxes(*kept)

    def extents(self, sides: Point, limit: int, least: int, aspect: Any, most: int | None = 1) -> Iterator[Point]:
        """For each choice of the other extents, so many of the rectangles that are longest along the last axis."""
        for prefix in product(*(range(least, min(side, limit) + 1) for side in sides[:-1])):
            shapes = ((*prefix, last) for last in range(min(sides[-1], limit // prod(prefix)), least - 1, -1))
            yield from islice((shape for shape in shapes if max(shape) <= aspect * min(shape)), most)

    def half_planes(self, share: Any = Fraction(1, 2)) -> list[Term]:
        parts, (zero, stop) = [], self.whole
        for axis, side in enumerate(self.grid):
            depth = cells(share, side) if number(share) < 1 else cells("a share of 1 or more")
            parts.append(list(Box(zero, put(stop, axis, depth)).bare(self.barriers)))
            parts.append(list(Box(put(zero, axis, side - depth), stop).bare(self.barriers)))
        lows = [(part, ends(part).low) for part in parts if part]
        return [[[Need(from_zero(part), [Box(low, plus(low, (1,) * len(low)))], []) for part, low in lows]]]

    def stripes(self, width: Any, axis: Any = None) -> list[Term]:
        axes = [one for one in range(len(self.grid)) if axis is None or (type(axis) is int and one == axis)]
        return self.boxes(*(put(self.grid, one, cells(width)) for one in axes))

    def bitmap(self, text: Any) -> list[Term]:
        return self.place(from_zero(drawn(text)[1]))

    def disc(self, diameter: Any, subpixel: Any = False) -> list[Term]:
        if subpixel is not False or number(diameter) > 4096:
            raise Stop(3, "this checker cannot expand discs at any offsets")
        # Lengths in units of a half over the denominator; a pixel counts if its nearest point lies inside the circle.
        radius, pixel = number(diameter).numerator, 2 * number(diameter).denominator
        gaps = [max(i * pixel - radius, radius - (i + 1) * pixel, 0) ** 2 for i in range(ceil(number(diameter)))]
        rows = [[j for j, gap in enumerate(gaps) if gap + other < radius**2] for other in gaps]
        return self.place([Box((i, row[0]), (i + 1, row[-1] + 1)) for i, row in enumerate(rows)])

    def union(self, *members: Any) -> list[Term]:
        terms = [term for member in members for term in member(self)]
        single = [need for term in terms if len(term) == 1 for need in term[0]]
        return [[single], *(term for term in terms if len(term) > 1)]

    def patch(self, regions: Any) -> list[Need]:
        """What single patches may be."""
        ((slot,),) = regions(self)  # patches of several patches are refused
        return list(slot)

    def patches(self, regions: Any, k: Any = None) -> list[Term]:
        if k is not None:
            return [[self.patch(regions)] * min(cells(k), 17)]
        slots = [self.patch(member) for member in regions]
        if not all(any(need.possible() for need in slot) for slot in slots):
            raise Stop(2, "regions: one of the patches has no place where all are allowed")
        return [slots]

    def area(self, area: Any, inside: bool) -> list[Box]:
        """The cells of an area, or the others of the image."""
        sides, half = self.grid, len(self.grid)
        if isinstance(area, str):
            sides, found = drawn(area, "1" if inside else "0")
        else:
            area = tuple(one if one == 0 and type(one) is int else cells(one) for one in area)
            found = [Box(area[:half], plus(area[:half], area[half:]))]
        if sides != self.grid or any(box.meet(self.whole) != [box] for box in found):
            raise Stop(2, "regions: the area does not lie on the image")
        return found if inside or isinstance(area, str) else list(self.whole.bare(found))

    def avoiding(self, regions: Any, area: Any) -> list[Term]:
        return list(regions(Scene(self.grid, self.barriers + self.area(area, inside=True))))

    def within(self, regions: Any, area: Any, touching: Any = False) -> list[Term]:
        if type(touching) is not bool:
            raise Stop(3, "touching is True or False")
        if not touching:
            return list(regions(Scene(self.grid, self.barriers + self.area(area, inside=False))))
        near = self.area(area, inside=True)
        return [[[self.near(need, near) for need in slot] for slot in term] for term in regions(self)]

    def near(self, need: Need, area: list[Box]) -> Need:
        """Only the places at which the shape touches an area."""
        meetings = (at.meet(place) for at in self.touching(need.shape, area) for place in need.places)
        return need._replace(places=[one for meeting in meetings for one in meeting])

    def tubes(self, regions: Any, frames: Any = None) -> list[Term]:
        slot, times = [], self.grid[0] if frames is None else cells(frames)
        for first in range(self.grid[0] - times + 1):
            met = [Box(low[1:], high[1:]) for low, high in self.barriers if low[0] < first + times and high[0] > first]
            for shape, *placed in Scene(self.grid[1:], met).patch(regions):
                places, barred = (lifted(boxes, first, first + 1) for boxes in placed)
                slot.append(Need(lifted(shape, 0, times), places, barred))
        return [[slot]]


def lifted(boxes: list[Box], first: int, stop: int) -> list[Box]:
    """The same boxes in some frames."""
    return [Box((first, *low), (stop, *high)) for low, high in boxes]


def parsed(node: ast.expr, text: str) -> Any:
    """The value of an argument; a call becomes what gives its terms on a scene."""
    source = ast.get_source_segment(text, node) or ""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in FAMILIES:
        name, values = node.func.id, [parsed(one, text) for one in node.args]
        named = {str(one.arg): parsed(one.value, text) for one in node.keywords}
        if len(named) == len(node.keywords):
            return lambda scene: getattr(scene, name)(*values, **named)
    if isinstance(node, ast.List | ast.Tuple):
        return (list if isinstance(node, ast.List) else tuple)(parsed(one, text) for one in node.elts)
    if isinstance(node, ast.Constant) and (type(node.value) in (str, bool) or source.isdecimal()):
        return node.value
    if isinstance(node, ast.Constant) and DECIMAL.fullmatch(source):
        return Fraction(source)
    raise Stop(3, f"this checker cannot expand {source:.60}")


def needed(regions: str, grid: Point) -> list[Term]:
    """What has to lie inside masks; terms one of whose patches has no place hold no region."""
    try:
        terms = parsed(ast.parse(regions, mode="eval").body, regions)(Scene(grid, []))
    except (SyntaxError, TypeError, ValueError, AttributeError) as error:
        raise Stop(3, f"this checker cannot read the region text: {error}") from error
    terms = [term for term in terms if all(any(need.possible() for need in slot) for slot in term)]
    if not terms or max(map(len, terms)) > 16:
        raise Stop(2, "regions: there is no such region on the image, or one of more than 16 patches")
    return list(terms)


def gap(term: Term, listed: Term) -> str:
    """In words a patch of a term that lies inside no listed stencil; empty if there is none."""
    for needs, stencils in zip(term, listed, strict=True):
        bounded(len(needs) * len(stencils))
        for need in needs:
            held = [place for stencil in stencils for place in need.inside(stencil)] + need.barred
            if at := next(filter(None, (place.outside(held) for place in need.places)), None):
                return f"no listed stencil holds the patch of extents {ends(need.shape).high} at {at}"
    return ""


class Certificate(NamedTuple):
    """The image and the masks of a file, which its evidence is checked against."""

    grid: Point
    masks: list[list[Box]]

    def boxes(self, rows: Any, more: int = 0) -> list[Box]:
        """Boxes as the file writes them: starts, extents, and so many numbers after them."""
        axes, whole = len(self.grid), Box((0,) * len(self.grid), self.grid)
        found = [Box(tuple(row[:axes]), plus(row[:axes], row[axes : 2 * axes])) for row in rows]
        if any(len(row) != 2 * axes + more for row in rows) or any(box.meet(whole) != [box] for box in found):
            raise Stop(2, f"boxes: expected starts and extents of boxes on the image; found {rows!s:.60}")
        return found

    def term(self, term: Any, where: str) -> Term:
        """The listed stencils of each patch, if they lie inside the masks that are named and the patches share one."""
        patches, slots, signatures = (term.pop(key) for key in ("patches", "slots", "signatures"))
        unlisted = signatures is None
        signatures = [[mask] for mask in range(len(self.masks))] if unlisted else signatures
        found = [
            [self.stencil(one, signatures, f"{where}.slots[{n}][{i}]") for i, one in enumerate(slot)]
            for n, slot in enumerate(slots)
        ]
        used = [{number for _, numbers in slot for number in numbers} for slot in found]
        unused = not unlisted and set().union(*used) != set(range(len(signatures)))
        if term or unused or not patches or set(patches) != set(range(len(slots))):
            raise Stop(2, f"{where}: unknown fields, or slots or signatures that nothing uses")
        shared = {frozenset(range(len(self.masks)))}
        for patch in patches:
            joined = {one & frozenset(signatures[number]) for one in shared for number in used[patch]}
            shared = {one for one in joined if not any(other < one for other in joined)}
        if frozenset() in shared:
            raise Stop(1, f"{where}: patches whose signatures share no mask")
        return [[need for need, _ in found[patch]] for patch in patches]

    def stencil(self, stencil: Any, signatures: list[list[int]], where: str) -> tuple[Need, set[int]]:
        """A listed stencil at its places, if its tiles are these places and lie inside the masks that they name."""
        rows = stencil["tiles"]
        shape, places, tiles = (self.boxes(stencil.pop(key), key == "tiles") for key in ("shape", "places", "tiles"))
        if stencil or any(ends(shape).low):
            raise Stop(2, f"{where}: unknown fields, or a shape that does not begin at 0")
        volumes = [sum(prod(plus(high, low, -1)) for low, high in boxes) for boxes in (places, tiles)]
        # Tiles that cover disjoint places, and have no more cells than they, are disjoint and lie in the places.
        overlap = any(one.meet(other) for one, other in combinations(places, 2))
        if overlap or volumes[0] != volumes[1] or any(place.outside(tiles) for place in places):
            raise Stop(1, f"{where}: the tiles are not a tiling of the places")
        for (low, high), row in zip(tiles, rows, strict=True):
            # All cells of a box of the shape, while it moves through the tile, are one box.
            swept = [Box(plus(low, box.low), plus(plus(high, box.high), (1,) * len(low), -1)) for box in shape]
            for mask in signatures[row[-1]]:
                if at := next(filter(None, (box.outside(self.masks[mask]) for box in swept)), None):
                    raise Stop(1, f"{where}: mask {mask} does not hide {at}, which a stencil at {low} or after touches")
        return Need(shape, places, []), {row[-1] for row in rows}


def plain(value: Any) -> bool:
    """Whether a part of the document is made of lists, objects, whole numbers from 0 on, and null."""
    if isinstance(value, list | dict):
        return all(map(plain, value.values() if isinstance(value, dict) else value))
    return value is None or (type(value) is int and value >= 0)


def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object, unless it says something twice."""
    if len(dict(pairs)) != len(pairs):
        raise Stop(2, "a key stands twice in one object")
    return dict(pairs)


def read(content: bytes) -> dict[str, Any]:
    """The document, if it is what a certificate looks like and its digest is right."""
    document = json.loads(content.decode("utf-8"), object_pairs_hook=unique)
    if not isinstance(document, dict) or set(document) != FIELDS or document["schema"] != SCHEMA:
        raise Stop(2, f"expected a JSON object of schema {SCHEMA} with exactly the fields {sorted(FIELDS)}")
    body = {key: value for key, value in document.items() if key != "digest"}
    canonical = json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    if document["digest"] != "sha256:" + hashlib.sha256(canonical.encode()).hexdigest():
        raise Stop(2, "digest: does not match the content")
    if not all(plain(document[key]) for key in ("image_size", "masks", "terms")) or repr(document["version"]) != "1":
        raise Stop(2, "expected version 1, and whole numbers in image_size, masks and terms")
    if not TEXT.fullmatch(document["regions"]):
        raise Stop(2, "regions: expected one line of a region text")
    return document


def proved(content: bytes) -> str:
    """What a certificate proves, in words; raises `Stop` if it does not."""
    document = read(content)
    regions, image = document["regions"], Certificate(tuple(document["image_size"]), [])
    if 0 in image.grid or ("through(" not in regions and document["frame"] != "input"):
        raise Stop(2, "image_size or frame: not those of this claim")
    image.masks.extend(image.boxes(rows) for rows in document["masks"])
    listed = [image.term(term, f"terms[{number}]") for number, term in enumerate(document["terms"])]
    for term in needed(regions, image.grid):
        gaps = [gap(term, other) for other in listed if len(other) == len(term)]
        if all(gaps):
            raise Stop(1, next(iter(gaps), f"there is no evidence for {len(term)} patches at once"))
    size, stencils = "x".join(map(str, image.grid)), sum(len(slot) for term in listed for slot in term)
    counted = f"one of {len(image.masks)} masks, by {stencils} stencils; {document['digest']}"
    return f"each region of {regions} on the model's input of {size} cells lies inside {counted}"


def check(content: bytes) -> tuple[int, str]:
    """Exit code and one line that says what was found."""
    try:
        return 0, f"holds: {proved(content)}"
    except Stop as stop:
        code, reason = stop.args
    except (KeyError, TypeError, ValueError, IndexError, AttributeError, RecursionError) as error:
        code, reason = 2, f"malformed: {error!r:.80}"
    except Exception as error:
        code, reason = 3, repr(error)
    return code, f"{WORDS[code]}: {reason}"


def main(arguments: list[str]) -> int:
    """The command line: one file, one line, one exit code."""
    try:
        (path,) = arguments
        code, line = check(Path(path).read_bytes())
    except (OSError, ValueError) as error:
        code, line = 2, f"cannot read the one file ({error}); usage: python check.py x.cover.json"
    # A terminal that cannot print a letter must not turn the answer into a crash: Python would exit with 1.
    print(line.encode("ascii", "backslashreplace").decode())
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
