"""What serves must be what was certified: any difference is refused by its name (threats.md, 29)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from maskcover import certify, cover, defend, squares
from maskcover.certification import CertificationResult
from maskcover.classifiers import Fingerprint, evaluator_of
from maskcover.engine import fingerprint
from maskcover.errors import FingerprintMismatch
from maskcover.masks import MaskSet
from tests.defense.naive import BoolArray

MASKS = cover(squares(size=2), image_size=6, grid=(2, 2))
OTHERS = cover(squares(size=2), image_size=6, grid=(3, 3))
TEXTS = st.dictionaries(st.sampled_from("abcd"), st.sampled_from("xyz"))


@given(TEXTS, TEXTS)
def test_fingerprints_are_equal_exactly_when_all_entries_are(one: dict[str, str], other: dict[str, str]) -> None:
    first, second = Fingerprint.of(one), Fingerprint.of(dict(reversed(other.items())))
    assert (first == second) == (one == other) == (first.digest == second.digest)
    changed = {name for name in one.keys() | other.keys() if one.get(name) != other.get(name)}
    assert {text.partition(":")[0] for text in first.differences(second)} == changed
    if one == other:
        first.expect(second)
    else:
        with pytest.raises(FingerprintMismatch) as caught:
            first.expect(second)
        assert all(text in str(caught.value) for text in first.differences(second))


@dataclass
class Plain:
    """A plain classifier, with words about itself."""

    identity: dict[str, str]
    batch_size: int = 4
    weight: float = 1.0

    def scores(self, images: Sequence[Any], hidden: BoolArray) -> npt.NDArray[np.float64]:
        dark = np.array([(image < 0.5)[~hide].mean() for image, hide in zip(images, hidden, strict=True)])
        return np.stack([1 - self.weight * dark, self.weight * dark], axis=1)


DARK = np.zeros((2, 6, 6))


def certified(classifier: Plain) -> CertificationResult:
    return certify(classifier, DARK, [1, 1], MASKS)


def test_a_plain_classifier_is_what_it_says_it_is() -> None:
    result = certified(Plain({"weights": "one"}))
    served = defend(Plain({"weights": "one"}), result)
    assert served.fingerprint == result.fingerprint
    assert served(list(DARK)) == result.defended.tolist() == [1, 1]
    with pytest.raises(FingerprintMismatch, match="weights: two, not one"):
        defend(Plain({"weights": "two"}), result)
    with pytest.raises(FingerprintMismatch, match="batch_size: 5, not 4"):
        defend(Plain({"weights": "one"}, batch_size=5), result)

    class Derived(Plain):
        pass

    with pytest.raises(FingerprintMismatch, match=r"classifier: .*Derived, not .*Plain"):
        defend(Derived({"weights": "one"}), result)


def test_a_classifier_cannot_speak_for_the_library() -> None:
    liar = Plain(dict.fromkeys(("masks", "batch_size", "classifier", "maskcover", "numpy"), "mine"))
    result = certified(liar)
    assert "mine" not in dict(result.fingerprint.entries).values()
    with pytest.raises(FingerprintMismatch, match="masks"):
        defend(liar, replace(result, masks=OTHERS))


@dataclass
class Theirs(Plain):
    """A classifier that is served by an object of its own, which compares nothing."""

    told: str = "one"

    def defended(self, masks: MaskSet, **_: Any) -> Any:
        """Something with a fingerprint."""
        served = Plain({"weights": self.told})
        own = fingerprint(evaluator_of(served, masks))
        entries = dict(own.entries) | {"classifier": f"{__name__}.Theirs"}
        return SimpleNamespace(fingerprint=Fingerprint.of(entries))


def test_what_others_serve_is_compared_for_them() -> None:
    result = certified(Theirs({"weights": "one"}))
    assert defend(Theirs({"weights": "one"}), result).fingerprint == result.fingerprint
    with pytest.raises(FingerprintMismatch, match="weights: two, not one"):
        defend(Theirs({"weights": "one"}, told="two"), result)
    with pytest.raises(FingerprintMismatch, match="scores of the reference batch"):
        defend(Theirs({"weights": "one"}, weight=0.5), result)
