"""Fingerprints: the model, masks and numerics that a certificate is about, as texts and as one digest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from maskcover.canonical import digest
from maskcover.errors import FingerprintMismatch


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """A record of weights, masks, fill, numerics, library and device; it must be the same when the model serves.

    `entries` are pairs of texts, sorted by name, such as ``("weights", "sha256:…")``.

    >>> mine = Fingerprint.of({"weights": "a", "device": "cpu"})
    >>> mine == Fingerprint.of({"device": "cpu", "weights": "a"}), mine.differences(Fingerprint.of({"weights": "b"}))
    (True, ('device: cpu, not -', 'weights: a, not b'))
    """

    entries: tuple[tuple[str, str], ...]

    @classmethod
    def of(cls, entries: Mapping[str, str]) -> Fingerprint:
        """The fingerprint of named texts."""
        return cls(tuple(sorted((name, str(text)) for name, text in entries.items())))

    @property
    def digest(self) -> str:
        """The digest ``sha256:…`` of the entries."""
        return digest(dict(self.entries))

    def differences(self, other: Fingerprint) -> tuple[str, ...]:
        """One text for each entry in which this one differs from another."""
        mine, theirs = dict(self.entries), dict(other.entries)
        names = sorted(mine.keys() | theirs.keys())
        entries = ((name, mine.get(name, "-"), theirs.get(name, "-")) for name in names)
        return tuple(f"{name}: {own}, not {other_text}" for name, own, other_text in entries if own != other_text)

    def expect(self, certified: Fingerprint) -> None:
        """Raise `FingerprintMismatch` unless this is the fingerprint that was certified."""
        if self != certified:
            raise FingerprintMismatch(
                f"this is not what was certified: {'; '.join(self.differences(certified))}. "
                "Serve what was certified, or certify anew"
            )
