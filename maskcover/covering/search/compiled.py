"""The counts of the fast search for fewer boxes, compiled by numba: on images of two axes only.

They are the numbers of the boxes that hold each placement, in bit planes of 64 placements a word (`planes`). A move of
a box is judged by counting bits where the old and the new box differ.
Whole numbers inside compiled functions are int64, words are uint64; mixing them would make floats, hence the casts.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, TypeVar, cast

import numpy as np
from numba import njit

from maskcover.covering.search.boxes import Ints
from maskcover.covering.search.planes import Lattice, Planes, Words

P = ParamSpec("P")
R = TypeVar("R")
Place = tuple[int, int, int, int]
"""A box: top, left, height, width; or a span of a lattice: top, bottom, left, right."""

_ALL = np.uint64(0xFFFFFFFFFFFFFFFF)
_ONE, _TWO, _FOUR, _TOP = np.uint64(1), np.uint64(2), np.uint64(4), np.uint64(56)
_PAIRS, _NIBBLES = np.uint64(0x5555555555555555), np.uint64(0x3333333333333333)
_BYTES, _SUM = np.uint64(0x0F0F0F0F0F0F0F0F), np.uint64(0x0101010101010101)
_ZERO = np.uint64(0)


def compiled(function: Callable[P, R]) -> Callable[P, R]:
    """Compile a function at its first call, to run beside other threads; numba keeps the result on disk."""
    return cast("Callable[P, R]", njit(nogil=True, cache=True)(function))


@compiled
def bits_in(word: np.uint64) -> int:
    """Count the bits of a word."""
    word = word - ((word >> _ONE) & _PAIRS)
    word = (word & _NIBBLES) + ((word >> _TWO) & _NIBBLES)
    word = (word + (word >> _FOUR)) & _BYTES
    return np.int64((word * _SUM) >> _TOP)  # type: ignore[return-value]  # an int, once compiled


@compiled
def _masked(index: int, first: int, last: int) -> np.uint64:
    """The bits of a row's word of this index that lie in columns first … last - 1."""
    word = _ALL
    if index == first >> 6:
        word = word & (_ALL << np.uint64(first & 63))
    if index == (last - 1) >> 6:
        word = word & (_ALL >> np.uint64(63 - ((last - 1) & 63)))
    return word


@compiled
def _count(bits: Words, offset: int, stride: int, top: int, bottom: int, left: int, right: int) -> int:
    """Count the bits in rows top … bottom - 1 and columns left … right - 1 of a shape's part of a plane."""
    total = 0
    if right > left:
        for index in range(left >> 6, ((right - 1) >> 6) + 1):
            mask = _masked(index, left, right)
            for row in range(top, bottom):
                total += bits_in(bits[offset + row * stride + index] & mask)
    return total


@compiled
def _change(
    planes: Planes, offset: int, stride: int, top: int, bottom: int, left: int, right: int, is_added: bool
) -> int:
    """Add 1 to (or take 1 from) the counts of such a part; how many counts left 0 (or came to 0)."""
    total = 0
    if right <= left:
        return total
    for index in range(left >> 6, ((right - 1) >> 6) + 1):
        mask = _masked(index, left, right)
        for row in range(top, bottom):
            word = offset + row * stride + index
            zero, single = planes.zero[word], planes.single[word]
            carry, place = mask, 0
            while carry != _ZERO:
                digit = planes.digits[word, place]
                planes.digits[word, place] = digit ^ carry
                carry = digit & carry if is_added else ~digit & carry
                place += 1
            if is_added:
                total += bits_in(zero & mask)
                planes.zero[word] = zero & ~mask
                planes.single[word] = (single & ~mask) | (zero & mask)
            else:
                total += bits_in(single & mask)
                higher = _ZERO
                for place in range(1, planes.digits.shape[1]):
                    higher = higher | planes.digits[word, place]
                planes.zero[word] = zero | (single & mask)
                planes.single[word] = (single & ~mask) | (planes.digits[word, 0] & ~higher & mask)
    return total


@compiled
def _span(lattice: Lattice, shape: int, box: Place) -> Place:
    """The lattice rows and columns of a shape's placements inside a box: top, bottom, left, right; 0s if none."""
    height, width = lattice.shapes[shape, 0], lattice.shapes[shape, 1]
    if height > box[2] or width > box[3]:
        return 0, 0, 0, 0
    top, left = lattice.rows_before[shape, box[0]], lattice.columns_before[shape, box[1]]
    bottom = lattice.rows_before[shape, box[0] + box[2] - height + 1]
    right = lattice.columns_before[shape, box[1] + box[3] - width + 1]
    return (top, bottom, left, right) if bottom > top and right > left else (0, 0, 0, 0)


@compiled
def _common(outer: Place, other: Place) -> Place:
    """The part of a span that another one has too; an empty part at its end if none."""
    top, bottom = max(outer[0], other[0]), min(outer[1], other[1])
    left, right = max(outer[2], other[2]), min(outer[3], other[3])
    if bottom <= top or right <= left:
        return outer[1], outer[1], outer[2], outer[3]
    return top, bottom, left, right


@compiled
def _count_outside(lattice: Lattice, rows: Planes, columns: Planes, box: Place, other: Place, is_zero: bool) -> int:
    """Count placements inside a box and not inside the other one that no box holds, or else that a single box holds.

    Above and below the common part words run along rows, beside it along columns, so that few words are read.
    """
    total = 0
    by_rows, by_columns = (rows.zero, columns.zero) if is_zero else (rows.single, columns.single)
    for shape in range(len(lattice.shapes)):
        span = _span(lattice, shape, box)
        if span[1] == 0:
            continue
        top, bottom, left, right = _common(span, _span(lattice, shape, other))
        start, stride = rows.offsets[shape], rows.strides[shape]
        total += _count(by_rows, start, stride, span[0], top, span[2], span[3])
        total += _count(by_rows, start, stride, bottom, span[1], span[2], span[3])
        start, stride = columns.offsets[shape], columns.strides[shape]
        total += _count(by_columns, start, stride, span[2], left, top, bottom)
        total += _count(by_columns, start, stride, right, span[3], top, bottom)
    return total


@compiled
def _change_outside(lattice: Lattice, rows: Planes, columns: Planes, box: Place, other: Place, is_added: bool) -> int:
    """Add 1 to (or take 1 from) the counts of placements inside a box and not inside the other one, in both planes."""
    total = 0
    for shape in range(len(lattice.shapes)):
        span = _span(lattice, shape, box)
        if span[1] == 0:
            continue
        top, bottom, left, right = _common(span, _span(lattice, shape, other))
        start, stride = rows.offsets[shape], rows.strides[shape]
        total += _change(rows, start, stride, span[0], top, span[2], span[3], is_added)
        total += _change(rows, start, stride, bottom, span[1], span[2], span[3], is_added)
        total += _change(rows, start, stride, top, bottom, span[2], left, is_added)
        total += _change(rows, start, stride, top, bottom, right, span[3], is_added)
        start, stride = columns.offsets[shape], columns.strides[shape]
        _change(columns, start, stride, span[2], span[3], span[0], top, is_added)
        _change(columns, start, stride, span[2], span[3], bottom, span[1], is_added)
        _change(columns, start, stride, span[2], left, top, bottom, is_added)
        _change(columns, start, stride, right, span[3], top, bottom, is_added)
    return total


@compiled
def turned(lattice: Lattice, copy: int, box: Place) -> Place:
    """Make a copy of a box: its axes swapped or not, then mirrored or not along each axis."""
    top, left, height, width = box
    if lattice.copies[copy, 0]:
        top, left, height, width = left, top, width, height
    if lattice.copies[copy, 1]:
        top = lattice.sides[0] - top - height
    if lattice.copies[copy, 2]:
        left = lattice.sides[1] - left - width
    return top, left, height, width


@compiled
def put(lattice: Lattice, rows: Planes, columns: Planes, box: Place, is_added: bool) -> int:
    """Put a box and its copies (or take them out); how many counts left 0 (or came to 0)."""
    total = 0
    for copy in range(len(lattice.copies)):
        total += _change_outside(lattice, rows, columns, turned(lattice, copy, box), (0, 0, 0, 0), is_added)
    return total


@compiled
def exchange(lattice: Lattice, rows: Planes, columns: Planes, old: Place, new: Place) -> int:
    """Put a box and its copies in the place of others; how many more placements are uncovered."""
    change = 0
    for copy in range(len(lattice.copies)):
        out, into = turned(lattice, copy, old), turned(lattice, copy, new)
        change -= _change_outside(lattice, rows, columns, into, out, True)
    for copy in range(len(lattice.copies)):
        out, into = turned(lattice, copy, old), turned(lattice, copy, new)
        change += _change_outside(lattice, rows, columns, out, into, False)
    return change


@compiled
def is_hopeless(lattice: Lattice, rows: Planes, columns: Planes, old: Place, new: Place, most: float) -> bool:
    """Whether a move would uncover too many placements, copy by copy: exact unless copies of a box overlap."""
    change = 0
    for copy in range(len(lattice.copies)):
        out, into = turned(lattice, copy, old), turned(lattice, copy, new)
        change -= _count_outside(lattice, rows, columns, into, out, True)
    for copy in range(len(lattice.copies)):
        out, into = turned(lattice, copy, old), turned(lattice, copy, new)
        change += _count_outside(lattice, rows, columns, out, into, False)
        if change > most:
            return True
    return False


@compiled
def list_uncovered(lattice: Lattice, rows: Planes, places: Ints, skip: int) -> int:
    """Write shape, row and column of some uncovered placements to places (most, 3); their number."""
    seen = 0
    for shape in range(len(lattice.shapes)):
        stride = rows.strides[shape]
        for word in range(rows.offsets[shape], rows.offsets[shape + 1]):
            left = rows.zero[word]
            while left != _ZERO:
                lowest = left & (~left + _ONE)
                left = left ^ lowest
                # Later placements replace earlier ones at places spread by a fixed rule, not at random.
                at = seen if seen < len(places) else (seen * 7919 + skip) % (2 * seen)
                if at < len(places):
                    line = (word - rows.offsets[shape]) // stride
                    column = (word - rows.offsets[shape]) % stride * 64 + bits_in(lowest - _ONE)
                    places[at, 0], places[at, 1], places[at, 2] = shape, line, column
                seen += 1
    return min(seen, len(places))
