"""Prediction tables of many images, made again from the evidence of their rows; exact, with gaps where none is kept.

A table is asked the same question as when the model was there. Three kinds of entries are filled:

- the predictions that are kept: label, margin, confidence;
- in a whole row, the one of a mask whose every prediction has the true label, all others: their label is known, and of
  their margin that it is at least the smallest of the row;
- nothing else: such entries are `UNSEEN`, and a decision that needs them stays `Pending`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from maskcover.cells import BoolArray, IntArray
from maskcover.classifiers.labels import UNDECIDED, UNSEEN
from maskcover.defense.table import PredictionTable
from maskcover.errors import InvalidInput
from maskcover.masks import MaskSet, Singles, Unions, Views
from maskcover.runs.columns import EVIDENCE
from maskcover.runs.evidence import NOT_WHOLE

FloatArray = npt.NDArray[np.float64]
_ENTRIES_AT_ONCE = 1 << 22


@dataclass(frozen=True, slots=True, eq=False)
class Ragged:
    """Lists of different lengths, one an image: `values` of all lists, and where each begins and ends in them."""

    values: npt.NDArray[Any]
    bounds: IntArray

    @classmethod
    def of(cls, column: Any) -> Ragged:
        """Those of an Arrow column of lists; null is an empty list."""
        array = column.combine_chunks()
        lengths = array.value_lengths().fill_null(0).to_numpy(zero_copy_only=False).astype(np.int64)
        return cls(array.flatten().to_numpy(zero_copy_only=False), np.concatenate([[0], np.cumsum(lengths)]))

    def part(self, begin: int, end: int) -> tuple[IntArray, npt.NDArray[Any]]:
        """For the lists from `begin` to before `end`: the number of its list for each value, from 0, and the values."""
        bounds = self.bounds[begin : end + 1]
        return np.repeat(np.arange(end - begin), np.diff(bounds)), self.values[bounds[0] : bounds[-1]]


@dataclass(frozen=True, slots=True, eq=False)
class UnionLists:
    """The predictions under unions that are kept of each image: numbers, labels, margins and confidences."""

    numbers: Ragged
    labels: Ragged
    margins: Ragged
    confidences: Ragged

    def fit(self, unions: int) -> bool:
        """Whether the four lists of each image have one length, and the numbers are those of unions."""
        bounds, values = self.numbers.bounds, self.numbers.values
        alike = all((lists.bounds == bounds).all() for lists in (self.labels, self.margins, self.confidences))
        return alike and (not len(values) or 0 <= int(values.min()) <= int(values.max()) < unions)


@dataclass(frozen=True, slots=True, eq=False)
class KeptTables:
    """The evidence of many images, as arrays.

    Args:
        views: The numbered predictions of the run.
        labels: The true labels, int64 (images,).
        has_evidence: Whether a row has evidence, bool (images,).
        one_mask: Labels, margins and confidences under single masks, and last with nothing hidden: three arrays
            (images, masks + 1); of images without evidence `UNSEEN`.
        row_margins: See `Evidence.row_margins`; float64 (images, masks).
        unions: The predictions under unions that are kept.
    """

    views: Unions | Singles
    labels: IntArray
    has_evidence: BoolArray
    one_mask: tuple[IntArray, FloatArray, FloatArray]
    row_margins: FloatArray
    unions: UnionLists

    @classmethod
    def of(cls, table: Any, views: Unions | Singles) -> KeptTables:
        """Those in the columns of rows, see `maskcover.runs.columns`.

        Raises:
            InvalidInput: the lists do not fit the masks.
        """
        masks = len(views.ids)
        lists = {name: Ragged.of(table.column(name)) for name in EVIDENCE}
        has_evidence = np.diff(lists["one_mask_labels"].bounds) > 0
        pairs = views.ids.ndim == 2
        widths = dict.fromkeys(("one_mask_labels", "one_mask_margins", "one_mask_confidences"), masks + 1)
        for name, width in (widths | {"row_margins": masks if pairs else 0}).items():
            if (np.diff(lists[name].bounds) != np.where(has_evidence, width, 0)).any():
                raise InvalidInput(f"the rows do not fit the masks of the run: {name} has another length than {width}")
        unions = UnionLists(*(lists[f"union_{name}"] for name in ("numbers", "labels", "margins", "confidences")))
        if not unions.fit(len(views) if pairs else 0):
            raise InvalidInput("the rows do not fit the masks of the run: union_numbers name unions that do not exist")
        one_mask = (
            _matrix(lists["one_mask_labels"], has_evidence, masks + 1, UNSEEN).astype(np.int64),
            _matrix(lists["one_mask_margins"], has_evidence, masks + 1, 0.0),
            _matrix(lists["one_mask_confidences"], has_evidence, masks + 1, 0.0),
        )
        row_margins = _matrix(lists["row_margins"], has_evidence & pairs, masks, NOT_WHOLE)
        true = np.asarray(table.column("label"), dtype=np.int64)
        return cls(views, true, has_evidence, one_mask, row_margins, unions)

    def __len__(self) -> int:
        return len(self.labels)

    def filled(self, masks: MaskSet, kind: Views, *, exact: bool = False) -> Iterator[Filled]:
        """The tables of all images for a procedure that asks for views of a kind, some at a time.

        Args:
            masks: The masks of the run.
            kind: The masked predictions that the procedure may ask for.
            exact: Leave out the predictions of whole rows whose margin and confidence are not kept.
        """
        step = max(1, _ENTRIES_AT_ONCE // (len(masks.views(kind)) + 1))
        for begin in range(0, len(self), step):
            yield self._filled(masks, kind, begin, min(begin + step, len(self)), exact=exact)

    def _filled(self, masks: MaskSet, kind: Views, begin: int, end: int, *, exact: bool) -> Filled:
        views = masks.views(kind)
        part, entries = slice(begin, end), len(views) + 1
        labels = np.full((end - begin, entries), UNSEEN, dtype=np.int64)
        margins, confidences = np.zeros(labels.shape), np.zeros(labels.shape)
        kept = np.zeros(labels.shape, dtype=np.bool_)
        pairs = views.ids.ndim == 2
        if pairs and not exact:
            bounds = largest_margins(self.row_margins[part], views)
            labels[:, :-1] = np.where(bounds > NOT_WHOLE, self.labels[part, None], UNSEEN)
            margins[:, :-1] = bounds
        singles = np.append(views.singles, entries - 1)
        for target, source in zip((labels, margins, confidences), self.one_mask, strict=True):
            target[:, singles] = source[part]
        kept[:, singles] = self.has_evidence[part, None]
        if pairs:
            image, number = self.unions.numbers.part(begin, end)
            labels[image, number] = self.unions.labels.part(begin, end)[1]
            margins[image, number] = self.unions.margins.part(begin, end)[1]
            confidences[image, number] = self.unions.confidences.part(begin, end)[1]
            kept[image, number] = True
        return Filled(masks, views, slice(begin, end), labels, margins, confidences, kept)


@dataclass(frozen=True, slots=True, eq=False)
class Filled:
    """Tables of some images: labels, margins and confidences of shape (images, predictions + 1).

    Args:
        masks: The masks.
        views: The numbered predictions.
        images: Which images these are.
        labels: `UNSEEN` where nothing is kept.
        margins: Exact where `kept`, elsewhere at most the true ones.
        confidences: Where `kept`; elsewhere 0.
        kept: Whether the entry was kept itself.
    """

    masks: MaskSet
    views: Unions | Singles
    images: slice
    labels: IntArray
    margins: FloatArray
    confidences: FloatArray
    kept: BoolArray

    def trusted(self, min_margin: float) -> IntArray:
        """The labels to certify from, as `PredictionTable.trusted` gives them; `UNSEEN` where the margin decides.

        A whole row whose smallest margin is too small has the entry with that margin among those kept, which is
        `UNDECIDED` here.
        """
        enough = (self.labels < 0) | (self.margins > min_margin)
        return np.where(enough, self.labels, np.where(self.kept, UNDECIDED, UNSEEN))

    def table(self, number: int, labels: IntArray | None = None) -> PredictionTable:
        """The table of one image; with other labels, such as those to be trusted, each of them has any margin."""
        table = PredictionTable(self.views, mask_set=self.masks)
        table.labels = self.labels[number] if labels is None else labels
        table.margins = self.margins[number] if labels is None else np.full(len(labels), np.inf)
        table.confidences = self.confidences[number]
        return table


def _matrix(lists: Ragged, present: BoolArray, width: int, missing: float) -> Any:
    """Lists of one length as a matrix, with rows of a value where there is none."""
    matrix = np.full((len(present), width), missing, dtype=lists.values.dtype)
    if present.any():
        matrix[present] = lists.values.reshape(-1, width)
    return matrix


def largest_margins(row_margins: FloatArray, views: Unions | Singles) -> FloatArray:
    """For each image and union the largest of the row margins of the rows that hold it, (images, views).

    A mask of a level is in no row, unless it is such a union.
    """
    masks = len(views.ids)
    first, second = np.triu_indices(masks)
    numbers = views.ids[first, second]
    order = np.argsort(numbers, kind="stable")
    starts = np.searchsorted(numbers[order], np.arange(numbers.max() + 1))
    pairs = np.maximum(row_margins[:, first[order]], row_margins[:, second[order]])
    largest = np.full((len(row_margins), len(views)), NOT_WHOLE)
    largest[:, : len(starts)] = np.maximum.reduceat(pairs, starts, axis=1)
    return largest
