"""`Facts`: everything that a report says, as texts and numbers; the pages only lay it out.

Every text is on one line and printable (`maskcover.terminal.printable`), but not escaped for any format: each page
escapes it for itself.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field, fields
from typing import Any

import numpy as np
import numpy.typing as npt

Entries = tuple[tuple[str, str], ...]
"""Pairs of a name and a text, in order."""
_PICTURES = ("picture", "exposure")  # fields of `ImageFacts` that no JSON document holds


@dataclass(frozen=True, slots=True)
class Rate:
    """A number of images among all, with the exact 95 % interval of their fraction.

    Args:
        count: The images that count.
        total: All images.
        low, high: The interval; None where there is none, since the images are no random sample.

    >>> rate = Rate(2, 3, 0.0943, 0.9916)
    >>> rate.percent, rate.interval
    ('66.6 %', '9.4 % to 99.2 %')
    """

    count: int
    total: int
    low: float | None = None
    high: float | None = None

    @property
    def fraction(self) -> float:
        """The fraction of all images; 0 of none."""
        return self.count / self.total if self.total else 0.0

    @property
    def percent(self) -> str:
        """The fraction in per cent, rounded down, so that only all images are 100 %."""
        return f"{(1000 * self.count // self.total if self.total else 0) / 10:.1f} %"

    @property
    def interval(self) -> str:
        """The interval in per cent, rounded outwards; empty where there is none."""
        if self.low is None or self.high is None:
            return ""
        return f"{percent_down(self.low)} to {percent_up(self.high)}"


@dataclass(frozen=True, slots=True)
class ClassFacts:
    """The images of one true class: right without and with the defence, and certified."""

    name: str
    undefended: Rate
    defended: Rate
    certified: Rate


@dataclass(frozen=True, slots=True)
class CurveFacts:
    """The fraction of images that is certified for each size of a family of regions.

    Args:
        title: The family in words, such as "any one square".
        unit: The size in words, such as "side in pixels".
        sizes: The sizes at which the fraction changes, in order.
        low, high: The least and the largest fraction certified from each size up to the next one; equal where the rows
            tell exactly.
        limit: The largest size for which images can be certified with the masks.
        marks: Sizes with the fraction certified, for a small table.
    """

    title: str
    unit: str
    sizes: tuple[int, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    limit: int
    marks: tuple[tuple[int, Rate], ...] = ()

    @property
    def exact(self) -> bool:
        """Whether the rows tell the size of each image."""
        return self.low == self.high


@dataclass(frozen=True, slots=True)
class ImageFacts:
    """One image of the run, chosen by the rule of the report.

    Args:
        place: Where it stands in the order of the rule: "worst", "median" or "best", or "3 of 6" if all are shown.
        id: The name of the image.
        label, undefended, defended: The true label, and the labels without and with the defence, in words.
        certified: Whether it is certified.
        certified_fraction: The fraction of placements that is certified, in words.
        failing: The masks under which it does not get its label, in words; empty for none.
        note: Why no image, or no map, is shown, or what is to be known of it; else empty.
        sides: (height, width) of the model's input.
        hidden: Boxes (top, left, height, width) of the failing masks.
        picture: The image, uint8 (height, width) or (height, width, 3); None if it is not shown.
        exposure: For each pixel the fraction of the placements touching it that is not certified, float (height,
            width); None if there is no map.
    """

    place: str
    id: str
    label: str
    undefended: str
    defended: str
    certified: bool
    certified_fraction: str
    failing: str
    note: str
    sides: tuple[int, int]
    hidden: tuple[tuple[int, int, int, int], ...] = ()
    picture: npt.NDArray[np.uint8] | None = field(default=None, compare=False, repr=False)
    exposure: npt.NDArray[np.float64] | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class FingerprintFacts:
    """The fingerprint of one part of the run, with the digest that seals the part.

    Args:
        part: The folder of the part; empty for a run of one part.
        fingerprint: The digest of the fingerprint.
        claim: The digest of the sealed configuration of the run; None for runs of an early version.
        masks: The digest of the masks.
        entries: The entries of the fingerprint.
    """

    part: str
    fingerprint: str
    claim: str | None
    masks: str
    entries: Entries


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything that a report about a run says.

    Args:
        run: The name of the run's folder.
        claim: The claim, a sentence.
        outcome: How many images it holds for, a sentence.
        setting: What was certified: model, data, regions, masks, defence; names and texts.
        rates: Right without the defence, right with it, and certified; names and rates.
        remarks: Remarks on the counts: missing rows, errors, intervals.
        errors: Ids of images that could not be evaluated, with the reason; the first of them only.
        error_count: Number of such images.
        rests: What the claim rests on, sentences.
        limits: What it does not say, sentences.
        curves: The certified-size curves.
        curve_notes: Why a curve is missing, or not exact.
        classes: The classes, by name.
        classes_note: What the table of classes leaves out; else empty.
        images: The images that are shown.
        image_rule: The rule that chose them; empty if none are shown.
        versions: Names and versions of the software.
        commands: Commands that check the run again.
        fingerprints: One for each part of the run.
        truth: The word for what is true of an image: "label", or "answer" for a run of answers.
    """

    run: str
    claim: str
    outcome: str
    setting: Entries
    rates: tuple[tuple[str, Rate], ...]
    remarks: tuple[str, ...]
    errors: Entries
    error_count: int
    rests: tuple[str, ...]
    limits: tuple[str, ...]
    curves: tuple[CurveFacts, ...]
    curve_notes: tuple[str, ...]
    classes: tuple[ClassFacts, ...]
    classes_note: str
    images: tuple[ImageFacts, ...]
    image_rule: str
    versions: Entries
    commands: tuple[str, ...]
    fingerprints: tuple[FingerprintFacts, ...] = field(default=())
    truth: str = "label"

    @property
    def group(self) -> str:
        """The word for images of one true label: "class", or "answer" for a run of answers."""
        return "class" if self.truth == "label" else self.truth

    def document(self) -> dict[str, Any]:
        """The facts as a JSON document, without the images themselves."""
        document = {item.name: getattr(self, item.name) for item in fields(self)}
        document["images"] = [_without_pictures(image) for image in self.images]
        document["rates"] = {name: _rate(rate) for name, rate in self.rates}
        document["classes"] = [
            {"name": row.name, **{name: _rate(getattr(row, name)) for name in ("undefended", "defended", "certified")}}
            for row in self.classes
        ]
        document["curves"] = [_curve(curve) for curve in self.curves]
        document["fingerprints"] = [asdict(part) | {"entries": dict(part.entries)} for part in self.fingerprints]
        for name in ("setting", "versions"):
            document[name] = dict(document[name])
        document["errors"] = [{"id": name, "reason": reason} for name, reason in self.errors]
        return document


def percent_down(fraction: float) -> str:
    """A fraction in per cent with one decimal, rounded down.

    >>> percent_down(0.9999), percent_up(0.0001)
    ('99.9 %', '0.1 %')
    """
    return f"{math.floor(1000 * fraction) / 10:.1f} %"


def percent_up(fraction: float) -> str:
    """A fraction in per cent with one decimal, rounded up."""
    return f"{math.ceil(1000 * fraction) / 10:.1f} %"


def _rate(rate: Rate) -> dict[str, Any]:
    return {"count": rate.count, "total": rate.total, "share": rate.fraction, "low": rate.low, "high": rate.high}


def _curve(curve: CurveFacts) -> dict[str, Any]:
    marks = [{"size": size, **_rate(rate)} for size, rate in curve.marks]
    return asdict(curve) | {"exact": curve.exact, "marks": marks}


def _without_pictures(image: ImageFacts) -> dict[str, Any]:
    document = {item.name: getattr(image, item.name) for item in fields(image) if item.name not in _PICTURES}
    return document | {"shown": image.picture is not None}
