"""Every error and warning that maskcover raises on purpose; all of them descend from `MaskcoverError`.

A message says what was expected, what was found, and what to do.
"""

from __future__ import annotations


class MaskcoverError(Exception):
    """The root of every error raised by maskcover."""


class InvalidInput(MaskcoverError, ValueError):
    """An argument, a text or a file is not what it should be."""


class MaskFileError(InvalidInput):
    """A mask-set file is damaged, edited or of an unknown version; names the offending field."""


class ImpossibleCover(InvalidInput):
    """No mask set can meet the request; the message says what would be possible."""


class NotCovering(InvalidInput):
    """A mask set was to be used against regions that it does not cover; carries the witness."""


class DiskFull(InvalidInput):
    """A file cannot be written since there is no room for it; nothing is wrong with what was asked."""


class UndecidedPrediction(MaskcoverError, ArithmeticError):
    """The classifier gave no unique finite top score where a label was needed."""


class ProbeFailed(MaskcoverError, RuntimeError):
    """Before a run the classifier was seen to break what a certificate rests on; says what, and what to do."""


class RunStopped(MaskcoverError, RuntimeError):
    """A run over a data set cannot go on: the classifier fails on image after image."""


class FingerprintMismatch(InvalidInput):
    """What is to serve, or to be replayed, is not what was certified; names the differences."""


class ReadOnly(InvalidInput, AttributeError):
    """Part of a defence was to be set, which would serve something else than was certified."""


class MissingExtra(MaskcoverError, ImportError):
    """A framework or package of an optional extra is not installed; names the extra."""


class SynthesisFault(MaskcoverError, RuntimeError):
    """A synthesised mask set failed its own verification: a bug of maskcover, never of the caller."""


class MaskcoverWarning(UserWarning):
    """Something is allowed but rarely meant, such as a mask that hides nothing."""


def install_hint(extra: str) -> str:
    """What to type for an extra that is not installed: maskcover is on no index, it is installed from a checkout.

    Where pip kept which one that was, and it is still there, its path is in the command.
    """
    import shlex

    found = _checkout()
    if found is None:
        return f"from a checkout of maskcover: pip install '.[{extra}]'"
    folder, editable = found
    return f"try: pip install {'-e ' if editable else ''}{shlex.quote(f'{folder}[{extra}]')}"


def _checkout() -> tuple[str, bool] | None:
    """The folder that maskcover was installed from, and whether the installation follows it (PEP 610)."""
    # Only here: what is imported with the errors is imported with everything.
    import json
    from importlib import metadata
    from pathlib import Path
    from urllib.parse import unquote, urlsplit

    try:
        kept = json.loads(metadata.distribution("maskcover").read_text("direct_url.json") or "null")
        url = urlsplit(kept["url"])
        folder = unquote(url.path)
        editable = bool(kept.get("dir_info", {}).get("editable", False))
        return (folder, editable) if url.scheme == "file" and Path(folder).is_dir() else None
    except (metadata.PackageNotFoundError, OSError, ValueError, TypeError, KeyError, AttributeError):
        return None


class NotBound(MaskcoverWarning):
    """Predictions are bound to no certification: nothing says that a certificate applies to them."""
