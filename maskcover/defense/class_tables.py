"""One binary prediction table for each class of an image with several labels, and the certificates made of them.

A classifier with several labels scores each class by itself, and a class is present where its score reaches its
threshold. So one masked prediction answers for all classes, and each class has a table of its own: present (1) or
absent (0) under each union of two masks. Double masking and challenger masking then run class by class.

Theorem (docs/theory/several-labels.md). For a class c with the truth y (1 or 0) let G be the masks whose whole row in
the table of c is y. If some mask of G contains the region that an attack overwrites, the answer for c is y on the
attacked image. So if an attack overwrites the region r, only classes of V(r) can be answered wrongly: those of which no
certifying mask contains r. All classes are attacked through the same region, so that an image loses at most the classes
of one V(r), not all that some region threatens.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from maskcover.cells import BoolArray, IntArray
from maskcover.classifiers.labels import UNDECIDED, UNSEEN
from maskcover.covering.containment import Containment
from maskcover.defense.table import Pending, PredictionTable
from maskcover.errors import InvalidInput

FloatArray = npt.NDArray[np.float64]
_MOST_SETS = 2048
"""Sets of classes up to this number are compared with each other, so that only the largest are kept."""


@dataclass(frozen=True, slots=True, eq=False)
class ClassCertificates:
    """The certificates of all classes of one image.

    Args:
        certified: Whether no attack within the regions changes the answer for a class from the truth, bool (classes,).
        certifying: Which masks have a row that is the truth throughout, bool (masks, classes): no attack inside one of
            them changes the answer for the class.
        threatened: Sets of classes that can be answered wrongly together, bool (sets, classes): whatever region an
            attack overwrites, all its wrong answers lie in one of these sets. One empty set if all are certified.
    """

    certified: BoolArray
    certifying: BoolArray
    threatened: BoolArray


def class_labels(table: PredictionTable, thresholds: FloatArray) -> IntArray:
    """The labels of all classes in a table that holds their scores, int64 (entries, classes).

    1 where the score reaches the threshold of the class, else 0; `UNSEEN` where nothing was evaluated, and `UNDECIDED`
    where the scores were not finite.

    Args:
        table: A table with the observation `maskcover.classifiers.observations.ClassScores`, and some prediction in it.
        thresholds: float64 (classes,), or (1,) for all.

    Raises:
        InvalidInput: the table has no scores, or there are other classes than thresholds.
    """
    if table.observed is None:
        raise InvalidInput("several labels need the scores of all classes, which were not observed")
    classes = table.observed.shape[1]
    if len(thresholds) not in (1, classes):
        raise InvalidInput(f"expected one threshold, or one for each of {classes} classes; got {len(thresholds)}")
    labels = (table.observed >= thresholds).astype(np.int64)
    labels[np.isnan(table.confidences)] = UNDECIDED
    labels[table.labels == UNSEEN] = UNSEEN
    return labels


def class_table(table: PredictionTable, labels: IntArray) -> PredictionTable:
    """The table of one class: the same views with its labels, int64 (entries,)."""
    own = PredictionTable(table.views, 2, table.mask_set)
    own.labels[:] = labels
    return own


def different_classes(*arrays: IntArray | BoolArray) -> tuple[IntArray, IntArray]:
    """The first of each group of classes whose columns are equal in all arrays, and for each class its group.

    Most classes are absent from an image under all masks: what is decided of one holds for all of them.

    >>> firsts, groups = different_classes(np.array([[0, 1, 0, 1], [0, 1, 0, 0]]))
    >>> firsts.tolist(), groups.tolist()
    ([0, 3, 1], [0, 2, 0, 1])
    """
    columns = np.concatenate([np.asarray(array, dtype=np.int64) for array in arrays])
    _, firsts, groups = np.unique(columns, axis=1, return_index=True, return_inverse=True)
    return firsts.astype(np.int64), groups.astype(np.int64).ravel()


def class_certificates(
    table: PredictionTable, truth: BoolArray, thresholds: FloatArray, covers: Containment
) -> ClassCertificates | Pending:
    """The certificates of all classes by the row theorem, or the predictions that are missing for them.

    Args:
        table: The predictions of the clean image; it has those with nothing hidden and under every single mask.
        truth: Whether each class is present in truth, bool (classes,).
        thresholds: As for `class_labels`.
        covers: The masks and the regions.

    Every row of classes that are not certified is decided, so that `threatened` is as small as it can be.
    """
    labels = class_labels(table, thresholds)
    if truth.shape != labels.shape[1:]:
        raise InvalidInput(f"expected the truth of {labels.shape[1]} classes; got {truth.shape}")
    firsts, groups = different_classes(labels, truth[None])
    matrix = labels[:, firsts][table.views.ids]
    seen = table.labels[table.views.ids] != UNSEEN
    right = matrix == truth[firsts].astype(np.int64)
    hopeful, certifying = (right | ~seen[..., None]).all(axis=1), right.all(axis=1)
    certified = np.array([bool(rows.any()) and covers(rows) for rows in certifying.T], dtype=np.bool_)
    undecided = ~certified & (hopeful & ~certifying).any(axis=0)
    if undecided.any():
        return _missing(seen, (hopeful & ~certifying)[:, undecided].any(axis=1))
    return ClassCertificates(
        certified[groups], certifying[:, groups], threatened_sets(certifying, certified, covers)[:, groups]
    )


def certificates_of(certifying: BoolArray, covers: Containment) -> ClassCertificates:
    """The certificates that certifying masks alone give, as `class_certificates` makes them; also for other regions.

    Args:
        certifying: The certifying masks of each class, bool (masks, classes); leaving one out only weakens the result.
        covers: The masks and the regions.
    """
    firsts, groups = different_classes(certifying)
    rows = certifying[:, firsts]
    certified = np.array([bool(column.any()) and covers(column) for column in rows.T], dtype=np.bool_)
    return ClassCertificates(certified[groups], certifying, threatened_sets(rows, certified, covers)[:, groups])


def threatened_sets(certifying: BoolArray, certified: BoolArray, covers: Containment) -> BoolArray:
    """The largest sets of classes that one region threatens, bool (sets, classes).

    A region threatens a class if no certifying mask of the class contains it. Where the sets of masks that contain a
    region are too many to list, all classes without a certificate count as one set.

    Args:
        certifying: The certifying masks of each class, bool (masks, classes).
        certified: Whether those of a class cover the regions, bool (classes,).
        covers: The masks and the regions.
    """
    containing = covers.containing
    if containing is None:
        return ~certified[None]
    if not len(containing):
        return np.ones((1, len(certified)), dtype=np.bool_)  # without any region nothing was compared
    inside = containing.astype(np.int64) @ certifying.astype(np.int64)
    return largest_sets(inside == 0)


def largest_sets(sets: BoolArray) -> BoolArray:
    """The sets that lie in no other one, each once, bool (sets, classes); all, if there are very many.

    >>> largest_sets(np.array([[1, 1, 0], [1, 0, 0], [0, 0, 1], [1, 1, 0]], dtype=bool)).astype(int).tolist()
    [[1, 1, 0], [0, 0, 1]]
    """
    different = np.unique(sets, axis=0)
    if len(different) > _MOST_SETS:
        return np.asarray(different)
    kept = list[BoolArray]()
    for row in different[np.argsort(-different.sum(axis=1), kind="stable")]:
        if not any((row <= larger).all() for larger in kept):
            kept.append(row)
    return np.stack(kept)


def merged(pendings: Sequence[Pending]) -> Pending:
    """All predictions that several decisions wait for, each pair once, in their order."""
    pairs = np.concatenate([pending.pairs for pending in pendings])
    _, first = np.unique(pairs, axis=0, return_index=True)
    # A round that ends at the first difference goes on while some class needs it.
    return Pending(pairs[np.sort(first)], until_labels_differ=all(pending.until_labels_differ for pending in pendings))


def _missing(seen: BoolArray, rows: BoolArray) -> Pending:
    """The missing predictions of some rows: half as many as there are, the others later."""
    pairs = np.argwhere(~seen & rows[:, None])
    size = max(len(seen), int(seen.sum()) // 4)
    return Pending(pairs[:size], later=pairs[size:])
