"""A finished run of several labels, to be asked again without the model: `open_run` for ``task="multilabel"``."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from os import PathLike
from typing import Any

from maskcover.certification.certifying import bound
from maskcover.covering.containment import Containment
from maskcover.defense.label_verdicts import MultiLabelVerdict
from maskcover.defense.multilabel import MultiLabel
from maskcover.errors import InvalidInput
from maskcover.masks import MaskSet
from maskcover.regions import RegionSet, parse_regions
from maskcover.runs.columns import rows_of, table_of
from maskcover.runs.config import Config
from maskcover.runs.folder import Folder
from maskcover.runs.label_reports import LabelReported
from maskcover.runs.rows import Row
from maskcover.runs.stores import Place, place
from maskcover.runs.summary import Summary


@dataclass(frozen=True, eq=False)
class OpenedLabels(LabelReported):
    """The rows of a run of several labels, with the figures of `maskcover.MultiLabelResult`; made by `open_run`.

    Certificates are worked out again from the certifying masks that rows keep, for the regions of the run or others.

    Args:
        path: The folder of the run.
        config: The configuration.
        masks: The masks.
        regions: The regions that the certificates are about.
        procedure: The defence of the run, with its thresholds.
        rows: The rows.
        verdicts: Their verdicts; an image that could not be decided has no certificate, and counts as answered wrongly.
        seconds: The time that the shards took.
        class_names: The names of the classes in the order of the scores, if they are known.
        covers: The masks and the regions.

    >>> import tempfile
    >>> import numpy as np
    >>> import maskcover as mc
    >>> def halves(images):                      # class 0: something bright on the left; class 1: on the right
    ...     return np.stack([images[:, :, :6].max(axis=(1, 2)), images[:, :, 6:].max(axis=(1, 2))], axis=1)
    >>> images = np.zeros((1, 12, 12))
    >>> images[0, [1, 10, 1, 10], [1, 1, 10, 10]] = 1                              # one bright pixel in each corner
    >>> masks = mc.cover(mc.squares(size=2), image_size=12, grid=(3, 3))
    >>> with tempfile.TemporaryDirectory() as out:
    ...     _ = mc.run(halves, images, [[True, True]], masks, out, task="multilabel", thresholds=0.5)
    ...     run = mc.open_run(out)
    >>> print(run.certified_figures())
    precision 100.0%, recall 50.0%, F1 66.7%
    """

    path: Place
    config: Config
    masks: MaskSet
    regions: RegionSet
    procedure: MultiLabel
    rows: tuple[Row, ...]
    verdicts: tuple[MultiLabelVerdict, ...]
    seconds: float
    class_names: tuple[str, ...] | None = None
    covers: Containment | None = field(default=None, repr=False)

    def __iter__(self) -> Iterator[Row]:
        return iter(self.rows)

    @property
    def ids(self) -> list[str]:
        """The ids of the images."""
        return [row.id for row in self.rows]

    def against(self, regions: RegionSet | str) -> OpenedLabels:
        """The same run asked about other regions: what its certifying masks prove of them; never more than is so.

        Raises:
            NotCovering: the masks do not cover the regions.
        """
        procedure, covers = _bound(self.procedure, self.masks, regions)
        verdicts = _verdicts(self.rows, procedure, covers)
        return replace(self, regions=covers.regions, covers=covers, verdicts=verdicts, procedure=procedure)

    def summary(self) -> Summary:
        """The counts of images: right in all classes, and certified in all classes."""
        whole = Summary.of([(table_of(self.rows), self.seconds)], self.total, self.chosen)
        sure = sum(bool(verdict.certified.all()) for verdict in self.verdicts)
        return replace(whole, certified=sure)

    def to_arrow(self) -> Any:
        """All rows as a `pyarrow.Table`."""
        return self.table

    def __str__(self) -> str:
        return "\n".join([f"{len(self):,} of {self.total:,} images against {self.regions}", *self.figure_lines()])


def open_labels(path: str | PathLike[str]) -> OpenedLabels:
    """Open the folder of a run of several labels; see `maskcover.open_run`.

    Raises:
        InvalidInput: the folder holds another run, or rows that do not fit it.
    """
    folder = Folder(place(path))
    config = folder.existing()
    if config.task != "multilabel" or not isinstance(config.procedure, MultiLabel):
        raise InvalidInput(f"{path} holds no run of several labels")
    masks = folder.masks(config)
    parts = list(folder.all_columns(config))
    rows = tuple(row for table, _ in parts for row in rows_of(table))
    procedure, covers = _bound(config.procedure, masks, config.regions)
    verdicts = _verdicts(rows, procedure, covers)
    if len({len(verdict.truth) for verdict in verdicts}) > 1:
        raise InvalidInput(f"the rows of {path} have different numbers of classes; they were edited")
    names = config.document.get("classes")
    return OpenedLabels(
        folder.path, config, covers.masks, covers.regions, procedure, rows, verdicts,
        sum(seconds for _, seconds in parts), None if names is None else tuple(names), covers,
    )  # fmt: skip


def is_labels_run(path: str | PathLike[str]) -> bool:
    """Whether a folder holds a run of several labels in the frame of the input."""
    config = Folder(place(path)).config()
    return config is not None and config.task == "multilabel"


def _bound(procedure: MultiLabel, masks: MaskSet, regions: RegionSet | str) -> tuple[MultiLabel, Containment]:
    defence, covers = bound(procedure, masks, parse_regions(regions))
    if not isinstance(defence, MultiLabel):
        raise InvalidInput(f"expected the procedure of several labels; got {defence}")
    return defence, covers


def _verdicts(rows: tuple[Row, ...], procedure: MultiLabel, covers: Containment) -> tuple[MultiLabelVerdict, ...]:
    """The verdicts that rows tell of."""
    verdicts = []
    for row in rows:
        if row.classes is None:
            raise InvalidInput("a row of a run of several labels has one label; it was edited")
        error = (row.reason or "an error") if row.verdict == "error" else None
        verdicts.append(row.classes.verdict(procedure, covers, evaluations=row.evaluations, error=error))
    return tuple(verdicts)
