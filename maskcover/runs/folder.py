"""The folder of a run: its configuration, its masks, and one Parquet file for each shard of samples.

RUN/run.json            what is certified; another configuration in the same folder is refused
RUN/masks.json          the masks
RUN/shards/00000.parquet   the rows of the first samples, written once, by an atomic rename

Of a shard the file says which one it is, of which configuration, and what the digest of its rows is: a file that was
damaged, renamed or copied here from another run is refused.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from maskcover.canonical import digest, write_atomically
from maskcover.data import Chosen
from maskcover.defense import Fingerprint, Procedure
from maskcover.defense.readiness import Earlier
from maskcover.errors import InvalidInput
from maskcover.masks import MaskSet
from maskcover.runs.rows import Row, pyarrow, rows_of, table_of

_SCHEMA = 1
# Where model and data came from, and among how many samples were chosen: fingerprint and ids say what they are.
_UNCOMPARED = frozenset({"source", "sample"})


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
    def chosen(self) -> Chosen | None:
        """How the samples were chosen among more; None if they were not, or if nobody said so."""
        return Chosen(**self.document["sample"]) if "sample" in self.document else None

    @property
    def shards(self) -> int:
        """Number of shards."""
        return -(-self.count // int(self.document["shard_size"]))

    @property
    def batch_size(self) -> int:
        """Rows of every batch."""
        return int(self.document["batch_size"])

    @property
    def regions(self) -> str:
        """The text of what the attacker may overwrite."""
        return str(self.document["regions"])

    @property
    def margin(self) -> float:
        """The lead that a prediction needs to count."""
        return float(self.document["margin"])

    @property
    def fingerprint(self) -> Fingerprint:
        """What was certified."""
        return Fingerprint.of(self.document["fingerprint"])

    @property
    def earlier(self) -> Earlier:
        """How the run computes, for whoever goes on with it."""
        entries = dict(self.fingerprint.entries)
        return Earlier(self.batch_size, entries, str(self.document["numerics"]), self.margin)

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
        path = self.path / "run.json"
        try:
            return _checked(json.loads(path.read_text(encoding="utf-8")))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise InvalidInput(f"{path} is no configuration of a run ({error}); name another folder") from error

    def masks(self, config: Config) -> MaskSet:
        """The masks of the run."""
        path = self.path / "masks.json"
        masks = MaskSet.load(path)
        if masks.digest != config.document["masks"]:
            raise InvalidInput(f"{path} does not hold the masks of the run; put back the file with which it was made")
        return masks

    def start(self, config: Config) -> Config:
        """Put down a configuration unless another process was faster; returns the one that holds."""
        try:
            (self.path / "shards").mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InvalidInput(f"cannot write to the folder {self.path}: {error.strerror}") from error
        text = json.dumps(dict(config.document), indent=2) + "\n"
        with _unless_there(self.path / "run.json") as path:
            write_atomically(path, text.encode(), only_new=True)
        return self.existing()

    def keep(self, masks: MaskSet) -> None:
        """Put down the masks of the configuration that holds, if they are missing."""
        if not (self.path / "masks.json").exists():
            with _unless_there(self.path / "masks.json") as path:
                masks.save(path)

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
        try:
            content = io.BytesIO(path.read_bytes())
        except FileNotFoundError:
            return None
        except OSError as error:
            raise InvalidInput(f"cannot read {path}: {error.strerror}") from error
        try:
            # In this thread: pyarrow's own were seen to abort one process in nine at its end, after all was written.
            table = pyarrow().parquet.ParquetFile(content, pre_buffer=False).read(use_threads=False)
            metadata = {key.decode(): value.decode() for key, value in (table.schema.metadata or {}).items()}
            shard = Shard(tuple(rows_of(table)), float(metadata["seconds"]))
            told = _about(number, config, shard)
        except (OSError, ValueError, KeyError, TypeError, NotImplementedError) as error:
            raise InvalidInput(f"{path} is no shard of a run ({error}); delete it, and it is made again") from error
        wrong = [name for name in told if metadata.get(name) != told[name]]
        if wrong or len(shard.rows) != len(config.members(number)):
            reason = (
                "was made by another configuration" if "config" in wrong else "is damaged, or was copied or renamed"
            )
            raise InvalidInput(f"{path} {reason}; delete it, and it is made again")
        return shard

    def write(self, number: int, config: Config, shard: Shard) -> None:
        """Write a shard, whole or not at all."""
        table = table_of(list(shard.rows), _about(number, config, shard) | {"seconds": f"{shard.seconds:.3f}"})
        content = io.BytesIO()
        pyarrow().parquet.write_table(table, content)
        with _unless_there(self._shard_path(number)) as path:
            write_atomically(path, content.getvalue())

    def tidy(self) -> None:
        """Remove what killed processes left half written; only when nothing is missing any more."""
        for pattern in (".run.json.*", ".masks.json.*", "shards/.*.parquet.*"):
            for leftover in self.path.glob(pattern):
                leftover.unlink(missing_ok=True)

    def _shard_path(self, number: int) -> Path:
        return self.path / "shards" / f"{number:05}.parquet"


def shards(folder: Folder, config: Config) -> Iterator[Shard]:
    """The shards that are there, in order, one at a time."""
    for number in range(config.shards):
        found = folder.shard(number, config)
        if found is not None:
            yield found


def _checked(document: Any) -> Config:
    """A configuration, if a document is one."""
    if document["schema"] != _SCHEMA:
        raise InvalidInput(f"schema {document['schema']!r:.40}; this version of maskcover reads schema {_SCHEMA}")
    config = Config(document)
    if min(config.count, config.batch_size - 1, config.document["shard_size"] - 1) < 0 or not 0 <= config.margin < 1:
        raise InvalidInput("a size or the margin is out of range")
    _ = config.chosen, config.procedure, config.regions, config.fingerprint, document["masks"], document["numerics"]
    return config


def _about(number: int, config: Config, shard: Shard) -> dict[str, str]:
    """What the file of a shard says of itself, and must say when it is read."""
    rows = digest([asdict(row) for row in shard.rows])
    return {"config": config.digest, "shard": str(number), "rows": rows}


@contextmanager
def _unless_there(path: Path) -> Iterator[Path]:
    """For writing a file that has one right content: a failure does not matter if another process has put it there.

    A process that finishes the run tidies up, and may take away what a slower one is about to rename.
    """
    try:
        yield path
    except InvalidInput:
        if not path.exists():
            raise


def _flat(document: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in document.items():
        if not prefix and name in _UNCOMPARED:
            continue
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value
