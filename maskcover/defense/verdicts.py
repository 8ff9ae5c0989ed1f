"""The verdict on one image: its labels, its certificate, and the margin behind it."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Literal

import numpy as np

from maskcover.cells import BoolArray, IntArray
from maskcover.defense.answers import Answer, counted_label, includes
from maskcover.defense.certificates import Certificate
from maskcover.defense.table import PredictionTable
from maskcover.errors import MaskcoverWarning


@dataclass(frozen=True, slots=True)
class Verdict:
    """The result of a certification for one image.

    Args:
        label: The true label.
        undefended: The label of the bare classifier, −1 for non-finite or tied scores.
        defended: The answer of the defence to the clean image.
        certificate: The certificate about `label`.
        margin: The smallest margin (see `maskcover.classifiers.margins`) among the predictions behind the certificate,
            which are those of the rows of its certifying masks (for detection, under these masks alone) and those
            under masks of levels with the label; 0 if there are none. With a larger ``min_margin`` the certificate
            would be lost.
        evaluations: Number of masked predictions for this image.
        error: The reason why the image can have no certificate: non-finite scores (threats.md, 26); else None.
        fraction: The fraction of the placements that is certified, of a defence that works it out itself
            (`Procedure.certified_map`) and does not certify the image; else None.
    """

    label: int
    undefended: int
    defended: Answer
    certificate: Certificate
    margin: float
    evaluations: int
    error: str | None = None
    fraction: Fraction | None = None

    @property
    def lead(self) -> float:
        """The name of `margin` up to version 0.1."""
        warnings.warn("Verdict.lead is now Verdict.margin", MaskcoverWarning, stacklevel=2)
        return self.margin

    @property
    def answer(self) -> int:
        """The label that the defence gives the clean image; −1 for no label, or for an alert.

        Of several first labels it is the true one if that is among them, else the first; see `counted_label`.
        """
        return counted_label(self.defended, self.label)

    @property
    def right(self) -> bool:
        """Whether the clean image gets its true label, or has it among its labels; never after an error."""
        return self.error is None and includes(self.defended, self.label)

    @property
    def name(self) -> Literal["certified", "not_certified", "error"]:
        """The verdict in one word."""
        if self.error is not None:
            return "error"
        return "certified" if self.certificate.certified else "not_certified"


def verdict(
    table: PredictionTable, label: int, certificate: Certificate, defended: Answer, fraction: Fraction | None = None
) -> Verdict:
    """The verdict of a table; there is no certificate if any scores in it are non-finite."""
    certifying = list(certificate.certifying)
    # A row of unions for each mask; where only single masks were asked for, its own prediction.
    entries = table.views.ids[certifying]
    if certifying and certificate.coarser:
        coarser = np.array(certificate.coarser, dtype=np.int64)
        entries = np.append(entries, table.views.numbers(coarser, coarser))
    margin = float(table.margins[entries].min()) if entries.size else 0.0
    broken = table.broken
    error = f"non-finite scores under {len(broken)} views, first with the masks {broken[0]}" if broken else None
    by_masks = None if certificate.by_masks is None else certificate.by_masks and error is None
    final = replace(certificate, certified=certificate.certified and error is None, by_masks=by_masks)
    return Verdict(label, table.undefended, defended, final, margin, table.evaluations, error, fraction)


class VerdictArrays:
    """Mixin: arrays over images, derived from `verdicts`."""

    verdicts: tuple[Verdict, ...]

    @property
    def certified(self) -> BoolArray:
        """Whether no attack within the regions changes the defended label, which is the true one; bool (n,)."""
        return np.array([verdict.certificate.certified for verdict in self.verdicts], dtype=np.bool_)

    @property
    def certified_by_masks(self) -> BoolArray:
        """Whether an image would be certified without levels (`first_rounds`), bool (n,); without any, `certified`.

        What this loses over `certified` is the price of the levels in certified images.
        """
        by_masks = [verdict.certificate.by_masks for verdict in self.verdicts]
        own = self.certified
        return np.array([mine if alone is None else alone for mine, alone in zip(own, by_masks, strict=True)], np.bool_)

    @property
    def defended(self) -> IntArray:
        """Labels by the defence on the clean images, int64 (n,); −1 where there is none, or an alert.

        Where an answer has several first labels, the true one if it is among them, else the first.
        """
        return np.array([verdict.answer for verdict in self.verdicts], dtype=np.int64)

    @property
    def alerts(self) -> BoolArray:
        """Whether the defence raises an alert on the clean image, bool (n,); `defended` is −1 there."""
        return np.array([verdict.defended.alert for verdict in self.verdicts], dtype=np.bool_)

    @property
    def undefended(self) -> IntArray:
        """Labels of the bare classifier, int64 (n,); −1 where there is none."""
        return np.array([verdict.undefended for verdict in self.verdicts], dtype=np.int64)

    @property
    def labels(self) -> IntArray:
        """The true labels, int64 (n,)."""
        return np.array([verdict.label for verdict in self.verdicts], dtype=np.int64)
