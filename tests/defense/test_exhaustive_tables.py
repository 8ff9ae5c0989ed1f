"""Every prediction table over a few masks and labels: the library decides as the paper's pseudocode does."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import chain, combinations, permutations, product

import numpy as np
import pytest

from maskcover.classifiers import UNDECIDED, UNSEEN
from maskcover.defense import (
    Certificate,
    Defended,
    Pending,
    all_pairs,
    challenger_masking,
    detect,
    detection_certificate,
    detection_levels,
    double_masking,
)
from maskcover.defense import row_certificate as rows
from tests.defense.naive import (
    BoolArray,
    FirstRound,
    IntArray,
    TieRule,
    algorithm_1,
    algorithm_2,
    challenger_games,
    every_table,
    good_rows,
    of_table,
    symmetric,
)

Decision = Certificate | Defended
Decide = Callable[[IntArray], Decision | Pending]
Family = tuple[frozenset[int], ...]  # sets of masks that cover; supersets cover too

# Masks and labels of the tables that are gone through in full.
COMPLETE = {
    "1 mask": (1, (UNDECIDED, 0, 1)),
    "2 masks": (2, (UNDECIDED, 0, 1)),
    "2 masks, 3 labels": (2, (UNDECIDED, 0, 1, 2)),
    "3 masks": (3, (UNDECIDED, 0, 1)),
    "4 masks": (4, (0, 1)),
}
ALL_TABLES = pytest.mark.parametrize(("count", "labels"), COMPLETE.values(), ids=COMPLETE)


def random_tables(number: int) -> Iterator[IntArray]:
    """Tables of up to six masks and three labels, half of them nearly unanimous."""
    rng = np.random.default_rng(20)
    for turn in range(number):
        count = int(rng.integers(1, 7))
        entries = rng.integers(UNDECIDED, 3, size=count * (count + 1) // 2)
        if turn % 2:
            entries[rng.random(len(entries)) < 0.8] = 1
        yield symmetric(count, entries.tolist())


def antichains(count: int) -> list[Family]:
    """Every way in which some of so many masks may cover: all antichains of non-empty sets of masks."""
    sets = [frozenset(some) for size in range(1, count + 1) for some in combinations(range(count), size)]
    return [
        family
        for size in range(len(sets) + 1)
        for family in combinations(sets, size)
        if not any(a < b or b < a for a, b in combinations(family, 2))
    ]


FAMILIES = {count: antichains(count) for count in (1, 2, 3)}
SOME_FAMILIES: dict[int, list[Family]] = {
    4: [
        (frozenset(range(4)),),
        (frozenset({0, 1}), frozenset({2, 3})),
        (frozenset({1}), frozenset({0, 2, 3})),
        tuple(map(frozenset, combinations(range(4), 3))),
        (),
    ]
}


def covering(family: Family) -> Callable[[BoolArray], bool]:
    """Covering by the masks of any set of a family."""
    return lambda selected: any(all(selected[mask] for mask in some) for some in family)


def partial_tables(table: IntArray, rng: np.random.Generator, number: int) -> Iterator[IntArray]:
    """The table with random gaps, symmetric ones."""
    for _ in range(number):
        seen = np.triu(rng.random(table.shape) < rng.random())
        yield np.where(seen | seen.T, table, UNSEEN)


def decided(table: IntArray, decide: Decide) -> Decision:
    """The decision on a full table, of which nothing is left to ask."""
    decision = decide(table)
    assert not isinstance(decision, Pending)
    return decision


def filled(table: IntArray, decide: Decide) -> Decision:
    """The decision when a table is filled with what is asked for and nothing else; every question must be a new one."""
    shown = np.full_like(table, UNSEEN)
    for _ in range(table.size + 1):
        decision = decide(shown)
        if not isinstance(decision, Pending):
            return decision
        first, second = decision.pairs.T
        assert len(first)
        assert (shown[first, second] == UNSEEN).all()
        shown[first, second] = shown[second, first] = table[first, second]
    raise AssertionError("asked more often than there are entries")


def agree(early: Decision, full: Decision) -> bool:
    """Whether a decision on a table with gaps claims nothing but what the full table gives."""
    if isinstance(early, Defended) or isinstance(full, Defended):
        return early == full
    same = early.certified == full.certified and set(early.certifying) <= set(full.certifying)
    return same and (not early.complete or early.certifying == full.certifying)


@ALL_TABLES
def test_the_enumeration_holds_every_symmetric_table_once(count: int, labels: tuple[int, ...]) -> None:
    tables = list(every_table(count, labels))
    assert all((table == table.T).all() for table in tables)
    assert len({table.tobytes() for table in tables}) == len(tables) == len(labels) ** (count * (count + 1) // 2)


@ALL_TABLES
def test_algorithm_1_decides_as_the_paper_writes_it(count: int, labels: tuple[int, ...]) -> None:
    for table in every_table(count, labels):
        defended = double_masking(table)
        assert isinstance(defended, Defended)
        assert (defended.label, defended.case.value) == algorithm_1(*of_table(table))
        assert (defended.mask is None) == (defended.case.value != "disagreer")


@ALL_TABLES
def test_challenger_masking_decides_as_the_paper_describes_it(count: int, labels: tuple[int, ...]) -> None:
    for table in every_table(count, labels):
        same_as_the_games(table)


def same_as_the_games(table: IntArray) -> Defended:
    """What challenger masking decides, which is what comes out of the games one after the other."""
    defended = challenger_masking(table)
    label, case, mask, games = challenger_games(*of_table(table))
    assert isinstance(defended, Defended)
    assert (defended.label, defended.case.value, defended.mask) == (label, case, mask)
    assert len(games) < len(table)
    return defended


@ALL_TABLES
def test_algorithm_2_certifies_as_the_paper_writes_it(count: int, labels: tuple[int, ...]) -> None:
    certified = 0
    for table in every_table(count, labels):
        for label, covers in product((0, 1), (True, False)):
            found = all_pairs(table, label, covering=covers)
            assert isinstance(found, Certificate)
            assert found.certified == algorithm_2(*of_table(table), label, covers)
            certified += found.certified
    assert certified == 2


@ALL_TABLES
def test_rows_certify_by_their_definition_whichever_masks_cover(count: int, labels: tuple[int, ...]) -> None:
    for table in every_table(count, labels):
        good = good_rows(table, 1)
        for family in FAMILIES.get(count) or SOME_FAMILIES[count]:
            found = rows(table, 1, covering(family))
            assert isinstance(found, Certificate)
            assert found.certified == any(some <= set(good) for some in family)
            assert found.certifying == good
            assert (found.failing is None) == (len(good) == count)
            assert found.failing is None or table[found.failing] != 1


def test_rows_with_all_masks_needed_certify_as_algorithm_2_does() -> None:
    for table in chain(every_table(3, (UNDECIDED, 0, 1)), every_table(4, (0, 1))):
        found = rows(table, 1, lambda selected: bool(selected.all()))
        assert isinstance(found, Certificate)
        assert found.certified == algorithm_2(*of_table(table), 1, covering=True)


def test_random_tables_of_three_labels_are_decided_as_the_paper_writes_it() -> None:
    outcomes = set()
    for table in random_tables(1500):
        defended = double_masking(table)
        found = rows(table, 1, covering((frozenset({0}),)))
        assert isinstance(defended, Defended)
        assert isinstance(found, Certificate)
        assert (defended.label, defended.case.value) == algorithm_1(*of_table(table))
        assert (found.certified, found.certifying) == (0 in good_rows(table, 1), good_rows(table, 1))
        outcomes.add((defended.case, found.certified))
    assert len(outcomes) == 6


def test_random_tables_of_three_labels_are_decided_by_the_games() -> None:
    assert len({same_as_the_games(table).case for table in random_tables(3000)}) == 3


def tie_rules() -> list[TieRule]:
    """Every way to break ties between up to three labels."""
    return [lambda tied, place=place: sorted(tied)[place % len(tied)] for place in range(3)]  # type: ignore[misc]  # default


@pytest.mark.parametrize(("count", "labels"), [(3, (UNDECIDED, 0, 1)), (4, (0, 1))], ids=["3 masks", "4 masks"])
def test_a_good_row_settles_the_label_whatever_the_tie_rule_and_the_order(count: int, labels: tuple[int, ...]) -> None:
    # A table with one right row is what an attack can make at worst of a certified image: the rest may say anything.
    tried = 0
    for table in every_table(count, labels):
        if not good_rows(table, 1):
            continue
        predict, _ = of_table(table)
        for order in permutations(range(count)):
            assert {algorithm_1(predict, order, tie)[0] for tie in tie_rules()} == {1}
            tried += 1
        defended = double_masking(table)
        assert isinstance(defended, Defended)
        assert defended.label == 1
    assert tried > 400


@pytest.mark.parametrize(("count", "labels"), [(3, (UNDECIDED, 0, 1)), (4, (0, 1))], ids=["3 masks", "4 masks"])
def test_a_good_row_wins_challenger_masking_in_whatever_order(count: int, labels: tuple[int, ...]) -> None:
    tried = 0
    for table in every_table(count, labels):
        if not good_rows(table, 1):
            continue
        for order in permutations(range(count)):
            defended = challenger_masking(table[np.ix_(order, order)])
            assert isinstance(defended, Defended)
            assert defended.label == 1
            tried += 1
    assert tried > 400


def decisions(family: Family) -> dict[str, Decide]:
    """Every decision procedure, for label 1."""
    covers = covering(family)
    whole = bool(family)
    return {
        "algorithm 1": double_masking,
        "challenger": challenger_masking,
        "rows": lambda table: rows(table, 1, covers),
        "every row": lambda table: rows(table, 1, covers, exhaustive=True),
        "all pairs": lambda table: all_pairs(table, 1, covering=whole),
    }


NAMES = pytest.mark.parametrize("name", ["algorithm 1", "challenger", "rows", "every row", "all pairs"])


def table_pool() -> Iterator[tuple[IntArray, Family]]:
    """All tables over at most three masks with each way of covering in turn, and a sample of larger ones."""
    for count, families in FAMILIES.items():
        for turn, table in enumerate(every_table(count, (UNDECIDED, 0, 1))):
            yield table, families[turn % len(families)]
    for turn, table in enumerate(every_table(4, (0, 1))):
        yield table, SOME_FAMILIES[4][turn % 5]
    for table in random_tables(300):
        yield table, (frozenset(range(len(table) - 1)) or frozenset({0}), frozenset({0, len(table) - 1}))


@NAMES
def test_what_is_decided_on_a_table_with_gaps_stands_when_they_are_filled(name: str) -> None:
    rng = np.random.default_rng(32)
    early_ones = 0
    for table, family in table_pool():
        decide = decisions(family)[name]
        full = decided(table, decide)
        for shown in partial_tables(table, rng, 3):
            early = decide(shown)
            if not isinstance(early, Pending):
                early_ones += 1
                assert agree(early, full)
    assert early_ones > 300


@NAMES
def test_nothing_is_certified_on_entries_that_were_not_seen(name: str) -> None:
    rng = np.random.default_rng(8)
    certified = 0
    for table, family in table_pool():
        decide = decisions(family)[name]
        for shown in partial_tables(table, rng, 2):
            found = decide(shown)
            if not isinstance(found, Certificate):
                continue
            # Whatever an unseen entry is, a right row has none.
            assert set(found.certifying) <= set(good_rows(shown, 1))
            assert not found.certified or any(some <= set(good_rows(shown, 1)) for some in family)
            certified += found.certified
    assert certified > 10 or name in ("algorithm 1", "challenger")


@NAMES
def test_filling_what_is_asked_for_ends_in_the_decision_of_the_full_table(name: str) -> None:
    for table, family in table_pool():
        decide = decisions(family)[name]
        found = filled(table, decide)
        assert agree(found, decided(table, decide))
        assert name != "every row" or (isinstance(found, Certificate) and found.complete)


def test_the_sample_holds_tables_that_are_certified_and_tables_that_are_not() -> None:
    found = [rows(table, 1, covering(family)) for table, family in table_pool()]
    certified = [one.certified for one in found if isinstance(one, Certificate)]
    assert len(certified) == len(found)
    assert 100 < sum(certified) < len(certified) - 100


# Detection: what one mask can say, a label and its confidence; and thresholds at and between the confidences.
SAID = ((UNDECIDED, 0.0), *product((0, 1), (0.0, 0.5, 1.0)))
THRESHOLDS = (0.0, 0.25, 0.5, 1.0)
ALERTS_BELOW = (None, 0.25, 0.5, 1.0)
FEW_MASKS = pytest.mark.parametrize("count", [1, 2, 3, 4])


def first_rounds(count: int) -> Iterator[FirstRound]:
    """Everything that detection may see of an image under so many masks."""
    for bare, said in product((UNDECIDED, 0, 1), product(SAID, repeat=count)):
        yield FirstRound(bare, tuple(label for label, _ in said), tuple(sure for _, sure in said))


@FEW_MASKS
def test_detection_answers_by_its_definition(count: int) -> None:
    for view in first_rounds(count):
        for threshold, low in product(THRESHOLDS, ALERTS_BELOW if count < 4 else ALERTS_BELOW[:2]):
            found = detect(view.bare, np.array(view.labels), view.confidences, threshold, low)
            assert (found.label, (found.alert, found.mask)) == (view.bare, view.answer(threshold, low))


@FEW_MASKS
def test_detection_certifies_by_its_definition_and_its_levels_say_so_for_every_threshold(count: int) -> None:
    families = FAMILIES.get(count) or SOME_FAMILIES[count]
    certified = 0
    for turn, view in enumerate(first_rounds(count)):
        labels, family = np.array(view.labels), families[turn % len(families)]
        low = ALERTS_BELOW[turn // len(families) % len(ALERTS_BELOW)]
        levels = detection_levels(view.bare, labels, view.confidences, 1, covering(family), low)
        for threshold in THRESHOLDS:
            good = view.good(1, threshold, low)
            found = detection_certificate(labels, view.confidences, 1, threshold, covering(family), low)
            failing = next(((mask, mask) for mask in range(count) if mask not in good), None)
            assert found == Certificate(any(some <= set(good) for some in family), good, failing, True)
            assert found.certified == (threshold <= levels.cover_level)
            assert view.silent(1, threshold, low) == (threshold > levels.alarm_level)
            assert view.answer(threshold, low)[0] == (threshold <= levels.alert_level)
            certified += found.certified
    assert certified > 0


@pytest.mark.parametrize("count", [1, 2, 3])
@pytest.mark.parametrize("low", ALERTS_BELOW)
@pytest.mark.parametrize("threshold", THRESHOLDS)
def test_an_attack_is_silent_exactly_if_no_mask_beyond_its_reach_is_good_or_without_a_label(
    count: int, threshold: float, low: float | None
) -> None:
    # An attack changes all that is seen but under the masks that contain its region: these say what they said.
    kept_sets = [some for size in range(1, count + 1) for some in combinations(range(count), size)]
    silent = {
        (kept, tuple((view.labels[mask], view.confidences[mask]) for mask in kept))
        for view in first_rounds(count)
        if view.wrong(1, threshold, low)
        for kept in kept_sets
    }
    tried = 0
    for kept in kept_sets:
        for said in product(SAID, repeat=len(kept)):
            good = any((label == 1 and sure >= threshold) or sure < (low or 0.0) for label, sure in said)
            assert ((kept, said) in silent) == (not good and all(label != UNDECIDED for label, _ in said))
            tried += good
    assert tried > 0
