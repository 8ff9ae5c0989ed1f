"""Certificates as theorems: a file that Coq accepts, by computation, only if the masks cover (proofs/theories).

The file holds the certificate as a term and the theorem that its masks cover its claim. Families that the theorems do
not speak of are refused by `InvalidInput`.
"""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from os import PathLike

from maskcover.amounts import Amount
from maskcover.canonical import write_atomically
from maskcover.cells import Cells
from maskcover.certificate.certificate import CoverCertificate
from maskcover.certificate.tiling import TermEvidence, TiledStencil
from maskcover.errors import InvalidInput
from maskcover.grid import Box, Grid
from maskcover.regions import RegionSet, parse_regions
from maskcover.regions.area import Area, BitmapArea, BoxArea
from maskcover.regions.areas import Avoiding, Within
from maskcover.regions.bitmaps import Bitmap
from maskcover.regions.boxes import Rectangle, Rectangles, Squares
from maskcover.regions.combined import MixedPatches, Patches, Union

_MOST_PIXELS = 1 << 27  # as the extracted program has it: more may take for ever
_TEXT = """From Maskcover Require Import Checker.
Open Scope Z_scope.

(** {count} masks cover {regions} on {grid}. *)
Definition cover : certificate := {{|
  image := {image};
  masks := {masks};
  claimed := {claim};
  terms := {terms}
|}}.

Theorem cover_holds : covers (masks cover) (regions (image cover) (claimed cover)).
Proof. by_check. Qed.
"""


def coq_text(certificate: CoverCertificate) -> str:
    """The text of a .v file that Coq accepts if the certificate is true.

    Raises:
        InvalidInput: the claim is of a family that the theorems do not speak of.

    >>> from maskcover import cover, squares
    >>> from maskcover.certificate import prove
    >>> text = coq_text(prove(cover(squares(size=2), 3, grid=(2, 2))))
    >>> print(text.partition("claimed")[2].splitlines()[0])
     := (Squares 2);
    """
    grid = certificate.masks.grid
    if grid.size > _MOST_PIXELS:
        raise InvalidInput(f"proofs are for images of at most {_MOST_PIXELS:,} pixels; this one has {grid.size:,}")
    return _TEXT.format(
        count=len(certificate.masks),
        regions=certificate.regions,
        grid=" x ".join(map(str, grid.shape)),
        image=_list(map(str, grid.shape)),
        masks=_lines(map(_boxes, certificate.masks.masks)),
        claim=_claim(parse_regions(certificate.regions), grid),
        terms=_lines(map(_term, certificate.terms)),
    )


def write_coq(path: str | PathLike[str], certificate: CoverCertificate) -> None:
    """Write the text of `coq_text`; an existing file is replaced at once or not at all."""
    write_atomically(path, coq_text(certificate).encode())


def _claim(regions: RegionSet, grid: Grid) -> str:
    """A region set as a claim of Certificate.v."""
    match regions:
        case Squares(size=None, area=area) if area is not None:
            return f"(SquaresOf {_amount(area)})"
        case Squares(size=size):
            return f"(Squares {size})"
        case Rectangle(height=height, width=width):
            return f"(Rectangle {_list([str(height), str(width)])})"
        case Rectangles(area=area, min_side=least, max_aspect=aspect):
            return f"(Rectangles {_amount(area)} {least} {_aspect(aspect)})"
        case Bitmap(cells=cells):
            return f"(Bitmap {_boxes(cells)})"
        case Union(members=members):
            return f"(union {_first_and_more(members, grid)})"
        case MixedPatches(members=members):
            return f"(patches_of {_first_and_more(members, grid)})"
        case Patches(base=base, k=k):
            return f"(copies {_claim(base, grid)} {k})"
        case Within(base=base, area=area, touching=False):
            return f"(Within {_claim(base, grid)} {_area(area, grid)})"
        case Avoiding(base=base, area=area):
            return f"(Avoiding {_claim(base, grid)} {_area(area, grid)})"
    raise InvalidInput(
        f"no theorem speaks of {regions!s:.80}; expected squares, rectangle, rectangles, bitmap, union, patches, and "
        "within or avoiding a box or a bitmap"
    )


def _first_and_more(members: tuple[RegionSet, ...], grid: Grid) -> str:
    first, *more = (_claim(member, grid) for member in members)
    return f"{first} {_list(more)}"


def _area(area: Area, grid: Grid) -> str:
    if not isinstance(area, BoxArea | BitmapArea):
        raise InvalidInput(f"no theorem speaks of the area {area!s:.80}; expected a box or a bitmap")
    return _boxes(area.generous(grid))


def _amount(amount: Amount) -> str:
    if isinstance(amount, int):
        return f"(Count {amount})"
    return f"(Share {amount.numerator} {amount.denominator})"


def _aspect(aspect: Fraction | None) -> str:
    return "None" if aspect is None else f"(Some ({aspect.numerator}, {aspect.denominator}))"


def _term(term: TermEvidence) -> str:
    slots = _lines(_list(map(_stencil, slot)) for slot in term.slots)
    return f"Evidence {_numbers(term.patches)} {slots} {_signatures(term.signatures)}"


def _signatures(signatures: tuple[tuple[int, ...], ...] | None) -> str:
    return "None" if signatures is None else f"(Some {_list(map(_numbers, signatures))})"


def _stencil(tiled: TiledStencil) -> str:
    tiles = _list(f"({_box(box)}, {number}%N)" for box, number in tiled.tiles)
    return f"Tiled {_boxes(tiled.stencil.cells)} {_boxes(tiled.stencil.places)}\n    {tiles}"


def _numbers(numbers: Iterable[int]) -> str:
    return _list(f"{number}%N" for number in numbers)


def _boxes(cells: Cells) -> str:
    return _list(map(_box, cells.boxes))


def _box(box: Box) -> str:
    return _list(f"({start}, {stop})" for start, stop in zip(box.start, box.stop, strict=True))


def _list(items: Iterable[str]) -> str:
    return f"[{'; '.join(items)}]"


def _lines(items: Iterable[str]) -> str:
    """A list with one item a line."""
    return "[\n    " + ";\n    ".join(items) + "]"
