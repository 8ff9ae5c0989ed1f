"""The old home of `maskcover.covering.placements`, for one release."""

from __future__ import annotations

import warnings
from typing import Any

from maskcover.covering import placements
from maskcover.errors import MaskcoverWarning

_NEW_NAMES = {
    "PlacementMap": "PlacementMap",
    "placement_map": "placement_map",
    "covered_share": "covered_fraction",
}


def __getattr__(name: str) -> Any:
    if name not in _NEW_NAMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    new = _NEW_NAMES[name]
    warnings.warn(f"{__name__}.{name} is now {placements.__name__}.{new}", MaskcoverWarning, stacklevel=2)
    return getattr(placements, new)
