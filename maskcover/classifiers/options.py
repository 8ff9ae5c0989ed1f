"""Errors for unknown options, with the name that was probably meant; and arguments under earlier names."""

from __future__ import annotations

import inspect
import re
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from difflib import get_close_matches
from typing import Any

from maskcover.errors import InvalidInput, MaskcoverWarning

CALLS = (
    "exhaustive", "ids", "keep_scores", "keep_tables", "launcher", "method", "min_margin", "numerics", "preprocessing",
    "probes", "procedure", "progress", "regions", "reuse", "rule", "shard", "shard_size", "source", "task", "threshold",
    "thresholds",
)  # fmt: skip
"""Options of `certify`, `predict`, `run` and `defend` themselves; all others go to the adapter."""


def renamed(options: dict[str, Any], earlier: str, now: str, value: Any) -> Any:
    """The value of an argument that had another name up to version 0.1; removed from the options, with a warning.

    >>> renamed({}, "margin", "min_margin", 0.5)
    0.5
    """
    if earlier not in options:
        return value
    warnings.warn(f"{earlier}= is now {now}=", MaskcoverWarning, stacklevel=3)
    earlier_value = options.pop(earlier)
    if value is not None:
        raise InvalidInput(f"{earlier}= is the earlier name of {now}=; give {now}= alone")
    return earlier_value


@contextmanager
def known_options(what: str, options: Mapping[str, Any], *takers: Callable[..., Any]) -> Iterator[None]:
    """Turn a `TypeError` about an unknown option into an `InvalidInput` with the name that was probably meant.

    >>> with known_options("the model", {"filll": 1}, lambda *, fill: fill):
    ...     (lambda *, fill: fill)(filll=1)
    Traceback (most recent call last):
    maskcover.errors.InvalidInput: the model: there is no option 'filll'; did you mean fill?
    """
    try:
        yield
    except TypeError as error:
        unknown = re.search(r"unexpected keyword argument '(\w+)'", str(error))
        if unknown is None or unknown[1] not in options:
            raise
        raise InvalidInput(f"{what}: {no_option(unknown[1], *takers)}") from error


def is_misspelt(name: str) -> bool:
    """Whether an option is probably a misspelt one of `CALLS`.

    >>> is_misspelt("exhaustve"), is_misspelt("fill")
    (True, False)
    """
    return name not in CALLS and bool(get_close_matches(name, CALLS, cutoff=0.8))


def no_option(name: str, *takers: Callable[..., Any]) -> str:
    """The error text for an unknown option, with the nearest existing ones, or all."""
    own = {word for taker in takers for word in _keywords(taker)}
    near = get_close_matches(name.lower().replace("-", "_"), sorted(own | set(CALLS)), n=2, cutoff=0.7)
    advice = f"did you mean {' or '.join(near)}?" if near else f"there are {', '.join(sorted(own)) or 'none'}"
    return f"there is no option {name!r}; {advice}"


def _keywords(taker: Callable[..., Any]) -> list[str]:
    """The names of keyword-only arguments."""
    every = inspect.signature(taker).parameters.values()
    return [parameter.name for parameter in every if parameter.kind is parameter.KEYWORD_ONLY]
