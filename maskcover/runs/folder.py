"""The folder of a run: its configuration, its masks, and one Parquet file for each shard of samples.

RUN/run.json            what is certified; another configuration in the same folder is refused
RUN/masks.json          the masks
RUN/shards/00000.parquet   the rows of the first samples, written once, by an atomic rename
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from maskcover.canonical import digest, write_atomically
from maskcover.defense import Fingerprint, Procedure
from maskcover.errors import InvalidInput
from maskcover.masks import MaskSet
from maskcover.runs.rows import Row, pyarrow, rows_of, table_of

_UNCOMPARED = frozenset({"source"})  # where model and data came from: the fingerprint says what they are


@dataclass(frozen=True, slots=True)
class Config:
    """What a run certifies, as a JSON document of texts, numbers and objects."""

    document: Mapping[str, Any]

    @property
    def digest(self) -> str:
        """``sha256:…`` of all that must be the same when the run goes on."""
        return digest({name: value for name, value in self.document.items() if name not in _UNCOMPARED})

    @property
    def count(self) -> int:
        """Number of samples."""
        return int(self.document["samples"]["count"])

    @property
    def shards(self) -> int:
        """Number of shards."""
        return -(-self.count // int(self.document["shard_size"]))

    @property
    def batch_size(self) -> int:
        """Rows of every batch."""
        return int(self.document["fingerprint"]["batch_size"])

    @property
    def fingerprint(self) -> Fingerprint:
        """What was certified."""
        return Fingerprint.of(self.document["fingerprint"])

    @property
    def procedure(self) -> Procedure:
        """The defence and the rule that certifies it."""
        return Procedure(*(self.document[name] for name in ("method", "threshold", "rule", "exhaustive")))

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
    """The rows of one file, and the seconds that they took."""

    rows: tuple[Row, ...]
    seconds: float


@dataclass(frozen=True, slots=True)
class Folder:
    """A run's folder."""

    path: Path

    def config(self) -> Config | None:
        """The configuration that the folder holds; None if there is none yet."""
        try:
            return Config(json.loads((self.path / "run.json").read_text()))
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            raise InvalidInput(f"{self.path / 'run.json'} is no configuration of a run: {error}") from error

    def masks(self) -> MaskSet:
        """The masks of the run."""
        return MaskSet.load(self.path / "masks.json")

    def start(self, config: Config, masks: MaskSet) -> Config:
        """Put down a configuration unless another process was faster; returns the one that holds."""
        try:
            (self.path / "shards").mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InvalidInput(f"cannot write to the folder {self.path}: {error.strerror}") from error
        masks.save(self.path / "masks.json")
        text = json.dumps(dict(config.document), indent=2, ensure_ascii=False) + "\n"
        write_atomically(self.path / "run.json", text.encode(), only_new=True)
        return self.existing()

    def existing(self) -> Config:
        """The configuration of a folder that must hold a run."""
        found = self.config()
        if found is None:
            raise InvalidInput(f"{self.path} holds no run; start one with: maskcover certify … --out {self.path}")
        return found

    def has(self, number: int) -> bool:
        """Whether a shard is there."""
        return self._shard_path(number).exists()

    def shard(self, number: int, config: Config) -> Shard | None:
        """The rows of a shard; None if it is not there yet.

        Raises:
            InvalidInput: the file is damaged, or was made by another configuration.
        """
        path = self._shard_path(number)
        if not path.exists():
            return None
        try:
            table = pyarrow().parquet.read_table(path)
            metadata = {key.decode(): value.decode() for key, value in (table.schema.metadata or {}).items()}
            shard = Shard(tuple(rows_of(table)), float(metadata["seconds"]))
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise InvalidInput(f"{path} is no shard of a run ({error}); delete it, and it is made again") from error
        if metadata.get("config") != config.digest:
            raise InvalidInput(f"{path} was made by another configuration; delete it, and it is made again")
        return shard

    def write(self, number: int, config: Config, shard: Shard) -> None:
        """Write a shard, whole or not at all."""
        table = table_of(list(shard.rows), {"config": config.digest, "seconds": f"{shard.seconds:.3f}"})
        content = io.BytesIO()
        pyarrow().parquet.write_table(table, content)
        write_atomically(self._shard_path(number), content.getvalue())

    def tidy(self) -> None:
        """Remove what killed processes left half written; only when nothing is being written any more."""
        for leftover in (self.path / "shards").glob(".*.parquet.*"):
            leftover.unlink(missing_ok=True)

    def _shard_path(self, number: int) -> Path:
        return self.path / "shards" / f"{number:05}.parquet"


def shards(folder: Folder, config: Config) -> Iterator[Shard]:
    """The shards that are there, in order, one at a time."""
    for number in range(config.shards):
        found = folder.shard(number, config)
        if found is not None:
            yield found


def _flat(document: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in document.items():
        if not prefix and name in _UNCOMPARED:
            continue
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value
