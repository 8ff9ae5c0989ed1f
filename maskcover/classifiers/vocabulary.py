"""Names in fingerprints: of classes, and of the entries that earlier versions did not have."""

from __future__ import annotations

from collections.abc import Mapping

_LATER = {
    "attribute": "attributes",
    "attributes": "attributes",
    "code": "code",
    "decision": "the output of labels",
    "external": "files beside the network",
    "flat": "the form of its input",
    "function": "what the function carries",
    "hook": "hooks",
    "output": "the output that is taken",
    "packages": "versions of packages",
    "script": "code",
    "scores": "the method that scores",
}

# Fingerprints name a class by the module where it lived at first, so that earlier runs can be continued.
_FIRST = {"maskcover.classifiers.arrays.ArrayClassifier": "maskcover.defense.arrays.ArrayClassifier"}


def class_name(kind: type) -> str:
    """The name of a class in fingerprints, with its module.

    >>> from fractions import Fraction
    >>> class_name(Fraction)
    'fractions.Fraction'
    """
    name = f"{kind.__module__}.{kind.__qualname__}"
    return _FIRST.get(name, name)


def not_named(now: Mapping[str, str], before: Mapping[str, str]) -> dict[str, str]:
    """The entries of a fingerprint that an earlier version did not have, because it had none of their kind.

    Returns:
        The names of the entries, each with its kind in words.

    >>> not_named({"attribute scale": "1.0", "fill": "0.0"}, {"fill": "0.0"})
    {'attribute scale': 'attributes'}
    """
    missing = [name for name in now if name not in before]
    return {name: _LATER[name.split()[0]] for name in missing if name.split()[0] in _LATER}
