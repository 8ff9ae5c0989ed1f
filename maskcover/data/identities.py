"""Reads `Preprocessing.identity` back, the text that a fingerprint keeps, to prepare images without the model.

The text is never evaluated as Python: only the calls that a preprocessing consists of are read.
"""

from __future__ import annotations

import ast
from collections.abc import Callable

from maskcover.data.preprocessing import Preprocessing
from maskcover.errors import InvalidInput
from maskcover.regions.preprocessing import CenterCrop, Crop, Fit, Flip, Pad, Resize

_LONGEST = 100_000  # characters
_MAKERS: dict[str, Callable[..., object]] = {
    maker.__name__: maker for maker in (CenterCrop, Crop, Fit, Flip, Pad, Preprocessing, Resize)
}


def read_preprocessing(identity: str) -> Preprocessing:
    """The preprocessing of a fingerprint.

    Args:
        identity: The text of `Preprocessing.identity`.

    Raises:
        InvalidInput: it is no such text, as for images that were prepared by code of the user.

    >>> shrink = Preprocessing((Resize(4, "bicubic"), CenterCrop(2)), mean=(0.5,), std=(0.25,), channels=1)
    >>> read_preprocessing(shrink.identity) == shrink
    True
    """
    text, _, _ = identity.rpartition(" by Pillow ")
    try:
        if not text or len(text) > _LONGEST:
            raise ValueError("no preprocessing by Pillow")
        preprocessing = _value(ast.parse(text, mode="eval").body)
        if not isinstance(preprocessing, Preprocessing):
            raise TypeError("no preprocessing")
        if repr(preprocessing) != text:
            raise ValueError("it reads back as another one")
    except (SyntaxError, ValueError, TypeError, ArithmeticError, RecursionError, MemoryError) as error:
        raise InvalidInput(
            f"the preprocessing of the run cannot be made again ({error}): expected the text of a "
            f"maskcover.data.Preprocessing; got {identity[:80]!r}"
        ) from error
    return preprocessing


def _value(node: ast.expr) -> object:
    """The value of a call, a tuple or a number or text; anything else is a `ValueError`."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _MAKERS:
        if any(keyword.arg is None for keyword in node.keywords):
            raise ValueError("an argument without a name")
        keywords = {str(keyword.arg): _value(keyword.value) for keyword in node.keywords}
        arguments = [_value(argument) for argument in node.args]
        return _MAKERS[node.func.id](*arguments, **keywords)
    if isinstance(node, ast.Tuple):
        return tuple(map(_value, node.elts))
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        number = _value(node.operand)
        if isinstance(number, int | float):
            return -number
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float | str):
        return node.value
    raise ValueError(f"unexpected {ast.unparse(node)[:40]!r}")
