"""Covering designs: few blocks of points such that any k points lie together in a block.

For k patches, any k masks of a base that covers one patch must lie together in a mask. The unions of k base masks do
that; but a union of t > k base masks serves many k-tuples at once, and a design of blocks of t points may need far
fewer blocks than there are k-tuples of points: the lines of an affine plane of order q join any two of q² points in
q² + q blocks.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from itertools import combinations, product
from math import comb

Block = tuple[int, ...]
Design = tuple[Block, ...]

_MOST_TUPLES = 20_000  # for the greedy design
_PRIMES = (2, 3, 5, 7, 11, 13)


@lru_cache(maxsize=1 << 10)
def design(points: int, size: int, strength: int) -> Design:
    """Find blocks of at most `size` of the points 0 … points − 1 such that any `strength` points share a block.

    With fewer points than that all of them share one. There are few blocks, but fewer may be possible.

    >>> len(design(25, 2, 2)), len(design(25, 5, 2)), len(design(9, 3, 2))
    (300, 30, 12)
    """
    if size >= points:
        return (tuple(range(points)),)
    if size <= strength:
        return tuple(combinations(range(points), min(strength, points)))
    return min(_candidates(points, size, strength), key=lambda blocks: (len(blocks), blocks))


def _candidates(points: int, size: int, strength: int) -> Iterator[Design]:
    if comb(points, strength) <= _MOST_TUPLES:
        yield _greedy(points, size, strength)
    else:
        yield tuple(combinations(range(points), strength))
    if strength == 2:
        for order in _PRIMES:
            if order <= size and points <= order**2:
                yield _restricted(_affine(order), points)
            if order < size and points <= order**2 + order + 1:
                yield _restricted(_projective(order), points)
        yield _restricted(_bose((points + 2) // 6), points)


def _affine(order: int) -> Iterator[Block]:
    """Yield the lines of the affine plane over a prime field; point (x, y) is x·q + y."""
    for slope, offset in product(range(order), repeat=2):
        yield tuple(x * order + (slope * x + offset) % order for x in range(order))
    for x in range(order):
        yield tuple(x * order + y for y in range(order))


def _projective(order: int) -> Iterator[Block]:
    """Yield the lines of the affine plane with a point at infinity for each direction, and the line of these points."""
    square = order**2
    for number, line in enumerate(_affine(order)):
        yield (*line, square + number // order)
    yield tuple(range(square, square + order + 1))


def _bose(half: int) -> Iterator[Block]:
    """Yield Steiner triples on 6·half + 3 points (Bose 1939): Z_n × Z_3 with n = 2·half + 1, where n + 1 is even."""
    side = 2 * half + 1
    for x in range(side):
        yield (x, side + x, 2 * side + x)
    for x, y in combinations(range(side), 2):
        middle = (x + y) * (half + 1) % side
        for level in range(3):
            yield (level * side + x, level * side + y, (level + 1) % 3 * side + middle)


def _restricted(blocks: Iterator[Block], points: int) -> Design:
    """Restrict a design to fewer points: leave the others out of its blocks, and drop blocks that lie in others."""
    parts = sorted({tuple(point for point in sorted(block) if point < points) for block in blocks}, key=len)
    sets = [set(block) for block in parts]
    return tuple(
        sorted(
            block
            for number, block in enumerate(parts)
            if not any(sets[number] <= other for other in sets[number + 1 :])
        )
    )


def _greedy(points: int, size: int, strength: int) -> Design:
    """Add block after block: begin with a tuple that no block holds, then add the points that complete most tuples."""
    missing = dict.fromkeys(combinations(range(points), strength))
    blocks: list[Block] = []
    while missing:
        block = next(iter(missing))
        while len(block) < size:
            block = tuple(sorted((*block, _most_useful(block, points, strength, missing))))
        blocks.append(block)
        for served in combinations(block, strength):
            missing.pop(served, None)
    return tuple(blocks)


def _most_useful(block: Block, points: int, strength: int, missing: dict[Block, None]) -> int:
    rests = list(combinations(block, strength - 1))
    others = [point for point in range(points) if point not in block]
    return max(others, key=lambda point: sum(tuple(sorted((*rest, point))) in missing for rest in rests))
