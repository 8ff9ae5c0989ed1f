"""The results of the demo, as values: covers, certified photos, an attack, times; and what the demo failed to show."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import numpy as np
import numpy.typing as npt

from maskcover.certification import CertificationResult
from maskcover.covering import CoverReport
from maskcover.defense import Answer, Verdict
from maskcover.masks import MaskSet
from maskcover_torch.demo.attack import PatchAttack
from maskcover_torch.demo.photos import Photo


@dataclass(frozen=True, slots=True, eq=False)
class CoverStep:
    """A cover, the report of `verify`, and how many seconds `verify` took."""

    attacker: str
    masks: MaskSet
    report: CoverReport
    seconds: float

    @property
    def largest_fraction(self) -> Fraction:
        """The fraction of the image that the largest mask hides."""
        return Fraction(self.masks.largest_hidden_area, self.masks.grid.size)


@dataclass(frozen=True, slots=True, eq=False)
class PhotoStep:
    """A photo, its certification (of this one image), and how many seconds it took.

    `failing_label` is the label under the failing pair of masks, None if no pair fails.
    """

    photo: Photo
    result: CertificationResult
    failing_label: int | None
    seconds: float

    @property
    def verdict(self) -> Verdict:
        """The verdict on the photo."""
        return self.result.verdicts[0]

    @property
    def certified_fraction(self) -> Fraction:
        """The fraction of the attacker's placements that are certified."""
        return self.result.certified_fraction(0)


@dataclass(frozen=True, slots=True, eq=False)
class AttackStep:
    """An attack on a certified photo, and the labels of the attacked photo by both networks."""

    target: PhotoStep
    attack: PatchAttack
    undefended: int
    defended: Answer
    seconds: float

    @property
    def changed(self) -> npt.NDArray[np.bool_]:
        """Which pixels differ from the clean photo, bool (height, width)."""
        return np.asarray((self.attack.pixels != self.target.photo.pixels).any(axis=2))

    @property
    def outside(self) -> int:
        """Pixels that differ although they lie outside the box of the attack: there must be none."""
        elsewhere = self.changed
        elsewhere[self.attack.box.slices] = False
        return int(elsewhere.sum())


@dataclass(frozen=True, slots=True)
class PriceRow:
    """A first round: the images certified with it, and the masked predictions that serving an image takes."""

    first_round: str
    certified: int
    at_least: int
    at_most: int


@dataclass(frozen=True, slots=True)
class ClothesStep:
    """The small network on images of clothes: how many there are, how many masks, each first round, and the report."""

    images: int
    masks: int
    prices: tuple[PriceRow, ...]
    page: Path

    @property
    def certified(self) -> int:
        """The images that are certified by the masks."""
        return self.prices[0].certified


@dataclass(frozen=True, slots=True)
class Part:
    """How long a part of the demo took: seconds on the clock, and of processor time over all threads."""

    name: str
    wall: float
    processor: float


@dataclass(slots=True, eq=False)
class DemoResult:
    """All results of the demo; filled step by step.

    `page` is the file that it writes; `attack` is None if no photo was certified, or none of those could be attacked.
    """

    page: Path
    seed: int
    covers: list[CoverStep] = field(default_factory=list)
    photos: list[PhotoStep] = field(default_factory=list)
    attack: AttackStep | None = None
    clothes: ClothesStep | None = None
    parts: list[Part] = field(default_factory=list)

    @property
    def certified(self) -> list[PhotoStep]:
        """The photos that were certified."""
        return [step for step in self.photos if step.verdict.certificate.certified]

    @property
    def shortfall(self) -> str | None:
        """What the demo failed to show, as a sentence; None if it showed everything."""
        return next(_shortfalls(self), None)


def _shortfalls(result: DemoResult) -> Iterator[str]:
    for step in result.covers:
        if not step.report:
            yield str(step.report)
    if not result.certified:
        yield f"none of the {len(result.photos)} photos was certified, so there is nothing to attack"
    elif result.attack is None:
        yield "the attack fooled the undefended network on no certified photo"
    else:
        yield from _attack_shortfalls(result.attack)
    if result.clothes is not None and 2 * result.clothes.certified <= result.clothes.images:
        yield f"only {result.clothes.certified} of {result.clothes.images} images of clothes were certified"


def _attack_shortfalls(step: AttackStep) -> Iterator[str]:
    photo = step.target.photo
    if step.outside:
        yield f"the attack changed {step.outside} pixels outside its box, which no certificate speaks of"
    if step.undefended == photo.label:
        yield "the undefended network was not fooled in a second call"
    if step.defended.label != photo.label:
        yield f"the defended label of {photo.name} was changed in spite of its certificate: please report this as a bug"
