"""Every error and warning that maskcover raises on purpose; all of them descend from `MaskcoverError`.

A message says what was expected, what was found, and what to do.
"""

from __future__ import annotations


class MaskcoverError(Exception):
    """The root of every error raised by maskcover.

    >>> import maskcover as mc
    >>> try:
    ...     mc.cover("circles(size=3)")
    ... except mc.MaskcoverError as error:
    ...     print(type(error).__name__)
    InvalidInput
    """


class InvalidInput(MaskcoverError, ValueError):
    """An argument, a text or a file is not what it should be.

    >>> import maskcover as mc
    >>> mc.cover(mc.squares(size=300))
    Traceback (most recent call last):
    maskcover.errors.InvalidInput: squares(size=300) is 300×300 and has no place on 224×224; ...
    """


class MaskFileError(InvalidInput):
    """A mask-set file is damaged, edited or of an unknown version; names the offending field.

    >>> import tempfile
    >>> import maskcover as mc
    >>> with tempfile.NamedTemporaryFile(suffix=".json") as file:
    ...     mc.MaskSet.load(file.name)
    Traceback (most recent call last):
    maskcover.errors.MaskFileError: ...
    """


class ImpossibleCover(InvalidInput):
    """No mask set can meet the request; the message says what would be possible.

    >>> import maskcover as mc
    >>> mc.cover(mc.squares(size=32), max_mask_area=100)
    Traceback (most recent call last):
    maskcover.errors.ImpossibleCover: ...
    """


class NotCovering(InvalidInput):
    """A mask set was to be used against regions that it does not cover; carries the witness.

    >>> import maskcover as mc
    >>> masks = mc.cover(mc.squares(size=2), image_size=8, grid=(2, 2))
    >>> mc.certify(lambda images: images.mean(axis=(1, 2)), [], [], masks[1:], regions="squares(size=2)", batch_size=4)
    Traceback (most recent call last):
    maskcover.errors.NotCovering: ...
    """


class DiskFull(InvalidInput):
    """A file cannot be written since the disk is full; nothing is wrong with the input."""


class UndecidedPrediction(MaskcoverError, ArithmeticError):
    """The classifier gave no unique finite top score where a label was needed.

    >>> import numpy as np
    >>> import maskcover as mc
    >>> masks = mc.cover(mc.squares(size=2), image_size=8, grid=(2, 2))
    >>> defended = mc.defend(lambda images: np.zeros((len(images), 2)), masks, batch_size=4)  # scores are always tied
    >>> defended(np.zeros((1, 8, 8)))
    Traceback (most recent call last):
    maskcover.errors.UndecidedPrediction: no defended label for the images [0]: non-finite or tied scores
    """


class ProbeFailed(MaskcoverError, RuntimeError):
    """A probe before a run showed that the classifier breaks an assumption of certificates; names it, and the remedy.

    >>> import numpy as np
    >>> import maskcover as mc
    >>> class Peeks:                                          # looks at what is hidden
    ...     batch_size = 4
    ...     def scores(self, images, hidden):
    ...         return np.stack([np.array([image[0, 0], 0.5]) for image in images])
    >>> masks = mc.cover(mc.squares(size=2), image_size=8, grid=(2, 2))
    >>> mc.certify(Peeks(), np.ones((1, 8, 8)), [0], masks)
    Traceback (most recent call last):
    maskcover.errors.ProbeFailed: ...
    """


class RunStopped(MaskcoverError, RuntimeError):
    """A long computation cannot go on, whatever image comes next.

    In a run: the classifier failed on an image, and then on the first image too, which it could score before. In
    training: the loss is no finite number any more.

    >>> import maskcover as mc
    >>> raise mc.RunStopped("the classifier fails on images that it could score before")
    Traceback (most recent call last):
    maskcover.errors.RunStopped: the classifier fails on images that it could score before
    """


class FingerprintMismatch(InvalidInput):
    """The model to serve or to replay is not the one that was certified; the message names the differences.

    >>> import numpy as np
    >>> import maskcover as mc
    >>> def scores(images):
    ...     return np.stack([images.mean(axis=(1, 2)), np.full(len(images), 0.5)], axis=1)
    >>> masks = mc.cover(mc.squares(size=2), image_size=8, grid=(2, 2))
    >>> result = mc.certify(scores, np.ones((1, 8, 8)), [0], masks, batch_size=4, fill=1.0)
    >>> mc.defend(lambda images: scores(images) / 2, result)
    Traceback (most recent call last):
    maskcover.errors.FingerprintMismatch: ...
    """


class ReadOnly(InvalidInput, AttributeError):
    """An attribute of a defence cannot be set: what is served would no longer be what was certified."""


class MissingExtra(MaskcoverError, ImportError):
    """A framework or package of an optional extra is not installed; names the extra.

    >>> import maskcover as mc
    >>> raise mc.MissingExtra("timm:NAME needs the package timm")
    Traceback (most recent call last):
    maskcover.errors.MissingExtra: timm:NAME needs the package timm
    """


class SynthesisFault(MaskcoverError, RuntimeError):
    """A synthesised mask set failed its own verification: a bug of maskcover, never of the caller."""


class MaskcoverWarning(UserWarning):
    """Something is allowed but rarely meant, such as a mask that hides nothing.

    >>> import warnings
    >>> import numpy as np
    >>> import maskcover as mc
    >>> with warnings.catch_warnings(record=True) as caught:
    ...     warnings.simplefilter("always")
    ...     masks = mc.MaskSet.from_array(np.zeros((1, 8, 8), dtype=bool))  # a mask that hides nothing
    >>> [str(warning.message) for warning in caught if warning.category is mc.MaskcoverWarning]
    ['mask 0 hides nothing']
    """


def install_hint(extra: str) -> str:
    """The command that installs an extra; maskcover is on no package index, so it is installed from a checkout.

    If pip recorded the path of the checkout, and the folder is still there, the command names it.
    """
    import shlex

    checkout = _checkout()
    if checkout is None:
        return f"from a checkout of maskcover: pip install '.[{extra}]'"
    folder, editable = checkout
    return f"try: pip install {'-e ' if editable else ''}{shlex.quote(f'{folder}[{extra}]')}"


def _checkout() -> tuple[str, bool] | None:
    """The folder that maskcover was installed from, and whether the installation follows it (PEP 610)."""
    # Not at the top: whatever the errors import is imported by every module.
    import json
    from importlib import metadata
    from pathlib import Path
    from urllib.parse import unquote, urlsplit

    try:
        record = json.loads(metadata.distribution("maskcover").read_text("direct_url.json") or "null")
        url = urlsplit(record["url"])
        folder = unquote(url.path)
        editable = bool(record.get("dir_info", {}).get("editable", False))
        return (folder, editable) if url.scheme == "file" and Path(folder).is_dir() else None
    except (metadata.PackageNotFoundError, OSError, ValueError, TypeError, KeyError, AttributeError):
        return None


class NotBound(MaskcoverWarning):
    """A warning that predictions are bound to no certification, so that no certificate applies to them."""
