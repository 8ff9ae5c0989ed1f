"""Whatever happens to a run, the rows that are there are those of a run that nothing happened to (threats.md, 33)."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from maskcover import InvalidInput
from maskcover.runs import Folder, Row, summary
from tests.runs.lookups import OPAQUE, Model, listing, rows, shard_path
from tests.runs.test_folder import CHANGED, SIZE, started

pytestmark = pytest.mark.filterwarnings(OPAQUE)

SHARDS = st.integers(0, 2)
STARTS = st.tuples(st.integers(0, 3), st.integers(1, 4)).filter(lambda pair: pair[0] < pair[1])


def reference() -> list[Row]:
    """The rows of a run that nothing happens to."""
    with tempfile.TemporaryDirectory() as folder:
        started(Path(folder))
        return rows(Path(folder))


class Runs(RuleBasedStateMachine):
    """A folder, and all that may happen to it."""

    expected = reference()

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.out = self.folder / "run"
        self.there: set[int] = set()  # the shards that must be there

    def teardown(self) -> None:
        """A plain run completes it, and leaves nothing but the run."""
        started(self.out)
        assert rows(self.out) == self.expected
        assert summary(self.out).complete
        shards = [f"shards/{number:05}.parquet" for number in range(3)]
        assert sorted(listing(self.out)) == ["masks.json", "run.json", *shards]
        shutil.rmtree(self.folder)

    @rule(start=STARTS)
    def completes(self, start: tuple[int, int]) -> None:
        started(self.out, shard=start)
        self.there |= set(range(3)[start[0] :: start[1]])

    @rule(start=STARTS, call=st.integers(1, 60))
    def is_interrupted(self, start: tuple[int, int], call: int) -> None:
        try:
            started(self.out, shard=start, model=Model(stop_at=call))
        except KeyboardInterrupt:
            pass
        else:
            self.there |= set(range(3)[start[0] :: start[1]])
        self.there |= {number for number in range(3) if shard_path(self.out, number).exists()}

    @precondition(lambda self: (self.out / "run.json").exists())
    @rule(name=st.sampled_from(sorted(CHANGED)))
    def is_asked_for_something_else(self, name: str) -> None:
        changes, message = CHANGED[name]
        before = listing(self.out)
        with pytest.raises(InvalidInput, match=message):
            started(self.out, **changes)
        assert listing(self.out) == before

    @rule(number=SHARDS)
    def loses_a_shard(self, number: int) -> None:
        shard_path(self.out, number).unlink(missing_ok=True)
        self.there.discard(number)

    @precondition(lambda self: self.out.exists())
    @rule(number=SHARDS, content=st.binary(max_size=8))
    def is_left_half_written(self, number: int, content: bytes) -> None:
        for name in (f"shards/.{number:05}.parquet.ab12", ".run.json.ab12", ".masks.json.ab12"):
            (self.out / name).write_bytes(content)

    @precondition(lambda self: (self.out / "run.json").exists())
    @rule(start=STARTS)
    def is_worked_on_twice(self, start: tuple[int, int]) -> None:
        """Another process makes the same shards without seeing ours, and puts them in the same place."""
        other = self.folder / "other"
        started(other, shard=start)
        config = Folder(other).existing()
        for number in range(3)[start[0] :: start[1]]:
            shard = Folder(other).shard(number, config)
            assert shard is not None
            Folder(self.out).write(number, Folder(self.out).existing(), shard)
            self.there.add(number)
        shutil.rmtree(other)

    @precondition(lambda self: len(self.there) > 1)
    @rule(data=st.data())
    def has_a_shard_in_another_place(self, data: st.DataObject) -> None:
        one, other = data.draw(st.permutations(sorted(self.there)))[:2]
        path = shard_path(self.out, other)
        content = path.read_bytes()
        shutil.copy(shard_path(self.out, one), path)
        for ask in (lambda: started(self.out), lambda: summary(self.out)):
            with pytest.raises(InvalidInput, match=path.name):
                ask()
        path.write_bytes(content)

    @precondition(lambda self: (self.out / "run.json").exists())
    @rule()
    def loses_its_masks(self) -> None:
        (self.out / "masks.json").unlink(missing_ok=True)

    @precondition(lambda self: (self.out / "run.json").exists())
    @invariant()
    def rows_are_those_of_the_reference(self) -> None:
        there = {number for number in range(3) if shard_path(self.out, number).exists()}
        assert self.there == there
        expected = [row for number in sorted(there) for row in self.expected[number * SIZE : (number + 1) * SIZE]]
        assert rows(self.out) == expected
        assert summary(self.out).rows == len(expected)


TestRuns = Runs.TestCase
TestRuns.settings = settings(settings(), max_examples=settings().max_examples // 2, stateful_step_count=12)
