"""The remark of `maskcover certify` on a model that is right no more often than a guess."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from maskcover.runs import Summary

_FEWEST = 10  # images: of fewer a good model may be wrong as often


def remark_on_guesses(labels: npt.NDArray[np.int64], undefended: npt.NDArray[np.int64]) -> str | None:
    """The remark, or None if the model is right more often than a guess that always names one class.

    The cause is often that classes are in another order than the model's, or that images are scaled otherwise.

    Args:
        labels: True labels (images,).
        undefended: Labels of the model without the defence (images,).

    >>> remark_on_guesses(np.arange(12) % 3, np.zeros(12, np.int64))[:53]
    'the model is right for 4 of 12 images without defence'
    >>> remark_on_guesses(np.arange(12) % 3, np.arange(12) % 3)
    """
    _, counts = np.unique(labels, return_counts=True)
    right = int((labels == undefended).sum())
    if len(labels) < _FEWEST or len(counts) == 1 or right > counts.max():
        return None
    return (
        f"the model is right for {right:,} of {len(labels):,} images without defence, no more than if it always gave "
        "the label that is most common here. Are its classes in the order of the data (--classes), and its images "
        "scaled as in training (--mean, --std, --input-size)?"
    )


def remark_on_run(summary: Summary, out: Path) -> str | None:
    """The same for a run of labels that is complete; rows are read only where half of them or more are wrong."""
    if summary.rows < summary.total or 2 * summary.undefended > summary.rows:
        return None
    from maskcover.runs import open_run

    opened = open_run(out)
    return remark_on_guesses(opened.labels, opened.undefended) if opened.task == "labels" else None
