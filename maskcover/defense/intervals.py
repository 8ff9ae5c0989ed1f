"""Interval certification: masks with a certain label cover the regions, so no attack changes the undefended label.

The classifier must be one with bounds. Under a mask it gives the *certain label*: the label that it gives the image
whatever the hidden pixels hold within the pixel interval, and no label (−1) where its bounds do not tell.

Interval theorem. Let G be the masks whose certain label is y. If every region lies inside a mask of G, the undefended
label is y on every image that an attack within the regions makes, and on the image itself.

Proof. Let x' differ from x only inside a region, and let g of G contain that region. Then x' has the pixels of x where
g hides nothing, and some content within the pixel interval where it hides; with other content x' is refused before it
is classified. A certain label is the label for all such content: the label of x' is y. ∎

So a mask set that covers needs one bound for each mask, where bounds of single placements need one for each placement:
36 instead of 37,249 for 32×32 squares on 224×224. Where the bound of a large mask does not tell, smaller masks further
on in the set are asked, down to single placements (`maskcover.placement_masks`), and only those that are needed.

Predictions need not repeat to the bit: a certain label says what every computation in float64 gives, whatever the order
of its sums, so it holds for the prediction that is served on whatever machine (maskcover_torch.intervals).

Source: interval bounds for patches, by Chiang et al. 2020; the certificate by covers is maskcover's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from maskcover.cells import BoolArray, IntArray
from maskcover.classifiers.labels import UNSEEN
from maskcover.covering.containment import Containment
from maskcover.defense.answers import Answer, Case, Defended
from maskcover.defense.certificates import Certificate, checked_label
from maskcover.defense.procedure import Procedure
from maskcover.defense.stages import Stage, single_stage
from maskcover.defense.table import NO_MASK, Pending, PredictionTable
from maskcover.masks import MaskSet


@dataclass(frozen=True)
class Intervals(Procedure):
    """Interval certification (Chiang et al. 2020): the undefended label, with a certificate by bounds under masks.

    It is for small networks whose masked predictions are bounds, as those of `maskcover_torch.intervals` are; other
    classifiers are refused. The certificate is about attacks within the pixel interval of the classifier, which refuses
    images with other pixels. See `maskcover.defense.intervals` for the theorem.

    >>> str(Intervals())
    'intervals()'
    """

    name: ClassVar[str] = "intervals"
    needs_bits: ClassVar[bool] = False
    needs_bounds: ClassVar[bool] = True

    @property
    def words(self) -> str:
        """The defence in words."""
        return "interval certification"

    def first_views(self, table: PredictionTable) -> Pending | None:
        """The prediction with nothing hidden: an image that is wrong already needs no bound."""
        return Pending(_pairs([NO_MASK])) if table.undefended == UNSEEN else None

    def stages(self, masks: MaskSet) -> tuple[Stage, ...]:  # noqa: ARG002  # it is that of the base
        """Nothing hidden: bounds are for certificates."""
        return single_stage("nothing hidden", 1)

    def answer(self, table: PredictionTable) -> Answer | Pending:
        """The undefended label."""
        return self.first_views(table) or Defended(table.undefended, Case.UNDEFENDED)

    def certificate(
        self, table: PredictionTable, label: int, covers: Containment, min_margin: float
    ) -> Certificate | Pending:
        """See `interval_certificate`."""
        if look := self.first_views(table):
            return look
        return interval_certificate(table.undefended, table.trusted(min_margin)[table.views.singles], label, covers)


def interval_certificate(undefended: int, one_mask: IntArray, label: int, covers: Containment) -> Certificate | Pending:
    """The certificate by certain labels: certified exactly when the masks whose certain label is y cover the regions.

    Args:
        undefended: The label of the image with nothing hidden.
        one_mask: The certain label under each mask, int64 (masks,); `UNDECIDED` where there is none, `UNSEEN` where
            nobody has asked.
        label: The true label y.
        covers: The masks and the regions.

    Returns:
        The certificate, `certifying` being the masks with the label that were seen; or the masks to ask next: for each
        set of masks that contain some region the first that was not asked, until one of them has the label. If there
        are too many such sets to list, all masks.
    """
    certain, unseen = one_mask == checked_label(label), one_mask == UNSEEN
    if undefended != label:
        return _certificate(certified=False, certain=certain, unseen=unseen)
    if covers.signatures is None:
        open_masks = np.flatnonzero(unseen).tolist() if covers(certain | unseen) else []
        certified = not open_masks and bool(certain.any()) and covers(certain)
    else:
        open_masks, certified = _next_masks(covers.signatures, certain, unseen)
    if open_masks:
        return Pending(_pairs(open_masks))
    return _certificate(certified=certified, certain=certain, unseen=unseen)


def _next_masks(signatures: tuple[int, ...], certain: BoolArray, unseen: BoolArray) -> tuple[list[int], bool]:
    """The masks to ask next, none if all is decided; and whether each region lies inside a mask with the label.

    Each signature is the set of the masks that contain some region, bit i for mask i.
    """
    right, unknown = _bits(certain), _bits(unseen)
    without = [signature for signature in signatures if not signature & right]
    if not all(signature & unknown for signature in without):
        return [], False
    lowest = {(signature & unknown & -(signature & unknown)).bit_length() - 1 for signature in without}
    # Without any region nothing was compared, and nothing is claimed.
    return sorted(lowest), bool(signatures) and not without


def _bits(selected: BoolArray) -> int:
    return int.from_bytes(np.packbits(selected, bitorder="little").tobytes(), "little")


def _pairs(masks: list[int]) -> IntArray:
    """Pairs of mask numbers that hide one mask each, int64 (masks, 2)."""
    return np.repeat(np.array(masks, dtype=np.int64), 2).reshape(-1, 2)


def _certificate(*, certified: bool, certain: BoolArray, unseen: BoolArray) -> Certificate:
    wrong = np.flatnonzero(~certain & ~unseen).tolist()
    failing = (wrong[0], wrong[0]) if wrong else None
    return Certificate(certified, tuple(np.flatnonzero(certain).tolist()), failing, complete=not unseen.any())
