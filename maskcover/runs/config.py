"""The configuration of a run, as run.json keeps it, and a shard of its rows; no files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from maskcover.canonical import digest
from maskcover.classifiers import Fingerprint
from maskcover.classifiers.vocabulary import not_named
from maskcover.data import Chosen, Skipped
from maskcover.defense.procedure import Procedure
from maskcover.defense.texts import procedure_in
from maskcover.engine.preparation import Earlier
from maskcover.engine.reference import Reference
from maskcover.errors import InvalidInput
from maskcover.runs.documents import chosen_in, claim, expect_sealed, sealed
from maskcover.runs.rows import Row
from maskcover.schemas import expect_valid

SCHEMA = 2
# Schema 1 had no seal, no example and no frame, and its rows no pixels: it is read, and goes on, without them.
# Where model and data came from, among how many samples were chosen, what was left out: fingerprint and ids say what
# they are. The example and the frame are compared where both are known, the seal when it is read, and the reference
# scores by `maskcover.runs.binding`: under a margin they may differ a little.
_UNCOMPARED = frozenset({"source", "sample", "skipped", "example", "frame", "digest", "reference", "scale", "reused"})
_UNSEALED = frozenset({"source"})  # a data set may have moved
LARGEST_SHARD = 10**6
"""Samples of the largest shard; `run.schema.json` allows no more."""


@dataclass(frozen=True, slots=True)
class Config:
    """The configuration of a run, as a JSON document of texts, numbers and objects."""

    document: Mapping[str, Any]

    @classmethod
    def checked(cls, document: Mapping[str, Any], *, valid: bool = False) -> Config:
        """The configuration in a document that can be read and was not edited; else raises one of the errors `ODD`.

        With `valid` the document is known to have the form of run.json.
        """
        if not valid:
            expect_valid(document, "run.schema.json")
        config = cls(document)
        if not 0 <= config.min_margin < 1:
            raise InvalidInput("the margin is out of range")
        _ = config.procedure, config.fingerprint, config.earlier, config.reference, config.skipped, config.digest
        if config.claim is not None:
            expect_sealed(document, _UNSEALED)
        return config

    def sealed(self) -> Config:
        """The same with the seal of run.json; one of schema 1 has none."""
        return self if self.claim is None else Config(sealed(self.document, _UNSEALED))

    @property
    def digest(self) -> str:
        """``sha256:…`` of all entries that must be the same when the run is continued."""
        return digest({name: value for name, value in self.document.items() if name not in _UNCOMPARED})

    @property
    def claim(self) -> str | None:
        """``sha256:…`` of all entries except where model and data came from; None for schema 1."""
        return None if self.document["schema"] == 1 else claim(self.document, _UNSEALED)

    def like(self, other: Config) -> Config:
        """This configuration in the schema of another one, and with the entries of its fingerprint, for comparison."""
        entries = self.document["fingerprint"]
        entries_in_common = {name: text for name, text in entries.items() if name not in self.unnamed(other)}
        return Config({**self.document, "schema": other.document["schema"], "fingerprint": entries_in_common})

    def unnamed(self, other: Config) -> dict[str, str]:
        """Entries of the fingerprint, with their kinds, that an earlier version did not have."""
        return not_named(self.document["fingerprint"], other.document["fingerprint"]) if other.claim is None else {}

    @property
    def example(self) -> tuple[str, str] | None:
        """The id of an image of the run and the digest of its pixels; None if it is not known."""
        example = self.document.get("example")
        return None if example is None else (str(example["id"]), str(example["pixels"]))

    @property
    def frame(self) -> tuple[str, str] | None:
        """The digest of frame.json and the size of the images; None for a run in the frame of the input."""
        frame = self.document.get("frame")
        return None if frame is None else (str(frame["digest"]), str(frame["size"]))

    @property
    def count(self) -> int:
        """Number of samples."""
        return int(self.document["samples"]["count"])

    @property
    def chosen(self) -> Chosen | None:
        """How the samples were chosen among more; None if they were not, or if it is not known."""
        return chosen_in(self.document)

    @property
    def skipped(self) -> Skipped | None:
        """The samples left out when the data were opened; None if there are none, or if it is not known."""
        return Skipped.read(self.document["skipped"]) if "skipped" in self.document else None

    @property
    def shards(self) -> int:
        """Number of shards."""
        return -(-self.count // int(self.document["shard_size"]))

    @property
    def batch_size(self) -> int:
        """Rows of every batch."""
        return int(self.document["batch_size"])

    @property
    def task(self) -> str:
        """What the run certifies: "labels", "answers" or "multilabel"; runs from before there was a choice: labels."""
        return str(self.document.get("task", "labels"))

    @property
    def regions(self) -> str:
        """The text of the regions that the attacker may overwrite."""
        return str(self.document["regions"])

    @property
    def min_margin(self) -> float:
        """The margin that a prediction must exceed to count."""
        return float(self.document["margin"])

    @property
    def fingerprint(self) -> Fingerprint:
        """The fingerprint of the certified classifier with its masks."""
        return Fingerprint.of(self.document["fingerprint"])

    @property
    def reference(self) -> Reference | None:
        """The reference scores; None if the run kept none, as in earlier versions."""
        reference = self.document.get("reference")
        return None if reference is None else Reference.read(reference)

    @property
    def earlier(self) -> Earlier:
        """The settings of the run, for a process that continues it."""
        entries = dict(self.fingerprint.entries)
        scale = self.document.get("scale")
        return Earlier(
            self.batch_size, entries, self.document["numerics"], self.min_margin, self.reference,
            None if scale is None else float(scale),
        )  # fmt: skip

    @property
    def procedure(self) -> Procedure:
        """The defence and the rule that certifies it."""
        return procedure_in(self.document)

    def members(self, number: int) -> range:
        """The numbers of the samples of a shard."""
        size = int(self.document["shard_size"])
        return range(number * size, min((number + 1) * size, self.count))

    def differences(self, other: Config) -> list[str]:
        """One text for each entry in which this configuration differs from another."""
        mine, theirs = dict(_flat(self.document)), dict(_flat(other.document))
        names = sorted(mine.keys() | theirs.keys())
        return [
            f"{name}: {theirs.get(name)} before, {mine.get(name)} now"
            for name in names
            if mine.get(name) != theirs.get(name)
        ]


@dataclass(frozen=True, slots=True)
class Shard:
    """The rows of one file, and the seconds that they took.

    Args:
        rows: The rows, in the order of their samples.
        seconds: The time that they took.
        made_for: The number of the shard and the claim of its configuration; None if nobody noted them.
    """

    rows: tuple[Row, ...]
    seconds: float
    made_for: tuple[int, str] | None = field(default=None, compare=False)

    def expect_made_for(self, number: int, config: Config) -> None:
        """Raise `InvalidInput` if it is noted that the shard was made for another number or configuration."""
        if self.made_for is not None and self.made_for != (number, config.claim or config.digest):
            raise InvalidInput(
                f"shard {number} of the run was made as number {self.made_for[0]} of a run with the digest "
                f"{self.made_for[1]}, not {config.claim or config.digest}; make it again with the order of this run"
            )
        if len(self.rows) != len(config.members(number)):
            raise InvalidInput(f"shard {number} has {len(config.members(number))} rows; got {len(self.rows)}")


def _flat(document: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in document.items():
        if not prefix and name in _UNCOMPARED:
            continue
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value
