"""Turns at the shards of a run: in order for a process alone, spread where many work, with few looks at the folder."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, field

from maskcover.runs.turns import Listing, Turns


class Clock:
    """A clock that is moved by hand."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Board:
    """The shards of a run in memory, for all processes."""

    clock: Clock
    done: set[int] = field(default_factory=set)
    holders: dict[int, str] = field(default_factory=dict)
    lost: set[str] = field(default_factory=set)
    looks: Counter[str] = field(default_factory=Counter)


@dataclass
class Shelf:
    """The board as one process sees it; leases of lost processes are taken over after the patience."""

    board: Board
    name: str
    patience: float = 100.0
    seen: dict[int, float] = field(default_factory=dict)

    def listing(self) -> Listing[int]:
        self.board.looks["listing"] += 1
        return Listing(frozenset(self.board.done), frozenset(self.board.holders))

    def has(self, key: int) -> bool:
        return key in self.board.done

    def take(self, key: int) -> bool:
        self.board.looks["take"] += 1
        holder = self.board.holders.setdefault(key, self.name)
        if holder in self.board.lost:
            since = self.seen.setdefault(key, self.board.clock())
            if self.board.clock() - since >= self.patience:
                holder = self.board.holders[key] = self.name
        return holder == self.name

    def give_back(self, key: int) -> None:
        if self.board.holders.get(key) == self.name:
            del self.board.holders[key]


def turns(board: Board, name: str, count: int) -> Turns[int]:
    made = Turns.of(Shelf(board, name), range(count), board.clock)
    made.chance = random.Random(name)  # noqa: S311 (order, not secrets)
    return made


def make(board: Board, some: Turns[int], key: int) -> None:
    """Put the rows of a shard in place."""
    board.done.add(key)
    some.finished(key)


def test_a_process_alone_takes_shards_in_order() -> None:
    board = Board(Clock())
    alone, order = turns(board, "a", 7), []
    while alone:
        key = alone.next()
        assert key is not None
        order.append(key)
        make(board, alone, key)
    assert order == list(range(7))
    assert alone.next() is None
    assert board.holders == {}
    assert board.looks == {"listing": 1, "take": 7}


def test_a_shard_that_another_process_made_is_dropped_and_reported() -> None:
    board = Board(Clock())
    mine = turns(board, "a", 4)
    assert mine.next() == 0
    board.done |= {1, 2}  # since the last look at the folder
    assert mine.next() == 3
    assert sorted(mine.elsewhere) == [1, 2]
    assert not mine
    assert board.holders == {0: "a", 3: "a"}


def test_processes_never_hold_the_same_shard_and_every_shard_is_made_once() -> None:
    board, chance = Board(Clock()), random.Random(0)  # noqa: S311 (order, not secrets)
    everybody = [turns(board, str(number), 200) for number in range(16)]
    held: dict[int, int] = {}
    made = Counter[int]()
    while len(made) < 200:
        board.clock.now += 0.3
        assert board.clock.now < 5000, "it never ends"
        number = chance.randrange(16)
        if number in held:
            make(board, everybody[number], held[number])
            made[held.pop(number)] += 1
            continue
        key = everybody[number].next()
        if key is not None:
            assert key not in held.values()
            held[number] = key
    assert set(made.values()) == {1}
    assert board.looks["take"] < 4 * 200, "most attempts to take a shard succeed"


def test_the_lease_of_a_lost_process_is_taken_over_after_the_patience_and_watched_seldom() -> None:
    board = Board(Clock())
    lost, watcher = turns(board, "lost", 1), turns(board, "w", 1)
    assert lost.next() == 0
    board.lost.add("lost")
    seconds = 0
    while watcher.next() is None:
        assert watcher
        seconds += 1
        board.clock.now += 1
        assert seconds < 130
    assert seconds >= 100
    assert board.looks["take"] <= 2 + 12
    assert board.looks["listing"] <= 20


def test_the_pause_grows_while_there_is_nothing_to_do_and_is_short_again_after_a_shard() -> None:
    board = Board(Clock())
    other, mine = turns(board, "b", 2), turns(board, "a", 2)
    assert (other.next(), other.next()) == (0, 1)
    pauses = []
    for _ in range(6):
        assert mine.next() is None
        pauses.append(mine.pause)
        board.clock.now += mine.pause
    assert pauses == [0.5, 1.0, 2.0, 4.0, 8.0, 10.0]
    other.shelf.give_back(1)
    assert mine.next() == 1
    assert mine.pause == 0.25
