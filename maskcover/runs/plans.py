"""The shards of a run by name, as they are handed out; in the frame of the source each has a size of image as well.

A run in the frame of the input has one folder, and its shards have numbers. A run in the frame of the source has a
folder for each size of image, and its shards are named by size and number: ``("375x500", 3)``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Key = int | tuple[str, int]
"""The name of a shard: its number; in the frame of the source the size of its images and its number."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The number of shards of a run, and the images that they are about.

    Args:
        sizes: The number of images of each size; for a run in the frame of the input, of the size "".
        shard_size: Images in a shard.
        frame: The document of a run in the frame of the source, without its seal; None in that of the input.
    """

    sizes: Mapping[str, int]
    shard_size: int
    frame: Mapping[str, Any] | None = None

    def keys(self, part: tuple[int, int] = (0, 1)) -> tuple[Key, ...]:
        """The names of the shards; of part (i, n) every n-th one of each size from the i-th on.

        Small sizes have one shard each: they do not all fall to the first part.

        >>> Plan({"": 100}, 30).keys(), Plan({"": 100}, 30).keys((1, 2))
        ((0, 1, 2, 3), (1, 3))
        >>> Plan({"2x2": 3, "4x4": 3}, 5).keys((1, 2))
        (('4x4', 0),)
        """
        first, step = part
        return tuple(
            number if name == "" else (name, number)
            for place, (name, count) in enumerate(self.sizes.items())
            for number in range((first - place) % step, -(-count // self.shard_size), step)
        )

    def images(self, key: Key) -> int:
        """The number of images in a shard.

        >>> [Plan({"": 100}, 30).images(number) for number in range(4)]
        [30, 30, 30, 10]
        """
        size, number = split(key)
        return min(self.shard_size, self.sizes[size] - number * self.shard_size)

    def document(self) -> dict[str, Any]:
        """The plan as JSON."""
        return {
            "sizes": dict(self.sizes),
            "shard_size": self.shard_size,
            "frame": None if self.frame is None else dict(self.frame),
        }

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Plan:
        """The plan in a document of `document`."""
        return cls(dict(document["sizes"]), document["shard_size"], document["frame"])


def split(key: Key) -> tuple[str, int]:
    """The size of a shard, "" in the frame of the input, and its number.

    >>> split(3), split(("375x500", 3))
    (('', 3), ('375x500', 3))
    """
    return ("", key) if isinstance(key, int) else key
