"""Faults at every call, the probes' own included, and with images isolated: no more is certified (threats.md, 31)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pytest

from maskcover import certify
from maskcover.classifiers import evaluator_of
from maskcover.covering.containment import Containment
from maskcover.defense import DoubleMasking
from maskcover.defense.procedure import certifying
from maskcover.engine import Failed
from maskcover.engine.queue import run_queries
from maskcover.errors import ProbeFailed
from tests.certification.test_faults import ANSWERS, CLEAN, LABELS, MASKS, Scores
from tests.defense.naive import BoolArray

BREAKING: dict[str, Callable[[Scores], npt.ArrayLike]] = {
    "NaN throughout": ANSWERS["NaN throughout"],
    "NaN in the last row": ANSWERS["NaN in the last row"],
    "a wrong label": ANSWERS["a wrong label"],
    "out of memory": lambda _: _raise(MemoryError("at this call")),
    "a failure": lambda _: _raise(RuntimeError("at this call")),
}


def _raise(error: Exception) -> Scores:
    raise error


@dataclass
class Lines:
    """Images of numbers, which probes can alter: each pixel that is seen votes for the label it holds."""

    at: int
    fault: Callable[[Scores], npt.ArrayLike]
    batch_size: int = 8
    calls: int = 0

    def scores(self, images: Sequence[npt.NDArray[np.float64]], hidden: BoolArray) -> npt.ArrayLike:
        shown = np.where(hidden, -1.0, np.stack(images))
        scores = np.stack([(shown == label).sum(axis=1) + label / 10 for label in range(3)], axis=1).astype(np.float64)
        self.calls += 1
        return self.fault(scores) if self.calls - 1 == self.at else scores


VOTES = np.array([[1, 1, 1], [0, 0, 0], [1, 1, 2], [2, 2, 2], [1, 1, 1]], dtype=np.float64)


@pytest.mark.parametrize("fault", BREAKING.values(), ids=BREAKING)
def test_threat_31_with_probes_a_fault_at_any_call_certifies_no_more(fault: Callable[[Scores], npt.ArrayLike]) -> None:
    clean = Lines(-1, np.asarray)
    expected = certify(clean, VOTES, LABELS, MASKS).certified
    assert expected.tolist() == CLEAN
    stopped = 0
    for at in range(clean.calls):
        try:
            assert (certify(Lines(at, fault), VOTES, LABELS, MASKS).certified <= expected).all()
        except (ProbeFailed, RuntimeError, MemoryError):
            stopped += 1
    assert clean.calls > 20
    # One that lies is stopped; one that raises while the first image is probed is tried on the next.
    assert stopped > 3


@pytest.mark.parametrize("fault", BREAKING.values(), ids=BREAKING)
def test_threat_31_isolated_images_are_certified_no_more_than_without_the_fault(
    fault: Callable[[Scores], npt.ArrayLike],
) -> None:
    covers = Containment.covering(MASKS)
    decide = certifying(DoubleMasking(), np.array(LABELS), covers, 0.0)

    def run(at: int) -> tuple[list[bool], int]:
        classifier = Lines(at, fault, batch_size=4)
        found = dict(run_queries(evaluator_of(classifier, MASKS), VOTES, decide, isolate=True))
        assert sorted(found) == list(range(5))
        verdicts = [found[number] for number in range(5)]
        return [not isinstance(one, Failed) and one.name == "certified" for one in verdicts], classifier.calls

    clean, calls = run(-1)
    assert clean == CLEAN
    for at in range(calls):
        certified, _ = run(at)
        assert (np.array(certified) <= CLEAN).all()
        # What fails once is asked for again, in the same shape, and then is what it is without the fault.
        assert certified == CLEAN or fault in ANSWERS.values()
