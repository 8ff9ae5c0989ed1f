"""The loop of a launcher, against a pool whose workers do what a test says: lose, refuse, sleep and answer twice."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import pytest

from maskcover import InvalidInput
from maskcover.errors import DiskFull
from maskcover.runs.config import Shard
from maskcover.runs.driving import Begun, Driver, Erred, Lost, Made, News, Refused
from tests.runs.test_turns import Board, Clock, turns

ROWS = Shard((), 1.0)
Behaviour = Callable[[int, int], list[News]]
"""From the numbers of an attempt and of one of its shards to the news of that."""


def good(attempt: int, key: int) -> list[News]:
    return [Begun(attempt, "w"), Made(attempt, key, ROWS)]


@dataclass
class Pool:
    """Workers in this process; each call of `news` is a step of some seconds."""

    clock: Clock
    behave: Behaviour = good
    seconds: float = 1.0
    started: list[int] = field(default_factory=list)
    attempts: list[list[int]] = field(default_factory=list)
    stopped: list[int] = field(default_factory=list)
    working: dict[int, list[News]] = field(default_factory=dict)
    most: int = 0
    refusing: int | None = None

    def start(self, keys: Sequence[int]) -> int:
        if self.refusing is not None and len(self.started) >= self.refusing:
            raise InvalidInput("no worker is left")
        number = len(self.attempts)
        self.started += keys
        self.attempts.append(list(keys))
        self.working[number] = [news for key in keys for news in self.behave(number, key)]
        self.most = max(self.most, len(self.working))
        return number

    def news(self, seconds: float) -> Iterator[News]:
        assert seconds > 0
        self.clock.now += self.seconds
        assert self.clock.now < 5000, "it never ends"
        for number in list(self.working):
            if self.working.get(number):
                news = self.working[number].pop(0)
                if isinstance(news, Lost | Refused | Erred) or (isinstance(news, Made) and not self.working[number]):
                    del self.working[number]
                yield news

    def stop(self, attempt: int) -> None:
        self.stopped.append(attempt)
        self.working.pop(attempt, None)


@dataclass
class Bench:
    """A driver over some shards, and what it wrote."""

    count: int
    workers: int = 3
    patience: float = 10.0
    together: int = 1
    behave: Behaviour = good
    clock: Clock = field(default_factory=Clock)
    written: Counter[int] = field(default_factory=Counter)
    progress: Counter[int] = field(default_factory=Counter)
    full: bool = False

    def __post_init__(self) -> None:
        self.board = Board(self.clock)
        self.pool = Pool(self.clock, self.behave)

    def driver(self) -> Driver[int]:
        def done(key: int, _: Shard | None) -> None:
            self.progress[key] += 1

        own = turns(self.board, "driver", self.count)
        return Driver(own, self.pool, self.write, self.workers, self.patience, self.together, done, self.clock)

    def write(self, key: int, shard: Shard) -> None:
        assert shard is ROWS
        if self.full:
            raise DiskFull("cannot write: no room")
        self.written[key] += 1
        self.board.done.add(key)


def expect_all_once(bench: Bench) -> None:
    assert bench.written == bench.progress == dict.fromkeys(range(bench.count), 1)
    assert bench.board.holders == {}
    assert bench.pool.working == {}


def test_every_shard_is_written_once_and_no_more_are_in_work_than_there_are_workers() -> None:
    bench = Bench(50, workers=4)
    bench.driver().run()
    expect_all_once(bench)
    assert bench.pool.most == 4
    assert sorted(bench.pool.started) == list(range(50))


def test_a_shard_whose_worker_is_lost_is_tried_again_without_end_and_the_log_says_so(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def lose(attempt: int, key: int) -> list[News]:
        lost = key == 2 and bench.pool.started.count(2) <= 12
        return [Begun(attempt, "node 7"), Lost(attempt, "killed")] if lost else good(attempt, key)

    bench = Bench(5, behave=lose)
    bench.driver().run()
    expect_all_once(bench)
    assert bench.pool.started.count(2) == 13
    assert "node 7 was lost with shard 2, tried again: killed" in caplog.messages
    assert sum("may be the cause" in message for message in caplog.messages) == 2


def test_the_reason_of_a_refusal_is_logged_and_its_shard_goes_elsewhere(caplog: pytest.LogCaptureFixture) -> None:
    def refuse(attempt: int, key: int) -> list[News]:
        return [Refused(attempt, "node 3", "weights a, not b")] if attempt == 1 else good(attempt, key)

    bench = Bench(6, behave=refuse)
    bench.driver().run()
    expect_all_once(bench)
    assert "node 3 takes no part in this run: weights a, not b" in caplog.messages
    assert len(bench.pool.started) == 7


def test_an_error_on_a_shard_counts_for_that_shard_alone(caplog: pytest.LogCaptureFixture) -> None:
    """Four errors on each of three shards are twelve on one node, and none on any shard that stops the launch."""

    def err(attempt: int, key: int) -> list[News]:
        errs = key in (1, 3, 4) and bench.pool.started.count(key) <= 4
        return [Begun(attempt, "node 5"), Erred(attempt, "node 5", "OSError: stale")] if errs else good(attempt, key)

    bench = Bench(6, behave=err)
    bench.driver().run()
    expect_all_once(bench)
    assert [bench.pool.started.count(key) for key in range(6)] == [1, 5, 1, 5, 5, 1]
    assert caplog.messages.count("node 5: an error with shard 3, tried again: OSError: stale") == 4
    assert not any("takes no part" in message for message in caplog.messages)


def test_a_shard_that_nobody_can_make_stops_the_launch_with_the_error() -> None:
    def err(attempt: int, key: int) -> list[News]:
        return [Begun(attempt, "w"), Erred(attempt, "w", "ValueError: odd")] if key == 3 else good(attempt, key)

    bench = Bench(30, workers=1, behave=err)
    with pytest.raises(InvalidInput, match=r"shard 3 cannot be made: 5 workers raised an error, .* ValueError: odd"):
        bench.driver().run()
    assert bench.pool.started.count(3) == 5
    assert bench.written == dict.fromkeys(range(3), 1)
    assert bench.pool.working == {}


def test_an_error_with_several_shards_counts_for_none_and_each_is_tried_alone() -> None:
    """Shard 5 is at fault; those that were with it would else be blamed."""

    def err(attempt: int, key: int) -> list[News]:
        together: list[News] = [Begun(attempt, "w"), Erred(attempt, "w", "ValueError: odd")]
        return together if key == 5 and bench.pool.started.count(5) <= 5 else good(attempt, key)

    bench = Bench(40, workers=2, together=8, behave=err)
    bench.driver().run()
    expect_all_once(bench)
    [first, *others] = [keys for keys in bench.pool.attempts if 5 in keys]
    assert len(first) > 1
    assert others == [[5]] * 5


def test_where_no_worker_is_left_the_error_is_raised_and_all_leases_can_be_given_back() -> None:
    bench = Bench(6)
    bench.pool.refusing = 4
    with pytest.raises(InvalidInput, match="no worker is left"):
        bench.driver().run()
    assert bench.pool.working == {}
    assert set(bench.written.values()) <= {1}


def test_a_worker_that_hangs_is_left_behind_and_ended(caplog: pytest.LogCaptureFixture) -> None:
    def hang(attempt: int, key: int) -> list[News]:
        return [Begun(attempt, "node 5")] if attempt == 0 else good(attempt, key)

    bench = Bench(40, workers=1, behave=hang)
    bench.driver().run()
    expect_all_once(bench)
    assert bench.pool.started[0] == 0
    assert bench.pool.started[1] == 0, "it goes to another worker before anything else"
    assert any("shard 0: nothing from node 5 for 10 s" in message for message in caplog.messages)
    assert 0 in bench.pool.stopped


def test_a_worker_that_hangs_on_the_last_shard_is_ended_when_another_has_its_rows() -> None:
    def hang(attempt: int, key: int) -> list[News]:
        return [Begun(attempt, "node 5")] if attempt == 0 else good(attempt, key)

    bench = Bench(1, behave=hang)
    bench.driver().run()
    expect_all_once(bench)
    assert bench.pool.stopped == [0]


def test_a_pool_in_which_every_first_worker_hangs_still_finishes(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.ERROR)

    def hang(attempt: int, key: int) -> list[News]:
        return [Begun(attempt, "w")] if bench.pool.started.count(key) < 3 else good(attempt, key)

    bench = Bench(5, workers=2, behave=hang)
    bench.driver().run()
    expect_all_once(bench)
    assert bench.pool.most <= 3 * 2 + 2


def test_a_slow_worker_is_heard_when_it_is_first_after_all() -> None:
    def slow(attempt: int, _: int) -> list[News]:
        return [Begun(attempt, "w")]

    bench = Bench(1, workers=1, behave=slow)
    driver = bench.driver()
    pool = bench.pool
    original = pool.news

    def news(seconds: float) -> Iterator[News]:
        yield from original(seconds)
        if bench.clock.now > 15:
            yield Made(0, 0, ROWS)  # late, but the second attempt has no rows yet

    pool.news = news  # type: ignore[method-assign]
    driver.run()
    assert bench.written == {0: 1}
    assert pool.started == [0, 0]
    assert pool.stopped == [1]


def test_workers_that_are_all_slow_get_there_since_the_patience_grows() -> None:
    needed = 70.0
    begun: dict[int, float] = {}

    bench = Bench(1, workers=1, behave=lambda attempt, _: [Begun(attempt, "w")])
    original = bench.pool.news

    def news(seconds: float) -> Iterator[News]:
        for one in original(seconds):
            begun[one.attempt] = bench.clock.now
            yield one
        for attempt, since in begun.items():
            if bench.clock.now - since >= needed and attempt in bench.pool.working:
                yield Made(attempt, 0, ROWS)

    bench.pool.news = news  # type: ignore[method-assign]
    bench.driver().run()
    assert bench.written == {0: 1}
    assert len(bench.pool.started) <= 4


def test_a_disk_that_is_full_ends_the_run_with_its_error_and_stops_the_workers() -> None:
    bench = Bench(9, full=True)
    with pytest.raises(DiskFull):
        bench.driver().run()
    assert bench.pool.working == {}
    assert not bench.written


def test_the_next_shard_is_handed_out_before_rows_are_written() -> None:
    bench = Bench(4, workers=1)
    driver = bench.driver()

    def write(key: int, shard: Shard) -> None:
        assert len(bench.pool.started) == min(key + 2, 4)
        bench.write(key, shard)

    driver.write = write
    driver.run()
    expect_all_once(bench)


def test_shards_that_other_processes_make_meanwhile_count_as_progress_and_are_not_made() -> None:
    bench = Bench(20, workers=1)
    driver = bench.driver()
    original = bench.pool.news

    def news(seconds: float) -> Iterator[News]:
        if len(bench.pool.started) == 3:
            bench.board.done |= set(range(10, 20))
        yield from original(seconds)

    bench.pool.news = news  # type: ignore[method-assign]
    driver.run()
    assert set(bench.written) == set(range(10))
    assert set(bench.progress) == set(range(20))
    assert set(bench.progress.values()) == {1}


def test_news_of_an_attempt_that_was_ended_does_not_count_twice() -> None:
    bench = Bench(2, workers=2, behave=lambda attempt, key: [*good(attempt, key)])
    original = bench.pool.news

    def news(seconds: float) -> Iterator[News]:
        for one in original(seconds):
            yield one
            yield one

    bench.pool.news = news  # type: ignore[method-assign]
    bench.driver().run()
    expect_all_once(bench)


def test_ctrl_c_stops_the_workers_and_leaves_a_run_that_goes_on() -> None:
    bench = Bench(9)
    original = bench.pool.news

    def news(seconds: float) -> Iterator[News]:
        if len(bench.written) >= 3:
            raise KeyboardInterrupt
        yield from original(seconds)

    bench.pool.news = news  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        bench.driver().run()
    assert bench.pool.working == {}
    assert 3 <= len(bench.written) < 9
    bench.pool = Pool(bench.clock)
    bench.board.holders.clear()  # as `Leases.beating` gives them back
    later = turns(bench.board, "plain", 9)
    assert sorted(iter(later.next, None)) == sorted(set(range(9)) - set(bench.written))


def test_attempts_are_of_several_shards_at_first_and_of_one_at_the_end() -> None:
    bench = Bench(100, workers=4, together=6)
    bench.driver().run()
    expect_all_once(bench)
    sizes = list(map(len, bench.pool.attempts))
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[0] == 6
    assert sizes[-4:] == [1] * 4


def slow_first(attempt: int, key: int) -> list[News]:
    """The first attempt takes six steps for a shard, others one."""
    return [*[Begun(attempt, "w")] * (6 if attempt == 0 else 1), Made(attempt, key, ROWS)]


def test_a_worker_that_would_be_idle_gets_what_another_one_has_not_reached_from_the_end() -> None:
    bench = Bench(24, workers=3, together=10, behave=slow_first)
    bench.driver().run()
    expect_all_once(bench)
    [first, shared] = [keys for keys in bench.pool.attempts if 7 in keys]
    assert first == list(range(8))
    assert len(shared) > 1
    assert shared == sorted(shared, reverse=True)
    assert 0 not in bench.pool.started[1:], "what it works on is not begun twice"
    assert max(Counter(bench.pool.started).values()) == 2, "each shard is shared once at most"


def test_shards_that_a_worker_gives_in_another_order_are_all_written() -> None:
    """Those of one size of image come together, in whatever order they were asked for."""
    bench = Bench(20, workers=2, together=8)
    original = bench.pool.start

    def start(keys: Sequence[int]) -> int:
        return original(sorted(keys, key=lambda key: (key % 3, -key)))

    bench.pool.start = start  # type: ignore[method-assign]
    bench.driver().run()
    expect_all_once(bench)
    assert bench.pool.attempts[0] == [6, 3, 0, 7, 4, 1, 5, 2]


def test_a_worker_whose_other_shards_are_made_elsewhere_is_ended_after_the_one_it_works_on() -> None:
    def slow(attempt: int, key: int) -> list[News]:
        return [*[Begun(attempt, "w")] * (30 if key == 0 else 1), Made(attempt, key, ROWS)]

    bench = Bench(8, workers=2, together=4, behave=slow)
    bench.driver().run()
    expect_all_once(bench)
    assert bench.pool.started.count(0) == 1
    assert bench.pool.stopped == [0]


def test_what_a_worker_has_not_begun_is_not_shared() -> None:
    """Where a pool has room for fewer attempts than were started, others would wait behind them."""

    def wait(attempt: int, key: int) -> list[News]:
        return [Begun(attempt, "w"), Made(attempt, key, ROWS)]

    bench = Bench(8, workers=2, together=4, behave=wait)
    original = bench.pool.news

    def news(seconds: float) -> Iterator[News]:
        held = bench.pool.working.pop(0) if bench.clock.now < 20 else None
        yield from original(seconds)
        if held is not None:
            bench.pool.working[0] = held
            assert max(Counter(bench.pool.started).values()) == 1

    bench.pool.news = news  # type: ignore[method-assign]
    bench.driver().run()
    expect_all_once(bench)
    assert len(bench.pool.started) > 8, "once it has begun"


def test_a_shard_of_two_workers_of_which_one_is_lost_is_not_begun_a_third_time() -> None:
    def lose(attempt: int, key: int) -> list[News]:
        if attempt == 0 and key == 1:
            return [*[Begun(attempt, "w")] * 3, Lost(attempt, "killed")]
        return slow_first(attempt, key)

    bench = Bench(20, workers=2, together=10, behave=lose)
    bench.driver().run()
    expect_all_once(bench)
    assert max(Counter(bench.pool.started).values()) == 2


def test_while_other_processes_have_shards_nothing_is_shared() -> None:
    """They may give theirs back; an idle worker is needed then."""
    bench = Bench(20, workers=2, together=9, behave=slow_first)
    bench.board.holders[19] = "plain"
    driver = bench.driver()
    original = bench.pool.news

    def news(seconds: float) -> Iterator[News]:
        if len(bench.written) >= 15:
            bench.board.done.add(19)
        else:
            assert max(Counter(bench.pool.started).values()) == 1
        yield from original(seconds)

    bench.pool.news = news  # type: ignore[method-assign]
    driver.run()
    assert set(bench.written) == set(range(19))


def test_of_an_attempt_that_is_lost_only_what_was_not_made_is_tried_again() -> None:
    def lose(attempt: int, key: int) -> list[News]:
        return [Begun(attempt, "w"), Lost(attempt, "killed")] if attempt == 0 and key == 2 else good(attempt, key)

    bench = Bench(40, workers=2, together=5, behave=lose)
    bench.driver().run()
    expect_all_once(bench)
    assert bench.pool.attempts[0] == [0, 1, 2, 3, 4]
    assert [bench.pool.started.count(key) for key in range(5)] == [1, 1, 2, 2, 2]


def test_each_shard_of_an_attempt_is_a_sign_of_life() -> None:
    bench = Bench(12, workers=1, together=6, patience=5.0)
    bench.pool.seconds = 2.0
    bench.driver().run()
    expect_all_once(bench)
    assert bench.pool.stopped == []
    assert len(bench.pool.started) == 12


def test_rows_that_a_late_worker_gives_after_another_one_do_not_count() -> None:
    def hang(attempt: int, key: int) -> list[News]:
        return [Begun(attempt, "w")] if attempt == 0 else good(attempt, key)

    bench = Bench(10, workers=1, together=5, patience=5.0, behave=hang)
    original, given = bench.pool.news, set[int]()

    def news(seconds: float) -> Iterator[News]:
        for one in original(seconds):
            yield one
            again = {key for key in bench.pool.attempts[0] if bench.written[key]} - given
            given.update(again)
            for key in again:
                yield Made(0, key, ROWS)

    bench.pool.news = news  # type: ignore[method-assign]
    bench.driver().run()
    assert len(bench.pool.attempts[0]) > 1
    assert given
    expect_all_once(bench)


def test_shards_of_an_attempt_that_is_late_and_then_ended_are_made_once() -> None:
    """They wait to be made again since it is late, and must not wait twice when it is ended."""

    def hang(attempt: int, key: int) -> list[News]:
        return [Begun(attempt, "w")] if attempt == 0 else good(attempt, key)

    bench = Bench(20, workers=2, together=5, patience=5.0, behave=hang)
    bench.pool.seconds = 4.0
    bench.driver().run()
    assert len(bench.pool.attempts[0]) > 2
    assert 0 in bench.pool.stopped
    assert sorted(bench.pool.started) == sorted([*range(20), *bench.pool.attempts[0]])
    expect_all_once(bench)


def test_a_shard_that_another_worker_has_is_not_begun_again_when_the_late_one_is_ended() -> None:
    def slow(attempt: int, key: int) -> list[News]:
        begun: list[News] = [Begun(attempt, "w")]
        return begun if attempt == 0 else [*(begun * 6), Made(attempt, key, ROWS)]

    bench = Bench(1, workers=2, patience=5.0, behave=slow)
    bench.pool.seconds = 4.0
    bench.driver().run()
    assert 0 in bench.pool.stopped
    assert bench.pool.started == [0, 0]
    expect_all_once(bench)
