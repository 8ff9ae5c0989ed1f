"""`prove` and what it returns: a mask set, its claim, and the evidence that a file carries along."""

from __future__ import annotations

from dataclasses import dataclass
from os import PathLike

from maskcover.certificate.document import Content, content_of, read_certificate, write_certificate
from maskcover.certificate.tiling import TermEvidence, TiledStencil, evidence
from maskcover.covering import verify
from maskcover.errors import InvalidInput, NotCovering
from maskcover.masks import MaskSet
from maskcover.regions import RegionSet, parse_regions

SUFFIX = ".cover.json"


@dataclass(frozen=True)
class CoverCertificate:
    """Masks, the region set that they cover, and evidence that anyone can check without maskcover.

    Args:
        masks: The mask set; it claims `regions`.
        regions: The text of the region set.
        terms: For each term of the region set its stencils, their places cut into tiles, and the masks that hold them.

    A certificate that was loaded has the right form, no more: `maskcover verify FILE`, or ``python check.py FILE``
    with `maskcover/certificate/check.py` alone, decides whether it is true.

    >>> from maskcover import cover, prove, squares
    >>> certificate = prove(cover(squares(size=2), image_size=8, grid=(2, 2)))
    >>> certificate.regions, len(certificate.masks)
    ('squares(size=2)', 4)
    """

    masks: MaskSet
    regions: str
    terms: tuple[TermEvidence, ...]

    @property
    def tiles(self) -> int:
        """Number of tiles, the size of the evidence."""
        return sum(len(stencil.tiles) for stencil in self.stencils)

    @property
    def stencils(self) -> tuple[TiledStencil, ...]:
        """All stencils of all terms, with their tiles."""
        return tuple(stencil for term in self.terms for slot in term.slots for stencil in slot)

    def save(self, path: str | PathLike[str]) -> None:
        """Write a file, atomically; its name should end in ``.cover.json``, by which claims are found."""
        if not str(path).endswith(SUFFIX):
            raise InvalidInput(
                f"certificates are found by their names: expected one ending in {SUFFIX}, such as masks{SUFFIX}; "
                f"got {path}"
            )
        write_certificate(path, (self.masks.grid, self.masks.masks, self.regions, self.terms))

    @classmethod
    def load(cls, path: str | PathLike[str]) -> CoverCertificate:
        """Read a file of `save`; `MaskFileError` names the field that is wrong. The evidence is not judged here."""
        return cls._of(read_certificate(path))

    @classmethod
    def from_bytes(cls, content: bytes, name: str) -> CoverCertificate:
        """Read a certificate from the bytes of a file; errors call it by this name."""
        return cls._of(content_of(content, name))

    @classmethod
    def _of(cls, content: Content) -> CoverCertificate:
        grid, masks, regions, terms = content
        return cls(MaskSet(grid, masks, regions), regions, terms)

    def __str__(self) -> str:
        return f"{len(self.masks)} masks cover {self.regions} on {self.masks.grid}, shown by {self.tiles:,} tiles"


def prove(masks: MaskSet, regions: RegionSet | str | None = None) -> CoverCertificate:
    """Verify that masks cover, and write down why, for a file that can be checked without trusting maskcover.

    Args:
        masks: The mask set.
        regions: The region set or its text; by default the set that the masks claim to cover.

    Raises:
        NotCovering: the masks miss a region; the message names it.
        InvalidInput: no region set is named or claimed, or one of its shapes has no place on the image.

    >>> from maskcover import cover, squares
    >>> print(prove(cover(squares(size=32))))
    36 masks cover squares(size=32) on 224×224, shown by 36 tiles
    """
    report = verify(masks, regions)
    if not report:
        raise NotCovering(f"no certificate for masks that do not cover: {report}")
    text = str(report.regions)
    if parse_regions(text) != report.regions:
        raise InvalidInput(f"a certificate holds the text of its regions, but {text:.80} reads back as another set")
    claimed = MaskSet(masks.grid, masks.masks, text)
    terms = report.regions.terms(masks.grid)
    return CoverCertificate(claimed, text, tuple(evidence(claimed, term) for term in terms))
