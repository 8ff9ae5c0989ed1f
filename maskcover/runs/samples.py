"""The samples of a run: some of its images, and ids that are all different."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from maskcover.classifiers.evaluation import Images
from maskcover.errors import InvalidInput


@dataclass(frozen=True, slots=True)
class SomeImages:
    """Some of the images, each fetched when it is needed."""

    images: Images
    members: Sequence[int]

    def __len__(self) -> int:
        return len(self.members)

    def __getitem__(self, number: int, /) -> Any:
        return self.images[self.members[number]]


def checked_ids(ids: Sequence[str] | None, count: int) -> tuple[str, ...]:
    """The ids as texts, by default the numbers of the images; raise `InvalidInput` unless all are different."""
    names = tuple(map(str, range(count) if ids is None else ids))
    if len(names) != count or len(set(names)) != count:
        raise InvalidInput(
            f"expected {count} ids, all different; got {len(names)}, {len(set(names))} of them different"
        )
    odd = next((name for name in names if name.encode(errors="ignore").decode() != name), None)
    if odd is not None:
        raise InvalidInput(f"ids must be texts that UTF-8 can encode; got {odd!r}: rename the file, or give ids=")
    return names
