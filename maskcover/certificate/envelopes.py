"""Replacing many stencils by fewer, larger ones: evidence for a box holds for every box inside it.

A cover of all rectangles treats neighbouring shapes alike, so one box around them is mostly covered too. The size of a
certificate then follows the masks, not the image.
"""

from __future__ import annotations

from collections.abc import Sequence

from maskcover.cells import Cells
from maskcover.covering.blocks import MasksByForm, covered_blocks, cut_blocks, erosions
from maskcover.grid import Box
from maskcover.regions import Slot, Stencil


def enveloping(masks: MasksByForm, slot: Slot) -> Slot:
    """Stencils that the masks cover, such that every stencil of a covered slot lies inside one wherever it may lie."""
    larger: list[Stencil] = []
    rest = slot
    while rest:
        size = _most(masks, rest)
        larger.append(_envelope(rest[:size]) or rest[0])
        rest = rest[size:]
    return tuple(larger)


def _most(masks: MasksByForm, slot: Slot) -> int:
    """The number of first stencils that one covered box can replace, by bisection: larger boxes are covered less."""
    enough, many = 1, 2
    while many <= len(slot) and _is_covered(masks, slot[:many]):
        enough, many = many, 2 * many
    many = min(many, len(slot) + 1)
    while many - enough > 1:
        middle = (enough + many) // 2
        enough, many = (middle, many) if _is_covered(masks, slot[:middle]) else (enough, middle)
    return enough


def _is_covered(masks: MasksByForm, stencils: Slot) -> bool:
    envelope = _envelope(stencils)
    if envelope is None:
        return False
    eroded = erosions(masks, envelope)
    places = cut_blocks(envelope, eroded)
    return not (places.allowed & ~covered_blocks(places, eroded, masks.count, 1)).any()


def _envelope(stencils: Sequence[Stencil]) -> Stencil | None:
    """The least box around boxes that may lie anywhere in one room; None for others, or if it does not fit there.

    >>> from maskcover import rectangles
    >>> from maskcover.grid import Grid
    >>> slot = rectangles(area=6).terms(Grid((6, 6)))[0].slots[0]
    >>> [stencil.extents for stencil in slot], _envelope(slot[1:3]).extents
    ([(1, 6), (2, 3), (3, 2), (6, 1)], (3, 3))
    """
    rooms = {_room(stencil) for stencil in stencils}
    room = rooms.pop()
    extents = tuple(max(sides) for sides in zip(*(stencil.extents for stencil in stencils), strict=True))
    if rooms or room is None or any(a > n for a, n in zip(extents, room.extents, strict=True)):
        return None
    places = (n - a + 1 for a, n in zip(extents, room.extents, strict=True))
    return Stencil(Cells([Box.at((0,) * len(extents), extents)]), Cells([Box.at(room.start, places)]))


def _room(stencil: Stencil) -> Box | None:
    """The box inside which a box may lie anywhere; None if there is no such box."""
    if not stencil.is_box or len(stencil.places.bounds) != 1:
        return None
    places = stencil.places.span
    return Box(places.start, tuple(stop + a - 1 for stop, a in zip(places.stop, stencil.extents, strict=True)))
