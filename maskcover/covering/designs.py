"""Covering designs: few blocks of points such that any k points lie together in a block.

For k patches, any k masks of a base that covers one patch must lie together in a mask. The unions of k base masks do
that; but a union of t > k base masks serves many k-tuples at once, and a design of blocks of t points may need far
fewer blocks than there are k-tuples of points: the lines of an affine plane of order q join any two of q² points in
q² + q blocks.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from functools import lru_cache
from itertools import combinations
from math import comb, exp

from maskcover.covering.fields import Block, affine_plane, inversive_plane, octads_through_two, projective_plane

Design = tuple[Block, ...]

_MOST_TUPLES = 20_000  # for the greedy design
_LARGEST_ORDER = 13  # of a plane
_LARGEST_INVERSIVE = 4  # larger ones take long to make
_MOST_ANNEALED = 240  # tuples of points, up to which annealing is quick
_MOVES = 6_000  # of an annealing
_ATTEMPTS = 3  # annealings for a number of blocks
_HOT, _COLD = 0.8, 0.15  # tuples


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
    every = [blocks for blocks in _candidates(points, size, strength) if _is_design(blocks, points, strength)]
    best = min(every, key=lambda blocks: (len(blocks), blocks))
    return _annealed(best, points, size, strength) if comb(points, strength) <= _MOST_ANNEALED else best


def _is_design(blocks: Design, points: int, strength: int) -> bool:
    """Whether any `strength` points lie in a common block."""
    held = {part for block in blocks for part in combinations(sorted(block), strength)}
    return len(held) == comb(points, strength)


def _candidates(points: int, size: int, strength: int) -> Iterator[Design]:
    if comb(points, strength) <= _MOST_TUPLES:
        yield _greedy(points, size, strength)
    else:
        yield tuple(combinations(range(points), strength))
    for order in range(2, min(size, _LARGEST_ORDER) + 1):
        if strength == 2 and points <= order**2:
            yield _restricted(affine_plane(order), points)
        if strength == 2 and order < size and points <= order**2 + order + 1:
            yield _restricted(projective_plane(order), points)
        if strength == 3 and order < size and order <= _LARGEST_INVERSIVE and points <= order**2 + 1:
            yield _restricted(inversive_plane(order), points)
    if strength == 2:
        yield _restricted(_bose((points + 2) // 6), points)
    if strength == 3 and size >= 6 and points <= 22:
        yield _restricted(octads_through_two(), points)


def _annealed(best: Design, points: int, size: int, strength: int) -> Design:
    """Look for a design of fewer blocks by simulated annealing, a block fewer each time; the same seed for all.

    Blocks move one point at a time, and the energy is the number of tuples that no block holds. The result is a design
    because that number is 0.
    """
    rng = random.Random(0)  # noqa: S311  # nothing is secret here
    least = _least_blocks(points, size, strength)
    while len(best) > least:
        attempts = (_anneal(len(best) - 1, points, size, strength, rng) for _ in range(_ATTEMPTS))
        fewer = next((blocks for blocks in attempts if blocks is not None), None)
        if fewer is None:
            break
        best = fewer
    return best


def _least_blocks(points: int, size: int, strength: int) -> int:
    """The bound of Schönheim (1964): a point lies in as many blocks as a design of the other points needs."""
    least = 1
    for rest in range(strength - 1, -1, -1):
        least = -(-(points - rest) * least // (size - rest))
    return least


def _anneal(count: int, points: int, size: int, strength: int, rng: random.Random) -> Design | None:
    """Search for a design of `count` blocks, from random blocks; None if none was found."""
    blocks = [set(rng.sample(range(points), size)) for _ in range(count)]
    held = Counter(part for block in blocks for part in combinations(sorted(block), strength))
    missing = comb(points, strength) - len(held)
    for move in range(_MOVES):
        if not missing:
            return tuple(sorted(tuple(sorted(block)) for block in blocks))
        block = rng.choice(blocks)
        leaves = rng.choice(sorted(block))
        enters = rng.choice([point for point in range(points) if point not in block])
        rests = list(combinations(sorted(block - {leaves}), strength - 1))
        lost = [tuple(sorted((*rest, leaves))) for rest in rests]
        gained = [tuple(sorted((*rest, enters))) for rest in rests]
        change = sum(held[part] == 1 for part in lost) - sum(held[part] == 0 for part in gained)
        heat = _HOT * (_COLD / _HOT) ** (move / _MOVES)
        if change <= 0 or rng.random() < exp(-change / heat):
            held.subtract(lost)
            held.update(gained)
            missing += change
            block.remove(leaves)
            block.add(enters)
    return None


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
