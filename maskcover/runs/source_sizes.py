"""The worker of a run in the frame of the source: images of each size with their own regions and masks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from os import PathLike
from typing import Any

from maskcover.classifiers import MaskedClassifier
from maskcover.data import Dataset, Preprocessing
from maskcover.masks import MaskSet
from maskcover.regions import RegionSet
from maskcover.runs.frames import frame_document
from maskcover.runs.loading import labels_of
from maskcover.runs.orders import Order
from maskcover.runs.plans import Plan
from maskcover.runs.size_groups import Sides, by_size, group_of, name_of, of_size
from maskcover.runs.stores import place
from maskcover.runs.tasks import Defence, Subject
from maskcover.runs.working import Worker


@dataclass(slots=True, eq=False)
class SourceSizes:
    """The images of a run in the frame of the source, by size; masks are made when a size is needed.

    Args:
        classifier, dataset, regions, preprocessing, masks, budget, reuse: As for `run_source`.
    """

    classifier: MaskedClassifier
    dataset: Dataset
    regions: RegionSet
    preprocessing: Preprocessing
    masks: MaskSet | None = None
    budget: Mapping[str, Any] | None = None
    reuse: str | PathLike[str] | None = None
    _sizes: dict[str, tuple[Sides, tuple[int, ...]]] = field(init=False)

    def __post_init__(self) -> None:
        self._sizes = {name_of(size): (size, members) for size, members in by_size(self.dataset).items()}

    def plan(self, shard_size: int) -> Plan:
        """The shards of the run."""
        sizes = {name: len(members) for name, (_, members) in self._sizes.items()}
        frame = frame_document(self.regions, self.preprocessing, sizes, self.dataset.chosen)
        return Plan(sizes, shard_size, frame)

    def worker(self, defence: Defence, where: str) -> Worker:
        """What makes the shards of the run; `where` is its name for messages."""
        return Worker(self.plan(defence.shard_size), self.subject, defence, where)

    def subject(self, name: str, order: Order | None) -> Subject:
        """The images of a size with their regions, and with their masks: those of the order, else new ones."""
        size, members = self._sizes[name]
        own = self.masks if self.masks is not None or order is None else order.masks
        group = group_of(size, members, self.preprocessing, self.regions, own, self.budget)
        part = of_size(self.dataset.part(members), size)
        return Subject(
            self.classifier, part.prepared(self.preprocessing), labels_of(part, self.classifier), part.ids,
            group.masks, group.regions, None if self.reuse is None else place(self.reuse) / name,
        )  # fmt: skip
