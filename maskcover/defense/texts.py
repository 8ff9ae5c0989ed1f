"""Procedures from texts and from what users type; those of other distributions are found by their entry points."""

from __future__ import annotations

import ast
from collections.abc import Callable
from importlib.metadata import EntryPoint
from typing import Any

from maskcover.defense.intervals import Intervals
from maskcover.defense.multilabel import MultiLabel
from maskcover.defense.named import bagcert, clipped_bagnet, derandomized_smoothing, patchguard, smoothed_vit
from maskcover.defense.procedure import Procedure
from maskcover.defense.procedures import ChallengerMasking, Detection, DoubleMasking
from maskcover.defense.view_procedures import RobustMasking, Voting
from maskcover.errors import InvalidInput, MissingExtra
from maskcover.installed import entry_points

GROUP = "maskcover.procedures"
_BUILT_IN: tuple[type[Procedure], ...] = (
    DoubleMasking, ChallengerMasking, Detection, Voting, RobustMasking, Intervals, MultiLabel,
)  # fmt: skip
_NAMED = (derandomized_smoothing, smoothed_vit, clipped_bagnet, bagcert, patchguard)
_OWN: dict[str, Callable[..., Procedure]] = {kind.name: kind for kind in _BUILT_IN}
_OWN.update({configuration.__name__: configuration for configuration in _NAMED})
_LONGEST = 10_000


def parse_procedure(procedure: Procedure | str) -> Procedure:
    """Read a procedure from its text; a procedure is returned as it is.

    Args:
        procedure: A value, or a text such as ``double_masking(rule='all-pairs')`` or ``detection(threshold=0.5)``.
            Named configurations such as ``smoothed_vit()`` stand for the procedures that they make
            (`maskcover.defense.named`). Names of procedures in other installed distributions, entry points of the group
            ``maskcover.procedures``, are read too. Arguments are literals; nothing is evaluated.

    Raises:
        InvalidInput: the text cannot be read, there is no procedure of that name, or it has no such arguments.

    >>> parse_procedure("detection(threshold=0.5)")
    Detection(threshold=0.5, alert_below=None, top=1)
    """
    if isinstance(procedure, Procedure):
        return procedure
    if not isinstance(procedure, str) or len(procedure) > _LONGEST:
        raise InvalidInput(f"expected a procedure or its text, such as {str(DoubleMasking())!r}; got {procedure!r:.80}")
    name, arguments, keywords = _call(procedure)
    try:
        return _kind(name)(*arguments, **keywords)
    except TypeError as error:
        raise InvalidInput(f"cannot read the procedure {procedure[:80]!r}: {error}") from error


def procedure_of(
    procedure: Procedure | str | None,
    method: str | None = None,
    threshold: float | None = None,
    rule: str | None = None,
    exhaustive: bool = False,
) -> Procedure:
    """The procedure that a value, its text, or ``method=`` with further arguments names.

    Raises:
        InvalidInput: it is named in both ways, or there is no such procedure.

    >>> procedure_of(None, "detect", 0.5), procedure_of(None)
    (Detection(threshold=0.5, alert_below=None, top=1), DoubleMasking(rule='rows', exhaustive=False, first_round=None))
    """
    if procedure is None:
        return Procedure.of_method(
            "double" if method is None else method, threshold, "rows" if rule is None else rule, exhaustive
        )
    beside = {"method": method, "threshold": threshold, "rule": rule, "exhaustive": exhaustive or None}
    others = [name for name, value in beside.items() if value is not None]
    if others:
        raise InvalidInput(
            f"procedure= names the whole defence; leave {', '.join(others)} out, or write it into the procedure, such "
            "as DoubleMasking(rule='all-pairs')"
        )
    return parse_procedure(procedure)


def procedure_in(document: Any) -> Procedure:
    """The procedure that a run.json names; the inverse of `Procedure.document`."""
    method = document["method"]
    if "(" in method:
        return parse_procedure(method)
    return Procedure.of_method(*(document[name] for name in ("method", "threshold", "rule", "exhaustive")))


def _call(text: str) -> tuple[str, list[Any], dict[str, Any]]:
    """The name and the arguments of a call with literals."""
    try:
        node = ast.parse(text.strip(), mode="eval").body
        if isinstance(node, ast.Name):
            return node.id, [], {}
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            keywords = {word.arg: _argument(word.value) for word in node.keywords if word.arg}
            if len(keywords) == len(node.keywords):
                return node.func.id, [_argument(value) for value in node.args], keywords
    except (SyntaxError, ValueError, TypeError, RecursionError, MemoryError) as error:
        raise InvalidInput(f"cannot read the procedure {text[:80]!r}; write it like {str(Detection(0.5))!r}") from error
    raise InvalidInput(f"expected a procedure with its arguments, such as {str(Detection(0.5))!r}; got {text[:80]!r}")


def _argument(node: ast.expr) -> Any:
    """The value of an argument: a literal, or the text of a call such as ``bands(width=4)``, which the class reads."""
    if isinstance(node, ast.Tuple):
        return tuple(_argument(part) for part in node.elts)
    return ast.unparse(node) if isinstance(node, ast.Call) else ast.literal_eval(node)


def _kind(name: str) -> Callable[..., Procedure]:
    """The class of a procedure, or a named configuration, by its name."""
    if name in _OWN:
        return _OWN[name]
    installed = {entry.name: entry for entry in entry_points(group=GROUP)}
    if name not in installed:
        names = ", ".join([*_OWN, *sorted(installed)])
        raise InvalidInput(
            f"there is no procedure {name!r}; there are {names}; a procedure of another distribution must be installed"
        )
    return _loaded(installed[name])


def _loaded(entry: EntryPoint) -> type[Procedure]:
    try:
        kind = entry.load()
    except ImportError as error:
        raise MissingExtra(f"the procedure {entry.name} cannot be imported ({error}); install what it needs") from error
    if not isinstance(kind, type) or not issubclass(kind, Procedure):
        raise InvalidInput(f"the entry point {entry.name} of {GROUP} names {kind!r}, which is no Procedure")
    return kind
