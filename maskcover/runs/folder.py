"""The folder of a run: its configuration, its masks, and one Parquet file for each shard of samples.

RUN/run.json            the configuration, sealed by a digest; another configuration in the same folder is refused
RUN/masks.json          the masks
RUN/shards/00000.parquet   the rows of the first samples, written once, by an atomic rename

The file of a shard names its number, its configuration, its run.json and the digest of its rows: a file that was
damaged, renamed or copied here from another run is refused, and so is a run.json that was edited.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from maskcover.canonical import cannot_write
from maskcover.errors import InvalidInput
from maskcover.masks import MaskSet
from maskcover.runs.columns import SCHEMA as ROW_SCHEMA
from maskcover.runs.columns import digest_of, pyarrow, read, rows_of, table_of
from maskcover.runs.config import LARGEST_SHARD, Config, Shard
from maskcover.runs.documents import ODD, read_document, written
from maskcover.runs.stores import Place, RemotePath, names_in, place, write
from maskcover.terminal import printable

_LARGEST_BYTES = 2**30  # of the rows of a shard, unpacked
_DIGITS = 18  # of the number of a shard, in the name of its file
_OURS = re.compile(r"(run|masks|frame)\.json|shards|\..*", re.DOTALL)
_SHARD = re.compile(r"[0-9]+\.parquet|\..*", re.DOTALL)
_BINDINGS = ("config", "run", "shard", "rows")  # entries of a shard's file that bind it to its run


@dataclass(frozen=True, slots=True)
class Folder:
    """A run's folder, in a file system or in an object store.

    Args:
        path: The folder; a text or path is turned into its place.
    """

    path: Place

    def __post_init__(self) -> None:
        object.__setattr__(self, "path", place(self.path))

    def config(self) -> Config | None:
        """The configuration in the folder; None if there is none yet."""
        path = self.path / "run.json"
        try:
            return Config.checked(read_document(path, "run.schema.json"), valid=True)
        except FileNotFoundError:
            return None
        except ODD as error:
            raise InvalidInput(f"{path} is no configuration of a run ({error}); name another folder") from error

    @property
    def has_masks(self) -> bool:
        """Whether the masks are written; a run that was stopped at its very start may lack them."""
        return (self.path / "masks.json").exists()

    def masks(self, config: Config) -> MaskSet:
        """The masks of the run."""
        path = self.path / "masks.json"
        masks = _masks_in(path)
        if masks.digest != config.document["masks"]:
            raise InvalidInput(f"{path} does not hold the masks of the run; put back the file with which it was made")
        return masks

    def start(self, config: Config) -> Config:
        """Write a configuration unless another process was faster; returns the one in the folder.

        Raises:
            InvalidInput: the folder holds something else, or cannot be written.
        """
        expect_free(self.path)
        try:
            (self.path / "shards").mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise cannot_write(f"to the folder {self.path}", error) from error
        content = written(config.sealed().document)
        with _unless_there(self.path / "run.json") as path:
            write(path, content, only_new=True)
        return self.existing()

    def keep(self, masks: MaskSet) -> None:
        """Write the masks, if they are missing in the folder."""
        if not (self.path / "masks.json").exists():
            with _unless_there(self.path / "masks.json") as path:
                write(path, masks.to_json().encode())

    def existing(self) -> Config:
        """The configuration of a folder that must hold a run."""
        config = self.config()
        if config is None:
            raise InvalidInput(f"{self.path} holds no run; start one with: maskcover certify … --out {self.path}")
        return config

    def numbers(self, config: Config) -> list[int]:
        """The numbers of the shards in the folder, in order."""
        return sorted(number for number in self.there() if number < config.shards)

    def there(self) -> frozenset[int]:
        """The numbers of all shards that the folder holds; taken from its files in one look."""
        numbers = (shard_number(path.name) for path in (self.path / "shards").glob("[0-9]*.parquet"))
        return frozenset(number for number in numbers if number is not None)

    def has(self, number: int) -> bool:
        """Whether a shard was written."""
        return self._shard_path(number).exists()

    def shard(self, number: int, config: Config) -> Shard | None:
        """The rows of a shard; None if it was not written yet.

        Raises:
            InvalidInput: see `columns`.
        """
        columns = self.columns(number, config)
        return None if columns is None else Shard(tuple(rows_of(columns[0])), columns[1])

    def columns(self, number: int, config: Config) -> tuple[Any, float] | None:
        """The rows of a shard as a `pyarrow.Table`, and the seconds that they took; None if it was not written yet.

        Raises:
            InvalidInput: the file is damaged, or was made by another configuration.
        """
        path = self._shard_path(number)
        try:
            content = io.BytesIO(path.read_bytes())
        except FileNotFoundError:
            return None
        except OSError as error:
            raise InvalidInput(f"cannot read {path}: {error.strerror or error}") from error
        try:
            file = pyarrow().parquet.ParquetFile(content, pre_buffer=False)
            _expect_small(file.metadata, len(config.members(number)))
            # In this thread: pyarrow's own were seen to abort one process in nine at its end, after all was written.
            table = file.read(use_threads=False)
            metadata = {key.decode(): value.decode() for key, value in (table.schema.metadata or {}).items()}
            seconds = float(metadata["seconds"])
            rows, rows_digest = read(table)
            expected = _about(number, config, rows_digest)
        except (OSError, ValueError, KeyError, TypeError, NotImplementedError) as error:
            raise InvalidInput(f"{path} is no shard of a run ({error}); delete it, and it is made again") from error
        wrong = [name for name in _BINDINGS if metadata.get(name) != expected.get(name)]
        if wrong or len(rows) != len(config.members(number)):
            raise InvalidInput(f"{path} {_reason(wrong)}; delete it, and it is made again")
        return rows, seconds

    def all_columns(self, config: Config) -> Iterator[tuple[Any, float]]:
        """The columns and the seconds of the shards that are there, in order, one at a time; see `columns`."""
        for number in self.numbers(config):
            columns = self.columns(number, config)
            if columns is not None:
                yield columns

    def write(self, number: int, config: Config, shard: Shard) -> None:
        """Write a shard, whole or not at all."""
        table = table_of(shard.rows)
        about = _about(number, config, digest_of(table))
        about |= {"schema": str(ROW_SCHEMA), "seconds": f"{shard.seconds:.3f}"}
        content = io.BytesIO()
        pyarrow().parquet.write_table(table.replace_schema_metadata(about), content, compression="zstd")
        with _unless_there(self._shard_path(number)) as path:
            write(path, content.getvalue())

    def tidy(self) -> None:
        """Remove what killed processes left half written; only when nothing is missing any more."""
        for pattern in (".run.json.*", ".masks.json.*", "shards/.*.parquet.*", "shards/.*.lease*"):
            for leftover in self.path.glob(pattern):
                leftover.unlink(missing_ok=True)

    def _shard_path(self, number: int) -> Place:
        return self.path / "shards" / f"{number:05}.parquet"


def shard_number(name: str) -> int | None:
    """The number of the shard that is kept in a file of this name; None if no shard is.

    >>> shard_number("00012.parquet"), shard_number("12.parquet"), shard_number("00012.bad.parquet")
    (12, None, None)
    """
    digits = name.removesuffix(".parquet")
    if digits == name or not (digits.isdecimal() and digits.isascii() and len(digits) < _DIGITS):
        return None
    return int(digits) if digits == f"{int(digits):05}" else None


def expect_free(path: Place) -> None:
    """Raise `InvalidInput` if a folder without a run holds something else, such as pictures: runs stay apart.

    Files whose names begin with a dot do not count, and nor does what a run that was killed early has left.
    """
    beside = [name for name in names_in(path) if not _OURS.fullmatch(name)]
    beside += [f"shards/{name}" for name in names_in(path / "shards") if not _SHARD.fullmatch(name)]
    if beside:
        raise InvalidInput(
            f"{path} is not empty and holds no run: there is {printable(sorted(beside)[0])}. Name a new folder for the "
            "run, such as RUN"
        )


def shards(folder: Folder, config: Config) -> Iterator[Shard]:
    """The shards that are there, in order, one at a time."""
    for number in folder.numbers(config):
        shard = folder.shard(number, config)
        if shard is not None:
            yield shard


def _masks_in(path: Place) -> MaskSet:
    """The masks in a file."""
    if not isinstance(path, RemotePath):
        return MaskSet.load(path)
    try:
        return MaskSet.from_json(path.read_bytes().decode())
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(f"cannot read {path}: {error}") from error


def _about(number: int, config: Config, rows: str) -> dict[str, str]:
    """What the file of a shard says of itself, and must say when it is read; `rows` is the digest of its rows."""
    about = {"config": config.digest, "shard": str(number), "rows": rows}
    return about if config.claim is None else about | {"run": config.claim}


def _reason(wrong: list[str]) -> str:
    """Why a shard is refused."""
    if "config" in wrong:
        return "was made by another configuration"
    if wrong == ["run"]:
        return "was made under another run.json: put back the one with which it was made"
    return "is damaged, or was copied or renamed"


def _expect_small(metadata: Any, rows: int) -> None:
    """Raise `ValueError` before a file is unpacked that holds more than the rows of a shard."""
    size = sum(metadata.row_group(number).total_byte_size for number in range(metadata.num_row_groups))
    if metadata.num_rows > min(rows, LARGEST_SHARD) or size > _LARGEST_BYTES:
        raise ValueError(f"it claims {metadata.num_rows:,} rows of {size:,} bytes; expected {rows:,} rows")


@contextmanager
def _unless_there(path: Place) -> Iterator[Place]:
    """For writing a file that has one right content: a failure does not matter if another process has put it there.

    A process that finishes the run tidies up, and may take away what a slower one is about to rename.
    """
    try:
        yield path
    except InvalidInput:
        if not path.exists():
            raise
