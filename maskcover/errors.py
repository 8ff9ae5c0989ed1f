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


class NotBound(MaskcoverWarning):
    """Predictions are bound to no certification: nothing says that a certificate applies to them."""
