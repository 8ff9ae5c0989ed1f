"""The ledger of a run: which shards its folder has and which are missing; shards are entered once. No model is needed.

A run in the frame of the input has one folder, and its shards have numbers. A run in the frame of the source has a
folder for each size of image, and its shards are named by size and number: ``("375x500", 3)``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from os import PathLike

from maskcover.errors import InvalidInput
from maskcover.runs.config import Shard
from maskcover.runs.folder import Folder
from maskcover.runs.frames import is_source_run, keep_frame
from maskcover.runs.orders import Order
from maskcover.runs.plans import Key, Plan, split
from maskcover.runs.stores import Place, place


@dataclass(frozen=True, slots=True, eq=False)
class Ledger:
    """The folder of a run, for those who hand out its shards and put them in place.

    Args:
        out: The folder.
        plan: The shards of the run.
    """

    out: Place
    plan: Plan
    _orders: dict[str, Order] = field(default_factory=dict)

    @classmethod
    def start(cls, out: str | PathLike[str], plan: Plan) -> Ledger:
        """The ledger of a run; a run in the frame of the source has its frame.json after that.

        Raises:
            InvalidInput: the folder holds another run, or cannot be written.
        """
        folder = place(out)
        if plan.frame is not None:
            ledger = cls(folder, replace(plan, frame=keep_frame(folder, plan.frame)))
            for size in plan.sizes:
                (folder / size / "shards").mkdir(parents=True, exist_ok=True)  # where leases are taken
            return ledger
        if is_source_run(out):
            raise InvalidInput(f"{folder} holds a run in the frame of the source; name another folder")
        return cls(folder, plan)

    def folder(self, size: str) -> Folder:
        """The folder of a size."""
        return Folder(self.out / size)

    def has(self, key: Key) -> bool:
        """Whether a shard is there."""
        size, number = split(key)
        return self.folder(size).has(number)

    def missing(self, keys: Iterable[Key] | None = None) -> tuple[Key, ...]:
        """The shards that are not there, of these or of all."""
        names = tuple(self.plan.keys() if keys is None else keys)
        there = {size: self.folder(size).there() for size in {split(key)[0] for key in names}}
        return tuple(key for key in names if split(key)[1] not in there[split(key)[0]])

    def order(self, size: str = "") -> Order | None:
        """The order for the shards of a size; None if nobody has started that part of the run."""
        if size not in self._orders:
            order = Order.there(self.folder(size))
            if order is None or order.masks is None:
                return order
            self._orders[size] = order
        return self._orders[size]

    def agree(self, order: Order, size: str = "") -> Order:
        """Write run.json and masks.json unless another process was faster; returns the order that holds.

        Raises:
            InvalidInput: the folder holds something else, or cannot be written.
        """
        folder = self.folder(size)
        kept = folder.start(order.config)
        if order.masks is not None and kept.document["masks"] == order.masks.digest:
            folder.keep(order.masks)
        return Order(kept, order.masks)

    def write(self, key: Key, shard: Shard) -> None:
        """Put a shard in its place, whole or not at all; one that is there stays as it is.

        Raises:
            InvalidInput: nobody has started that part of the run; the shard was made under another configuration; or
                it cannot be written.
        """
        size, number = split(key)
        order = self.order(size)
        if order is None:
            raise InvalidInput(f"{self.out / size} holds no run yet; agree on an order before a shard is written")
        shard.expect_made_for(number, order.config)
        if not self.has(key):
            self.folder(size).write(number, order.config, shard)

    def tidy(self) -> None:
        """Take away what processes that were killed left half written, for each size of which no shard is missing."""
        for size, keys in self._by_size():
            if not self.missing(keys):
                self.folder(size).tidy()

    def _by_size(self) -> Iterator[tuple[str, list[Key]]]:
        keys = self.plan.keys()
        for size in self.plan.sizes:
            yield size, [key for key in keys if split(key)[0] == size]
