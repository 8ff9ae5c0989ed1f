"""Launching: from a description of a run to its folder, by workers elsewhere, from their first words to the last shard.

The process that launches loads no model and opens no data: workers do, and it may have neither. It needs the folder,
and they do not.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cache, partial
from os import PathLike
from typing import Any

from tqdm.auto import tqdm

from maskcover.canonical import canonical_bytes
from maskcover.errors import FingerprintMismatch, InvalidInput, MaskcoverError, ProbeFailed
from maskcover.runs.config import Shard
from maskcover.runs.driving import LOG, Driver, Pool
from maskcover.runs.ledger import Ledger
from maskcover.runs.orders import Order
from maskcover.runs.pixels import pixel_digest
from maskcover.runs.plans import Key, Plan, split
from maskcover.runs.shard_sizes import shard_size_for
from maskcover.runs.shelves import Alone, LedgerShelf
from maskcover.runs.spec import RunSpec
from maskcover.runs.starting import worker
from maskcover.runs.turns import Turns
from maskcover.runs.working import Worker

TOGETHER = 64
"""Images of the shards that one worker gets at once, at most."""
_WITNESSES = 16
"""Rows of each size, of shards that are there, whose pixels each worker compares with its own images."""

_FEW = 16
"""Shards for each worker; where there are fewer the log advises smaller ones."""

Work = Callable[[Sequence[Any]], Iterator[tuple[Any, Any]]]
"""Makes results for some keys, each with its key; can be pickled."""
OpenPool = Callable[[Work], Pool[Any]]
"""Makes a pool whose workers do such work."""


@dataclass(frozen=True, slots=True)
class Terms:
    """The terms on which shards are handed out.

    Args:
        workers: The largest number of workers.
        patience: Seconds until a shard is given to a second worker too; see `Driver`.
        progress: Show a progress bar on stderr.
        lease_patience: Seconds until other processes take over the shards of a driver that is lost.
    """

    workers: int
    patience: float
    progress: bool = False
    lease_patience: float | None = None


@dataclass(frozen=True, slots=True)
class Launch:
    """One call of a launcher, as its workers are told of it.

    Args:
        spec: The run, as JSON.
        name: Its own name. What a process loaded for an earlier launch is loaded again, since files may have changed.
        plan: The plan of the folder, as JSON; None before there is one.
    """

    spec: Mapping[str, Any]
    name: str = ""
    plan: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class AskPlan:
    """For a worker: the plan of a run, as JSON."""

    launch: Launch

    def __call__(self, keys: Sequence[str]) -> Iterator[tuple[str, dict[str, Any]]]:
        """The plan, for any key."""
        for key in keys:
            yield key, worker_of(self.launch).plan.document()


@dataclass(frozen=True, slots=True)
class AskOrder:
    """For a worker: the orders for sizes of images, as JSON; `like` is that of another size."""

    launch: Launch
    like: Mapping[str, Any] | None = None

    def __call__(self, sizes: Sequence[str]) -> Iterator[tuple[str, dict[str, Any]]]:
        """The order for each size."""
        for size in sizes:
            yield size, worker_of(self.launch).order(size, self.like)


@dataclass(frozen=True, slots=True)
class AskSame:
    """For a worker: whether the description is that of the sizes whose shards are there, of which none is asked.

    Args:
        launch, orders, pixels: As for `AskShards`.
    """

    launch: Launch
    orders: Mapping[str, Mapping[str, Any]]
    pixels: Mapping[str, Mapping[int, str]]

    def __call__(self, sizes: Sequence[str]) -> Iterator[tuple[str, bool]]:
        """Yes, for each size.

        Raises:
            InvalidInput: model, images or options are not those of the run.
        """
        for size in sizes:
            part = worker_of(self.launch).part(size, Order.of(self.orders[size]))
            _expect_pixels(part.task.images, self.pixels.get(size, {}))
            yield size, True


@dataclass(frozen=True, slots=True)
class AskShards:
    """For a worker: shards of a run.

    Args:
        launch: The launch, with the plan of the run.
        orders: The order for each size of image.
        pixels: For each size some image numbers with the digests of their pixels, as rows of the run have them.
    """

    launch: Launch
    orders: Mapping[str, Mapping[str, Any]]
    pixels: Mapping[str, Mapping[int, str]] = field(default_factory=dict)

    def __call__(self, keys: Sequence[Key]) -> Iterator[tuple[Key, Shard]]:
        """The shards, each as soon as it is made.

        Raises:
            InvalidInput: model, images or options are not those of the run.
            ProbeFailed: the model changed meanwhile.
            ShardError: any other error while a shard was made.
        """
        numbers: dict[str, list[int]] = {}
        for size, number in map(split, keys):
            numbers.setdefault(size, []).append(number)
        for size, some in numbers.items():
            part = worker_of(self.launch).part(size, Order.of(self.orders[size]))
            _expect_pixels(part.task.images, self.pixels.get(size, {}))
            for number, shard in _made(part.make_all(some)):
                yield (size, number) if size else number, shard


class ShardError(MaskcoverError):
    """An error of a worker while it made a shard: nothing is wrong with the worker, as far as is known."""


def _made(shards: Iterator[tuple[int, Shard]]) -> Iterator[tuple[int, Shard]]:
    """The shards; errors that speak of a shard, and not of the model, become a `ShardError`."""
    try:
        yield from shards
    except (FingerprintMismatch, ProbeFailed):
        raise
    except Exception as error:
        raise ShardError(f"{type(error).__name__}: {error}") from error


def refuses(error: Exception) -> bool:
    """Whether a worker that raised this error cannot take part in a run: its model, images or options are others.

    Other errors, such as those of a file system, may pass.

    >>> refuses(InvalidInput("other weights")), refuses(ShardError("no memory")), refuses(OSError("no answer"))
    (True, False, False)
    """
    return isinstance(error, MaskcoverError) and not isinstance(error, ShardError)


def launch_on(spec: RunSpec, out: str | PathLike[str], open_pool: OpenPool, terms: Terms) -> None:
    """Make the missing shards of a run by the workers of a pool; returns when all of them are there.

    Args:
        spec: The run.
        out: Its folder, new or of this run.
        open_pool: Makes a pool of workers for a function.
        terms: How shards are handed out.

    Raises:
        InvalidInput: the folder holds another run or cannot be written, or no worker is left that may take part.
    """
    launch = Launch(spec.document(), secrets.token_hex(8))
    answers = _gathered(open_pool(AskPlan(launch)), ["the plan"], terms)
    ledger = Ledger.start(out, Plan.of(answers["the plan"]))
    launch = replace(launch, plan=ledger.plan.document())
    _compare(ledger, launch, open_pool, terms)
    _agree(ledger, launch, open_pool, terms)
    orders, pixels = _about(ledger, ledger.plan.sizes)
    missing = ledger.missing()
    _note_few(ledger.plan, terms.workers)
    if missing:
        with LedgerShelf.leasing(ledger, terms.lease_patience) as shelf, _bar(ledger, missing, terms) as done:
            pool = open_pool(AskShards(launch, orders, pixels))
            turns = Turns.of(shelf, missing)
            together = max(1, TOGETHER // ledger.plan.shard_size)
            Driver(turns, pool, ledger.write, terms.workers, terms.patience, together, done).run()
    ledger.tidy()


def _note_few(plan: Plan, workers: int) -> None:
    """Warn where shards are so few that many workers wait for the last ones."""
    images = sum(plan.sizes.values())
    fitting = shard_size_for(images, workers)
    if fitting < plan.shard_size and images < _FEW * workers * plan.shard_size:
        LOG.warning(
            "%d workers share %d shards, and some will wait long for the last ones; a run that is started with "
            "--shard-size %d is done sooner", workers, len(plan.keys()), fitting,
        )  # fmt: skip


def worker_of(launch: Launch) -> Worker:
    """The worker of this process for a launch; what it loads is kept from call to call, for the last launch alone."""
    workers, key = _workers(), canonical_bytes([launch.name, dict(launch.spec)])
    if key not in workers:
        workers.clear()  # one model at a time
        workers[key] = worker(RunSpec.of(launch.spec))
    if launch.plan is not None and launch.plan != workers[key].plan.document():
        workers[key] = workers[key].with_plan(Plan.of(launch.plan))
    return workers[key]


def witnesses(ledger: Ledger, size: str) -> dict[int, str]:
    """Some images of shards that are there, by number, with the digests of their pixels, spread over the shards."""
    order = ledger.order(size)
    if order is None:
        return {}
    numbers = [number for name, number in map(split, ledger.plan.keys()) if name == size]
    there = [number for number in numbers if ledger.folder(size).has(number)]
    chosen = there[:: max(1, -(-len(there) // _WITNESSES))]
    pixels: dict[int, str] = {}
    for number in chosen:
        shard = ledger.folder(size).shard(number, order.config)
        members = order.config.members(number)
        rows = () if shard is None else zip(members, shard.rows, strict=True)
        first = next(((member, row.pixels) for member, row in rows if row.pixels), None)
        pixels |= {} if first is None else {first[0]: first[1]}
    return pixels


def _compare(ledger: Ledger, launch: Launch, open_pool: OpenPool, terms: Terms) -> None:
    """Have workers compare the run with what is there already, where no shard that they make would show a difference.

    That are sizes without a missing shard, and the first one if others follow it.
    """
    unfinished = {split(key)[0] for key in ledger.missing()}
    lacking = [size for size in ledger.plan.sizes if _lacks_order(ledger, size)]
    if lacking:
        unfinished.discard(next(iter(ledger.plan.sizes)))
    sizes = [size for size in ledger.plan.sizes if size not in unfinished and size not in lacking]
    if sizes:
        _gathered(open_pool(AskSame(launch, *_about(ledger, sizes))), sizes, terms)


def _about(ledger: Ledger, sizes: Iterable[str]) -> tuple[dict[str, dict[str, Any]], dict[str, dict[int, str]]]:
    """The orders for some sizes, and the witnesses of each."""
    return {size: _order(ledger, size) for size in sizes}, {size: witnesses(ledger, size) for size in sizes}


def _agree(ledger: Ledger, launch: Launch, open_pool: OpenPool, terms: Terms) -> None:
    """Have orders made for the sizes that have none: for the first size, then for the others like that."""

    def agree(size: str, document: Mapping[str, Any]) -> None:
        ledger.agree(Order.of(document), size)

    sizes = [size for size in ledger.plan.sizes if _lacks_order(ledger, size)]
    first = next(iter(ledger.plan.sizes), None)
    if first in sizes:
        _gathered(open_pool(AskOrder(launch)), [first], terms, agree)
        sizes.remove(first)
    if sizes and first is not None:
        _gathered(open_pool(AskOrder(launch, _order(ledger, first))), sizes, terms, agree)


def _lacks_order(ledger: Ledger, size: str) -> bool:
    order = ledger.order(size)
    return order is None or order.masks is None


def _order(ledger: Ledger, size: str) -> dict[str, Any]:
    """The order for a size, as JSON."""
    order = ledger.order(size)
    if order is None or order.masks is None:
        raise InvalidInput(f"{ledger.out / size} lost its run.json or masks.json meanwhile; put them back")
    return order.document()


def _gathered(
    pool: Pool[str], keys: Iterable[str], terms: Terms, keep: Callable[[str, Any], object] | None = None
) -> dict[str, Any]:
    """What workers answer for some keys; each answer is given to `keep`, if there is one, as soon as it is there."""
    answers: dict[str, Any] = {}

    def write(key: str, answer: Any) -> None:
        answers[key] = answer
        if keep is not None:
            keep(key, answer)

    Driver(Turns.of(Alone(), keys), pool, write, terms.workers, terms.patience).run()
    return answers


@contextmanager
def _bar(ledger: Ledger, missing: Iterable[Key], terms: Terms) -> Iterator[Callable[[Key, Shard | None], None]]:
    """A progress bar; to be called with each shard that is there."""
    images = ledger.plan.images
    total, left = (sum(map(images, some)) for some in (ledger.plan.keys(), missing))
    with tqdm(total=total, initial=total - left, desc="certifying", unit="image", disable=not terms.progress) as bar:
        yield partial(_advance, bar, images)


def _advance(bar: Any, images: Callable[[Key], int], key: Key, shard: Shard | None) -> None:
    if shard is not None:
        certified = sum(row.certified for row in shard.rows)
        bar.set_postfix_str(f"shard {key}: {certified} of {len(shard.rows)} certified")
    bar.update(images(key))


@cache
def _workers() -> dict[bytes, Worker]:
    """The worker of this process, by its launch."""
    return {}


def _expect_pixels(images: Any, pixels: Mapping[int, str]) -> None:
    """Raise `InvalidInput` if images have other pixels than when rows of the run were made."""
    changed = [number for number, digest in pixels.items() if _digest(images, number) not in ("", digest)]
    if changed:
        raise InvalidInput(
            f"the images here are not those of the run: the pixels of {len(changed)} of {len(pixels)} images differ, "
            f"first those of image {changed[0]}; put the same data set on every node"
        )


def _digest(images: Any, number: int) -> str:
    try:
        return pixel_digest(images[number])
    except Exception:  # an image that cannot be read now becomes a row with its reason, or none is compared
        return ""
