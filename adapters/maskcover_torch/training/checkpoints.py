"""The folder of a training run: its checkpoint, the best weights, and the history.

OUT/checkpoint.pt   the state that the next epoch needs, and the best weights so far; one file, replaced atomically
OUT/weights.pt      the state dict of the best epoch, for `load_state_dict`
OUT/history.json    the report

The last two are made from the first, which also holds the configuration and a digest of its own content.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from maskcover.canonical import write_atomically
from maskcover.errors import InvalidInput

_SCHEMA = 1
State = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Keeper:
    """The folder of a training run, and the configuration that its checkpoint must have."""

    folder: Path
    config: Mapping[str, Any]

    @property
    def path(self) -> Path:
        """The path of the checkpoint."""
        return self.folder / "checkpoint.pt"

    def start(self) -> State | None:
        """Make the folder now, so that an error comes before hours of work; returns the checkpoint's state, if any."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InvalidInput(f"cannot write to the folder {self.folder}: {error.strerror}") from error
        return self.load()

    def save(self, state: State) -> None:
        """Replace the checkpoint."""
        config = dict(self.config)
        document = {"schema": _SCHEMA, "config": config, "state": state, "digest": digest_of([config, state])}
        write_atomically(self.path, _bytes(document))

    def load(self) -> State | None:
        """The state of the checkpoint; None if there is none.

        Raises:
            InvalidInput: it is damaged, or has another configuration; the message names the differences.
        """
        if not self.path.exists():
            return None
        try:
            # Tensors and plain values only: a file from a stranger can run no code.
            document = torch.load(self.path, map_location="cpu", weights_only=True)
            config, state = document["config"], document["state"]
            whole = document["schema"] == _SCHEMA and document["digest"] == digest_of([config, state])
        except Exception as error:
            raise InvalidInput(f"{self.path} is no checkpoint ({_brief(error)}); delete it, and start again") from error
        if not whole:
            raise InvalidInput(f"{self.path} is damaged, or of another version; delete it, and start again")
        if config != self.config:
            differences = "; ".join(_differences(config, dict(self.config)))
            raise InvalidInput(f"{self.folder} holds another training ({differences}); name another folder")
        loaded: State = state
        return loaded

    def finish(self, best: State, report: Mapping[str, Any]) -> None:
        """Write the weights and the history, and remove half-written files of killed processes."""
        write_atomically(self.folder / "weights.pt", _bytes(best))
        write_atomically(self.folder / "history.json", (json.dumps(report, indent=2) + "\n").encode())
        for name in ("checkpoint.pt", "weights.pt", "history.json"):
            for leftover in self.folder.glob(f".{name}.*"):
                leftover.unlink(missing_ok=True)


def digest_of(value: object) -> str:
    """``sha256:…`` of nested dicts and sequences of tensors and plain values.

    >>> digest_of({"a": torch.zeros(2)}) == digest_of({"a": torch.zeros(2)}) != digest_of({"a": torch.zeros(1, 2)})
    True
    """
    hasher = hashlib.sha256()
    for part in _parts(value):
        hasher.update(len(part).to_bytes(8, "big"))
        hasher.update(part)
    return "sha256:" + hasher.hexdigest()


def _parts(value: object) -> Iterator[bytes]:
    if isinstance(value, Mapping):
        yield f"dict {len(value)}".encode()
        for key in sorted(value, key=repr):
            yield repr(key).encode()
            yield from _parts(value[key])
    elif isinstance(value, list | tuple):
        yield f"list {len(value)}".encode()
        for item in value:
            yield from _parts(item)
    elif isinstance(value, torch.Tensor):
        yield f"{value.dtype} {tuple(value.shape)}".encode()
        yield value.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes()
    else:
        yield repr(value).encode()


def _bytes(document: object) -> bytes:
    content = io.BytesIO()
    torch.save(document, content)
    return content.getvalue()


def _differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    names = [name for name in sorted(before.keys() | now.keys()) if before.get(name) != now.get(name)]
    return [f"{name}: {before.get(name)} before, {now.get(name)} now" for name in names]


def _brief(error: Exception) -> str:
    """The first line of an error: torch's messages can fill pages."""
    return f"{type(error).__name__}: {str(error).partition(chr(10))[0]:.200}"
