"""The golden vectors of votes, robust masking and detection, against the functions of the library.

`proofs/vectors_views.txt` holds what Coq computed; `proofs/theories/Vectors_views.v` says what is in a line.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from fractions import Fraction
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from maskcover.cells import BoolArray, IntArray
from maskcover.covering.containment import Containment
from maskcover.defense import detect, detection_certificate
from maskcover.defense.first_detection import detect_first, first_detection_certificate
from maskcover.defense.first_places import FIRST_PLACE, FirstPlaces, first_by_votes
from maskcover.defense.robust import masked_scores, robust_answer, robust_certificate
from maskcover.defense.voting import vote, vote_certificate
from maskcover.masks import bands, receptive_fields
from maskcover.regions import ReceptiveField, rectangle

LINES = (Path(__file__).parents[2] / "proofs" / "vectors_views.txt").read_text(encoding="ascii").splitlines()


def vectors(name: str) -> Iterator[tuple[tuple[int, ...], list[str]]]:
    """The numbers and what Coq says of them, for every line of one kind."""
    for line in LINES:
        word, *numbers = line.split(" : ")[0].split()
        if word == name:
            yield tuple(map(int, numbers)), line.split(" : ")[1].split()


def runs(cells: int, length: int) -> BoolArray:
    """All runs of neighbouring cells on a line, bool (runs, cells)."""
    starts = np.arange(cells - length + 1)[:, None]
    return np.asarray((starts <= np.arange(cells)) & (np.arange(cells) < starts + length))


def bits(values: Iterator[bool]) -> str:
    return "".join("01"[value] for value in values)


def certified_votes(
    scores: IntArray, relied: BoolArray, covers: Containment, low: int, high: int, first: FirstPlaces = FIRST_PLACE
) -> str:
    """A bit for each true label: whether the votes are certified."""
    return bits(
        vote_certificate(scores, relied, label, covers, low=low, high=high, first=first).certified
        for label in range(scores.shape[1])
    )


def test_every_kind_of_vector_is_there() -> None:
    assert Counter(line.split()[0] for line in LINES) == {
        "votes": 2**8 + 2**9 + 3**6 + 3**6,
        "first": 4**4 + 7**3 + 8**3 + 4**3,
        "listed": 2 * 4 * 12**2,
        "robust": 4 * 3**6,
        "low": 3 * 3 * 7**2,
        "fields": 27 * 18,
    }
    assert len(set(LINES)) == len(LINES)


@pytest.mark.parametrize(("views", "low", "high"), [(4, 0, 1), (3, 0, 1), (3, -1, 1), (3, 0, 2)])
def test_votes_are_answered_and_certified_as_by_coq(views: int, low: int, high: int) -> None:
    masks = bands(width=1, image_size=(1, views))
    regions = [Containment.of(masks, rectangle(1, length)) for length in (1, 2)]
    relied = [np.ones(views, np.bool_), np.arange(views) > 0]
    compared = certified = 0
    for (*sizes, least, most), scores, words in votes():
        if (sizes[0], least, most) != (views, low, high):
            continue
        label, *bits_of_coq = words
        assert vote(scores).label == int(label)
        found = [certified_votes(scores, some, covers, low, high) for covers in regions for some in relied]
        assert found == bits_of_coq, scores
        compared += 1
        certified += "1" in "".join(found)
    assert compared >= 2**8
    assert 0 < certified < compared


def votes() -> Iterator[tuple[tuple[int, ...], IntArray, list[str]]]:
    for (views, classes, low, high, *scores), words in vectors("votes"):
        yield (views, classes, low, high), np.array(scores).reshape(views, classes), words


@pytest.mark.parametrize(
    ("views", "classes", "low", "most", "top"), [(4, 3, 0, 1, 2), (3, 3, 0, 2, 2), (3, 3, -1, 6, 2), (3, 4, 0, 1, 3)]
)
def test_first_labels_are_listed_and_certified_as_by_coq(
    views: int, classes: int, low: int, most: int, top: int
) -> None:
    masks = bands(width=1, image_size=(1, views))
    regions = [Containment.of(masks, rectangle(1, length)) for length in (1, 2)]
    relied = [np.ones(views, np.bool_), np.arange(views) > 0]
    # Six units are all that three classes can get: then only the range of each score limits a view.
    first = FirstPlaces(top, None if most == 6 else most)
    compared = certified = 0
    for sizes, words in vectors("first"):
        if sizes[:6] != (views, classes, low, 1, most, top):
            continue
        scores = np.array(sizes[6:]).reshape(views, classes)
        listed, *bits_of_coq = words
        assert (",".join(map(str, first_by_votes(scores, top))) or "-") == listed
        outcomes = [certified_votes(scores, some, covers, low, 1, first) for covers in regions for some in relied]
        assert outcomes == bits_of_coq, scores
        compared += 1
        certified += "1" in "".join(outcomes)
    assert compared >= 4**3
    assert 0 < certified < compared


def test_detection_for_the_first_labels_alerts_and_certifies_as_by_coq() -> None:
    compared, decided = 0, np.ones(2, np.bool_)
    for (threshold, below, *numbers), (listed, alert, *counting) in vectors("listed"):
        bare, masks = np.array(numbers[:2]), np.array(numbers[2:]).reshape(2, 2, 2)
        labels, confidences = masks[:, 0], masks[:, 1] / 8
        answer = detect_first(bare, decided, labels, confidences, threshold / 8, below / 8)
        assert (",".join(map(str, answer.labels)), answer.alert) == (listed, alert == "1")
        for label, expected in enumerate(counting):
            certificate = first_detection_certificate(
                decided, labels, confidences, label, threshold / 8, below / 8, np.any
            )
            assert bits(mask in certificate.certifying for mask in range(2)) == expected
            assert certificate.certified == ("1" in expected)
        compared += 1
    assert compared == 2 * 4 * 12**2


@pytest.mark.parametrize("window", [1, 2])
def test_robust_masking_scores_and_certifies_as_by_coq(window: int) -> None:
    windows, touched = runs(3, window), [runs(3, length) for length in (0, 1, 2)]
    compared, certified = 0, Counter[int]()
    for (top, bottom, length, *numbers), (first, second, *bits_of_coq) in vectors("robust"):
        if length != window:
            continue
        threshold, evidence = Fraction(top, bottom), np.array(numbers).reshape(3, 2)
        scores = [int(first), int(second)]
        assert masked_scores(evidence, windows, threshold).tolist() == scores
        assert robust_answer(evidence, windows, threshold).label == scores.index(max(scores))
        for cells, expected in enumerate(bits_of_coq):
            labels = range(2)
            assert expected == bits(
                robust_certificate(evidence, windows, threshold, label, touched[cells]) for label in labels
            ), (evidence, threshold, cells)
            certified[cells] += "1" in expected
        compared += 1
    assert compared == 2 * 3**6
    assert all(certified[cells] for cells in range(window + 1))


def test_regions_touch_the_receptive_fields_that_coq_says() -> None:
    length, compared = 7, 0
    for (size, stride, padding, start, stop), (first, last) in vectors("fields"):
        # Two rows, so that no field is the whole image; those of the first row are compared.
        views = receptive_fields((1, size), stride=(1, stride), padding=(0, padding), image_size=(2, length))
        touched = [not mask.to_array(views.grid)[0, start:stop].all() for mask in views[: len(views) // 2]]
        assert np.flatnonzero(touched).tolist() == list(range(int(first), int(last) + 1))
        (axis, _) = ReceptiveField(size, stride, padding).axes((length, length))
        assert axis.touched(start, stop).tolist() == touched
        assert sum(touched) <= -(-(stop - start + size - 1) // stride)
        compared += 1
    assert compared == 27 * 18


def test_robust_masking_certifies_some_set_and_not_a_smaller_one() -> None:
    """Not monotone, as Coq says: the evidence of class 1 in the touched cell counts against the smaller set."""
    evidence, windows = np.array([[0, 100], [10, 0], [10, 0]]), runs(3, 1)
    assert robust_certificate(evidence, windows, Fraction(0), 0, windows[:1])
    assert not robust_certificate(evidence, windows, Fraction(0), 0, runs(3, 0)[:1])


def test_detection_alerts_and_certifies_as_by_coq() -> None:
    compared = 0
    for (threshold, below, bare, *masks), (label, alert, mask, *counting) in vectors("low"):
        labels, confidences = np.array(masks[::2]), np.array(masks[1::2]) / 8
        thresholds = (threshold / 8, below / 8)
        # No confidence is below 0: then both ways to name no second threshold are compared.
        for second in {thresholds[1], thresholds[1] or None}:
            detected = detect(bare, labels, confidences, thresholds[0], alert_below=second)
            assert (detected.label, detected.alert) == (int(label), alert == "1")
            assert detected.mask == (None if mask == "-1" else int(mask))
            for true_label, expected in enumerate(counting):
                certificate = detection_certificate(
                    labels, confidences, true_label, thresholds[0], np.any, alert_below=second
                )
                assert certificate.certifying == tuple(np.flatnonzero(np.array(list(expected)) == "1").tolist())
                assert certificate.certified == ("1" in expected)
        compared += 1
    assert compared == 3 * 3 * 7**2


@pytest.mark.parametrize(
    ("line", "mistake", "comparison"),
    [
        (
            "votes 3 2 -1 1 0 0 1 -1 1 -1 : ",
            "0 11 00 00 00",
            partial(test_votes_are_answered_and_certified_as_by_coq, 3, -1, 1),
        ),
        (
            "robust 0 1 1 4 0 4 0 4 0 : ",
            "8 0 11 10 00",
            partial(test_robust_masking_scores_and_certifies_as_by_coq, 1),
        ),
        ("low 4 2 0 0 1 0 4 : ", "0 0 -1 11 00", test_detection_alerts_and_certifies_as_by_coq),
    ],
)
def test_a_wrong_vector_is_noticed(
    monkeypatch: pytest.MonkeyPatch, line: str, mistake: str, comparison: Callable[[], None]
) -> None:
    [true] = [vector for vector in LINES if vector.startswith(line)]
    assert true != line + mistake
    monkeypatch.setitem(globals(), "LINES", [line + mistake if vector == true else vector for vector in LINES])
    with pytest.raises(AssertionError):
        comparison()
