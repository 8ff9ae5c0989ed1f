"""Work on a run: shards are made by a worker, which needs no folder, and entered in a ledger, which needs no model."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from operator import index
from os import PathLike
from typing import Any

from maskcover.canonical import digest
from maskcover.classifiers.evaluation import as_certified
from maskcover.errors import InvalidInput
from maskcover.runs.config import LARGEST_SHARD, Shard
from maskcover.runs.documents import claim
from maskcover.runs.ledger import Ledger
from maskcover.runs.orders import Order
from maskcover.runs.plans import Key, Plan, split
from maskcover.runs.resuming import compared
from maskcover.runs.rows import Row
from maskcover.runs.tasks import Defence, Part, Subject


@dataclass(frozen=True, slots=True, eq=False)
class Worker:
    """A process that makes shards of a run, wherever the folder of the run is.

    Args:
        plan: The shards of the run.
        subject: From a size of image, "" in the frame of the input, and the order for it, if there is one, to the
            images and masks.
        defence: How images are certified.
        where: The name of the run for messages.
    """

    plan: Plan
    subject: Callable[[str, Order | None], Subject]
    defence: Defence
    where: str = "the order"
    _parts: dict[str, Part] = field(default_factory=dict)

    def with_plan(self, plan: Plan) -> Worker:
        """The same for the plan of a run that somebody has started.

        Raises:
            InvalidInput: the plan is about other numbers of images, or other sizes of image or shard.
        """
        if (dict(plan.sizes), plan.shard_size) != (dict(self.plan.sizes), self.plan.shard_size):
            raise InvalidInput(
                f"the run has {sum(plan.sizes.values())} images in shards of {plan.shard_size}, this process "
                f"{sum(self.plan.sizes.values())} in shards of {self.plan.shard_size}, or images of other sizes; give "
                "it the same data"
            )
        return replace(self, plan=plan, _parts={})

    def part(self, size: str = "", order: Order | None = None, like: Order | None = None) -> Part:
        """The part of the run that is about one size of image, prepared if it is not yet.

        Args:
            size: The size of the images; "" in the frame of the input.
            order: The order of the run for that size; None for whoever makes it.
            like: Without an order: the order for another size, whose batch size and other settings hold here too.

        Raises:
            InvalidInput: model, images or options are not those of the order; both fingerprints are named.
        """
        part = self._parts.get(size)
        if part is not None and order is not None and part.config is not order.config:
            same = part.config.digest == order.config.digest
            part = part.agreed(order.config, self._where(size)) if same else None
        if part is None:
            subject = self._subject(size, order, like)
            part = Part.of(subject, self.defence, order, self._where(size))
        self._parts[size] = part
        return part

    def order(self, size: str = "", like: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """The order for a size, as JSON, for other workers and for the ledger; prepares the part if it is not yet.

        Args:
            size: The size of the images; "" in the frame of the input.
            like: The order for another size, whose batch size and other settings hold here too.
        """
        return self.part(size, like=None if like is None else Order.of(like)).order.document()

    def make(
        self, key: Key, order: Mapping[str, Any] | None = None, watch: Callable[[Row], object] | None = None
    ) -> Shard:
        """Make a shard; nothing is written.

        Args:
            key: The name of the shard.
            order: The order of the run for the shard's size, as JSON; None for whoever makes it.
            watch: Called with each row as soon as it is decided.

        Raises:
            InvalidInput: model, images or options are not those of the order; both fingerprints are named.
            RunStopped: the classifier fails, and the images of the shard are not the cause.
        """
        size, number = split(key)
        return self.part(size, None if order is None else Order.of(order)).make(number, watch)

    def _subject(self, size: str, order: Order | None, like: Order | None) -> Subject:
        """The images of a size, bound to the frame of the run; the classifier in the settings of another size."""
        if size not in self.plan.sizes:
            raise InvalidInput(f"the run has images of the sizes {', '.join(self.plan.sizes)}; got {size!r}")
        subject = self.subject(size, order)
        if self.plan.frame is not None:
            subject = replace(subject, frame=(claim(self.plan.frame), size))
        if order is None and like is not None:
            subject = replace(subject, classifier=as_certified(subject.classifier, like.config.earlier.entries))
        return subject

    def _where(self, size: str) -> str:
        return f"{self.where}/{size}" if size else self.where


@dataclass(frozen=True, slots=True, eq=False)
class Work:
    """The shards of a run that one process may make, its folder, and what makes them.

    Args:
        worker: Makes the shards.
        ledger: The folder.
        keys: The shards that this process may make.
    """

    worker: Worker
    ledger: Ledger
    keys: tuple[Key, ...]
    _ready: dict[str, Part] = field(default_factory=dict)

    @property
    def plan(self) -> Plan:
        """The shards of the whole run."""
        return self.ledger.plan

    def missing(self) -> tuple[Key, ...]:
        """The shards of this process that are not there."""
        return self.ledger.missing(self.keys)

    def make(self, key: Key, watch: Callable[[Row], object] | None = None) -> Shard:
        """Make a shard; writes nothing but run.json and masks.json of its size, if these are missing.

        Args:
            key: The name of the shard, of those in `keys`.
            watch: Called with each row as soon as it is decided.
        """
        size, number = split(key)
        return self.part(size).make(number, watch)

    def write(self, key: Key, shard: Shard) -> None:
        """Put a shard in its place, whole or not at all; one that is there stays as it is."""
        self.ledger.write(key, shard)

    def order(self, size: str = "") -> dict[str, Any]:
        """The order for a size, as JSON, for workers without the folder."""
        return self.part(size).order.document()

    def part(self, size: str = "") -> Part:
        """The part of the run about one size of image: prepared, agreed with the folder, and compared with its rows.

        Raises:
            InvalidInput: the folder holds a run of another configuration, or of other images.
        """
        if size not in self._ready:
            first = next(iter(self.plan.sizes))
            like = None if size == first else self.part(first).order
            order = self.ledger.order(size)
            part = self.worker.part(size, order, like)
            if order is None or order.masks is None:
                part = self.worker.part(size, self.ledger.agree(part.order, size), like)
            numbers = [number for name, number in map(split, self.keys) if name == size]
            compared(self.ledger.folder(size), part.config, numbers, part.task.images)
            self._ready[size] = part
        return self._ready[size]

    def expect_same(self, sizes: Iterable[str] | None = None) -> None:
        """Raise `InvalidInput` unless all parts of the run are of this model, these images and these options."""
        for size in self.plan.sizes if sizes is None else sizes:
            self.part(size)


def work_in(out: str | PathLike[str], worker: Worker, part: tuple[int, int] = (0, 1)) -> Work:
    """The work on a run in a folder.

    Args:
        out: The folder, new or of this run.
        worker: Makes the shards.
        part: (i, n): the work on every n-th shard from the i-th on.

    Raises:
        InvalidInput: the folder holds something else, or a run of other images or regions.
    """
    ledger = Ledger.start(out, worker.plan)
    return Work(replace(worker, plan=ledger.plan), ledger, ledger.plan.keys(part))


def expect_json(source: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    """The source; raise `InvalidInput` if JSON cannot hold it."""
    try:
        digest(source)
    except (TypeError, ValueError) as error:
        raise InvalidInput(f"source must be JSON: {error}") from error
    return source


def checked_part(shard: tuple[int, int], shard_size: int) -> tuple[int, int]:
    """The part (i, n) of a run; raise `InvalidInput` if there is no such part, or no such size of shards."""
    try:
        first, step = map(index, shard)
    except (TypeError, ValueError):
        first, step = 0, 0
    if not 0 <= first < step:
        raise InvalidInput(f"shard must be (i, n) with 0 <= i < n, for the i-th of n processes; got {shard!r}")
    if type(shard_size) is not int or not 1 <= shard_size <= LARGEST_SHARD:
        raise InvalidInput(f"shard_size must be a whole number from 1 to {LARGEST_SHARD:,}; got {shard_size!r}")
    return first, step
