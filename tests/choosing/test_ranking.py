"""The winner, the front, candidates that are given up, and what choosing itself adds to a figure."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from maskcover import DoubleMasking, InvalidInput, squares
from maskcover.choosing.assessment import Assessment, Speed
from maskcover.choosing.budget import Budget, budget_of
from maskcover.choosing.candidates import candidates_of
from maskcover.choosing.ranking import affordable, cross_fitted, front, ranked, unpromising
from maskcover.grid import Grid

TEXTS = [f"masks({count})" for count in (2, 4, 6, 9, 12)]
CANDIDATES = candidates_of(squares(size=2), Grid.of(12), TEXTS, [DoubleMasking()])


def assessment(
    place: int,
    certified: Sequence[int],
    *,
    right: Sequence[int] | None = None,
    serving: Sequence[int] | int = 10,
    certifying: int = 50,
    batches: int = 3,
) -> Assessment:
    count = len(certified)
    return Assessment(
        CANDIDATES[place], Speed(4, 2.0), np.array(certified, np.bool_),
        np.array(certified if right is None else right, np.bool_),
        np.broadcast_to(np.array(serving, np.int64), count), np.full(count, batches), np.full(count, certifying),
    )  # fmt: skip


def fraction(certified: int, count: int = 100) -> list[int]:
    return [1] * certified + [0] * (count - certified)


def test_most_certified_within_the_budget_wins() -> None:
    dear, best, poor = (
        assessment(0, fraction(90), serving=30),
        assessment(1, fraction(60), serving=20),
        assessment(2, fraction(50), serving=5),
    )
    order = ranked([dear, poor, best], Budget("serving", 20))
    assert [entry.candidate.name for entry in order] == ["masks(4)", "masks(6)", "masks(2)"]
    assert ranked([poor, best, dear], None)[0] == dear
    assert [affordable(entry, Budget("serving", 20)) for entry in order] == [True, True, False]


def test_ties_go_to_the_candidate_with_more_right_answers_and_then_to_the_cheaper() -> None:
    plain = assessment(0, fraction(50), right=fraction(70), serving=9)
    more_right = assessment(1, fraction(50), right=fraction(71), serving=20)
    cheaper = assessment(2, fraction(50), right=fraction(70), serving=8)
    cheaper_to_certify = assessment(3, fraction(50), right=fraction(70), serving=8, certifying=40)
    order = ranked([plain, more_right, cheaper, cheaper_to_certify], None)
    assert order == (more_right, cheaper_to_certify, cheaper, plain)


def test_a_budget_counts_the_mean_or_the_image_that_costs_most() -> None:
    uneven = assessment(0, fraction(5, 10), serving=[10] * 9 + [60])
    assert affordable(uneven, Budget("serving", 15))
    assert not affordable(uneven, Budget("serving", 15, "most"))
    assert not affordable(uneven, Budget("serving", 14.9))


def test_costs_in_milliseconds_are_batches_when_serving_and_rows_when_certifying() -> None:
    entry = assessment(0, fraction(5, 10), serving=9, batches=3, certifying=50)
    assert entry.cost("milliseconds") == 6.0
    assert entry.cost("certifying_milliseconds") == 25.0
    assert (entry.cost("serving"), entry.cost("certifying")) == (9.0, 50.0)


def test_the_front_has_no_candidate_that_another_one_dominates() -> None:
    cheap = assessment(0, fraction(40), serving=5)
    dominated = assessment(1, fraction(40), serving=6)
    middle = assessment(2, fraction(60), serving=9)
    as_dear_and_worse = assessment(3, fraction(50), serving=9)
    dear = assessment(4, fraction(61), serving=40)
    assert front([dominated, dear, as_dear_and_worse, middle, cheap]) == (cheap, middle, dear)


def test_a_candidate_is_given_up_only_for_one_that_costs_no_more_and_is_surely_better() -> None:
    poor = assessment(0, fraction(20), serving=10)
    better = assessment(1, fraction(80), serving=10)
    dearer = assessment(2, fraction(99), serving=11)
    close = assessment(3, fraction(70), serving=10)
    reasons = unpromising([poor, better, dearer, close], None, 1000)
    assert list(reasons) == [0]
    assert "masks(4)" in reasons[0]
    # Of several such rivals the best is named.
    best = assessment(3, fraction(95), serving=9)
    assert "masks(9)" in unpromising([poor, better, best], None, 1000)[0]
    assert unpromising([better, dearer], None, 1000) == {}
    # The dearer one to serve is given up for no cheaper one; where it costs more to certify alone, neither is.
    assert unpromising([poor, assessment(2, fraction(99), certifying=51)], None, 1000) == {}
    assert list(unpromising([poor, assessment(2, fraction(99), certifying=51)], Budget("serving", 99), 1000)) == [0]


def test_a_candidate_is_given_up_when_it_cannot_keep_within_the_budget() -> None:
    above = assessment(0, fraction(90), serving=25)
    some_above = assessment(1, fraction(90), serving=[10] * 50 + [29] * 50)
    assert list(unpromising([above, some_above], Budget("serving", 20), 1000)) == [0]
    # Of 195 images these 100 use up the budget of 10 for all, whatever the others cost.
    assert list(unpromising([some_above], Budget("serving", 10), 194)) == [0]
    assert list(unpromising([some_above], Budget("serving", 10), 195)) == []
    reason = unpromising([some_above], Budget("serving", 20, "most"), 1000)[0]
    assert reason.startswith("one image costs ")
    assert reason.endswith(" masked predictions when serving, above 20")
    assert list(unpromising([some_above], Budget("serving", 28, "most"), 1000)) == [0]


def test_one_that_is_above_the_budget_drives_no_other_one_out() -> None:
    # Its mean is above that of the other one, but later images may cost it less; the other one is above on each image.
    poor = assessment(0, fraction(20), serving=[10] * 50 + [40] * 50)
    good_but_above = assessment(1, fraction(90), serving=21)
    reasons = unpromising([poor, good_but_above], Budget("serving", 20), 1000)
    assert list(reasons) == [1]
    assert "above 20" in reasons[1]
    assert list(unpromising([poor, good_but_above], Budget("serving", 21), 1000)) == [0]


def test_cross_fitting_shows_that_noise_was_chosen() -> None:
    # Two candidates, each certified on the images of other folds: who wins on four folds is worse on the fifth.
    fold_of = np.arange(100) % 5
    first = (fold_of < 2) | ((fold_of == 2) & (np.arange(100) < 52))
    second = ~first
    assessments = [assessment(0, first.astype(int).tolist()), assessment(1, second.astype(int).tolist())]
    cross = cross_fitted(assessments, None)
    in_sample = ranked(assessments, None)[0].certified_fraction
    assert cross is not None
    expected = 0
    for fold in range(5):  # by the definition, with plain loops
        counts = [sum(bool(bits[n]) for n in range(100) if n % 5 != fold) for bits in (first, second)]
        winner = (first, second)[counts.index(max(counts))]
        expected += sum(bool(winner[n]) for n in range(100) if n % 5 == fold)
    assert cross == expected / 100
    assert cross < in_sample


def test_one_candidate_has_no_selection_effect_and_one_image_no_cross_fitting() -> None:
    assert cross_fitted([assessment(0, fraction(37))], None) == 0.37
    assert cross_fitted([assessment(0, [1])], None) is None
    assert cross_fitted([assessment(0, [1, 0, 1])], None) == 2 / 3


def test_cross_fitting_keeps_the_budget() -> None:
    dear = assessment(0, fraction(90), serving=30)
    cheap = assessment(1, fraction(30), serving=3)
    assert cross_fitted([dear, cheap], Budget("serving", 20)) == 0.3
    assert cross_fitted([dear, cheap], None) == 0.9
    assert cross_fitted([dear, cheap], Budget("serving", 2)) == 0.3  # the cheapest, where none is within the budget


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ((20, 30, None), "name one budget at most; got serving and milliseconds"),
        ((0, None, None), "serving= must be a number above 0; got 0"),
        ((None, float("inf"), None), "milliseconds= must be a number above 0"),
        ((None, None, True), "certifying= must be a number above 0; got True"),
    ],
)
def test_budgets_that_are_none_are_refused(values: tuple[float | None, float | None, float | None], text: str) -> None:
    with pytest.raises(InvalidInput, match=text):
        budget_of(*values)


def test_a_budget_over_something_else_is_refused() -> None:
    with pytest.raises(InvalidInput, match='over the "mean"'):
        budget_of(20, None, None, "worst")  # type: ignore[arg-type]  # what a user may type
    assert budget_of(None, None, None) is None
