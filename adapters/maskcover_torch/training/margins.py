"""Training for votes of cells: the worst-case margin of sums of evidence, and its hinge (BagCert).

The evidence of each cell lies between 0 and 1. An attack changes that of the cells of one window, to anything.
"""

from __future__ import annotations

import torch

from maskcover.errors import InvalidInput
from maskcover.regions import ReceptiveField


def worst_margins(evidence: torch.Tensor, labels: torch.Tensor, reach: tuple[int, int]) -> torch.Tensor:
    """The least lead of each label over the next class after an attack on one window of cells; of shape (n,).

    Args:
        evidence: Evidence from 0 to 1, of shape (n, classes, rows, columns).
        labels: The true classes, int64 of shape (n,).
        reach: (rows, columns) of cells that an attack can change; see `reach_of`.

    A lead above 0 is a certificate by the vote theorem: in the window the label may fall to 0 and another class rise to
    1. It is measured in cells, so it is at most rows · columns.

    >>> cells = torch.zeros(1, 2, 1, 5)
    >>> cells[0, 1] = 1.0
    >>> worst_margins(cells, torch.tensor([1]), (1, 2))
    tensor([1.])
    """
    if evidence.ndim != 4 or evidence.shape[1] < 2:
        raise InvalidInput(f"expected evidence (n, classes, rows, columns); got shape {tuple(evidence.shape)}")
    window = tuple(min(part, side) for part, side in zip(reach, evidence.shape[2:], strict=True))
    if min(window) < 1:
        raise InvalidInput(f"reach must be at least 1 row and 1 column of cells; got {reach}")
    chosen = labels[:, None, None, None]
    own = evidence.gather(1, chosen.expand(-1, 1, *evidence.shape[2:]))
    leads = own - evidence
    # What an attack on a window takes away: all of the lead there, and one more for each cell.
    taken = torch.nn.functional.avg_pool2d(leads + 1.0, window, stride=1) * (window[0] * window[1])
    margins = leads.sum(dim=(2, 3)) - taken.amax(dim=(2, 3))
    return margins.scatter(1, labels[:, None], torch.inf).amin(dim=1)


def margin_loss(
    evidence: torch.Tensor, labels: torch.Tensor, reach: tuple[int, int], *, margin: float = 1.0
) -> torch.Tensor:
    """The mean hinge of worst-case margins, as a fraction of the cells: 0 where each exceeds `margin` of them.

    Args:
        evidence, labels, reach: As for `worst_margins`.
        margin: The fraction of all cells by which the label should lead after an attack. A margin that cannot be
            reached, such as 1, never stops pushing.

    Source: J. H. Metzen, M. Yatsura, "Efficient certified defenses against patch attacks on image classifiers", ICLR
    2021. Their loss is a hinge on a worst-case margin too; details are our own.

    >>> scores = torch.randn(4, 3, 6, 6, generator=torch.Generator().manual_seed(0), requires_grad=True)
    >>> loss = margin_loss(scores.softmax(dim=1), torch.tensor([0, 1, 2, 0]), (2, 2))
    >>> loss.backward()
    >>> bool(loss > 0), bool(scores.grad.abs().sum() > 0)
    (True, True)
    """
    worst = worst_margins(evidence, labels, reach)
    return torch.relu(margin - worst / (evidence.shape[2] * evidence.shape[3])).mean()


def reach_of(field: ReceptiveField, size: tuple[int, int], patch: tuple[int, int]) -> tuple[int, int]:
    """The most (rows, columns) of cells that a patch of (height, width) pixels touches, on images of a size.

    >>> reach_of(ReceptiveField(17, 8), (224, 224), (32, 32))
    (6, 6)
    """
    rows, columns = (
        max(int(axis.touched(start, start + part).sum()) for start in range(axis.length - part + 1))
        for axis, part in zip(field.axes(size), patch, strict=True)
    )
    return rows, columns
