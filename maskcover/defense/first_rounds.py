"""First rounds: fewer predictions for an image whose views agree. They come by pairs, by levels, or by both.

Theorem (pairs). Let every mask be in some pair, an odd one in a pair with itself. Ask first for the predictions under
the unions of the pairs. If they are all one label, that is the answer; if not, Algorithm 1 or challenger masking is.
Let G be the masks m with F(x; m, m') = y for all m' in M, as in the row theorem (`certificates`). If some g in G
contains the region that an attack overwrites, the answer on the attacked image x' is y. Hence `row_certificate` and
`all_pairs` certify this defence as they certify Algorithm 1.

Proof. Some pair has g in it, say g with m. Its union hides all that g hides, so it hides the region, and its prediction
on x' is that on x: F(x; g, m), an entry of the row of g, which is y. So if all pairs agree on x', they agree on y. If
they do not, the answer is that of Algorithm 1 or of challenger masking on x', which is y by their theorems. ∎

Theorem (levels). Ask first for the predictions under coarser masks, level by level, from coarse to fine. If those of a
level are all one label, that is the answer; if those of no level are, pairs, Algorithm 1 or challenger masking follow.
If the procedure that follows answers y on x', and in each level some mask m₀ with F(x; m₀) = y contains the region, the
answer on x' is y. Hence an image is certified if the certificate of what follows holds, and in each level the masks
with the label y cover the regions.

Proof. The label of m₀ is the same on x' as on x, since m₀ hides the region: it is y. So if all of its level agree on
x', they agree on y. If no level agrees, the answer is that of what follows. ∎

Which masks are paired plays no part in the proof, only that each mask is in a pair; nor does it matter how coarse a
level is. "No label" (`UNDECIDED`) is never agreed on: a true label y is 0 or more, so such an answer has no
certificate, and the procedure that follows may have a label.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np

from maskcover.cells import BoolArray, IntArray
from maskcover.classifiers.labels import UNDECIDED, UNSEEN
from maskcover.covering.containment import Containment
from maskcover.covering.placements import PlacementMap
from maskcover.covering.texts import call_of, masks_of
from maskcover.covering.verification import verify
from maskcover.defense.answers import Case, Defended
from maskcover.defense.certificates import Certificate
from maskcover.defense.table import Pending, PredictionTable, checked_matrix
from maskcover.errors import InvalidInput, NotCovering
from maskcover.masks import MaskSet
from maskcover.regions import RegionSet

Round = str | MaskSet
FirstRound = Round | tuple[Round, ...]
"""A first round: "pairs"; a mask set, or a text that makes one, for a level; "levels" for those that the masks have
already; "auto"; or several in a tuple, levels from coarse to fine and then "pairs"."""
PAIRS, LEVELS, AUTO = "pairs", "levels", "auto"


def rounds_of(first_round: object) -> tuple[Round, ...]:
    """The rounds of a first round, in their order; none for None.

    Raises:
        InvalidInput: it is no first round.

    >>> rounds_of(("grid(2, 2)", "pairs")), rounds_of(None)
    (('grid(2, 2)', 'pairs'), ())
    """
    rounds = first_round if isinstance(first_round, tuple) else () if first_round is None else (first_round,)
    if first_round == () or not all(isinstance(part, Round) for part in rounds):
        raise InvalidInput(_expected(first_round))
    before = rounds[:-1] if rounds and _is(rounds[-1], PAIRS) else rounds
    if any(_is(part, PAIRS) for part in before):
        raise InvalidInput('a first round by pairs comes last; got "pairs" before something else')
    if len(rounds) > 1 and any(_is(part, AUTO) for part in rounds):
        raise InvalidInput('"auto" chooses the whole first round; leave the others out')
    if len(before) > 1 and any(_is(part, LEVELS) for part in before):
        raise InvalidInput('"levels" are those that the masks have; leave other levels out')
    for part in before:
        if isinstance(part, str) and part not in (LEVELS, AUTO):
            try:
                call_of(part)
            except InvalidInput as error:
                raise InvalidInput(_expected(first_round)) from error
        elif isinstance(part, MaskSet) and part.levels:
            raise InvalidInput("a level is a mask set without levels of its own")
    return rounds


def bound_first_round(first_round: FirstRound | None) -> FirstRound | None:
    """The same first round of masks that have its levels: "levels" stands for them.

    >>> bound_first_round(("grid(2, 2)", "grid(3, 3)", "pairs")), bound_first_round("pairs")
    (('levels', 'pairs'), 'pairs')
    """
    rounds = rounds_of(first_round)
    if not rounds or _is(rounds[0], PAIRS):
        return first_round
    return (LEVELS, PAIRS) if _is(rounds[-1], PAIRS) else LEVELS


def with_first_round(first_round: FirstRound | None, masks: MaskSet, regions: RegionSet) -> MaskSet:
    """The masks with the levels of a first round, which texts make for the regions.

    Raises:
        InvalidInput: the masks have other levels already, or none where "levels" or "auto" stands for them.
    """
    rounds = [part for part in rounds_of(first_round) if not _is(part, PAIRS)]
    if not rounds:
        return masks
    if rounds[0] in (LEVELS, AUTO):
        if not masks.levels:
            raise InvalidInput(_without_levels(str(rounds[0])))
        return masks
    levels = [masks_of(part, regions, masks.grid) if isinstance(part, str) else part for part in rounds]
    leveled = masks.with_levels(*levels)
    if masks.levels and leveled != masks:
        raise InvalidInput(
            "the masks have levels already, and first_round= names others: leave them out with masks.with_levels(), or "
            'name those of the masks, first_round="levels"'
        )
    return leveled


def uses_levels(first_round: FirstRound | None) -> bool:
    """Whether a first round has levels, so that a certificate has more conditions.

    >>> uses_levels("pairs"), uses_levels(("levels", "pairs"))
    (False, True)
    """
    rounds = rounds_of(first_round)
    return bool(rounds) and not _is(rounds[0], PAIRS)


def without_levels(first_round: FirstRound | None) -> FirstRound | None:
    """What is left of a first round without its levels.

    >>> without_levels(("levels", "pairs")), without_levels("levels")
    ('pairs', None)
    """
    return PAIRS if any(_is(part, PAIRS) for part in rounds_of(first_round)) else None


def rounds_in(first_round: FirstRound | None, masks: MaskSet) -> Iterator[tuple[Case, IntArray]]:
    """Each round of a first round: the case of its answer, and its predictions as pairs of mask numbers, int64 (n, 2).

    Raises:
        InvalidInput: its levels are not yet those of masks, see `bound_first_round`, or the masks have none.
    """
    if uses_levels(first_round):
        if bound_first_round(first_round) != first_round or not masks.levels:
            raise InvalidInput(_without_levels(str(rounds_of(first_round)[0])))
        for numbers in masks.level_numbers:
            yield Case.LEVEL_AGREED, np.stack([numbers, numbers], axis=1)
    if any(_is(part, PAIRS) for part in rounds_of(first_round)):
        yield Case.PAIRS_AGREED, masks.pairing


def named_rounds(first_round: FirstRound | None, masks: MaskSet) -> tuple[tuple[str, IntArray], ...]:
    """The rounds of a first round, each with its name in words; see `rounds_in`."""
    return tuple(
        ("pairs" if case is Case.PAIRS_AGREED else f"level of {len(pairs)} masks", pairs)
        for case, pairs in rounds_in(first_round, masks)
    )


def after_first_round(
    table: PredictionTable, first_round: FirstRound | None, masking: Callable[[IntArray], Defended | Pending]
) -> Defended | Pending:
    """The answer of a first round if the labels of one of its rounds agree, else that of the algorithm that follows.

    Args:
        table: The predictions of one image; it must have its `mask_set` for a first round.
        first_round: The first round; None for none.
        masking: The algorithm on the matrix of the table: `double_masking` or `challenger_masking`.
    """
    if first_round is None:
        return masking(table.matrix)
    for case, pairs in rounds_in(first_round, _masks_of(table)):
        if case is Case.PAIRS_AGREED:
            expect_all_masks(pairs, table.masks)
        outcome = agreed(table.labels[table.numbers(pairs)], pairs, case)
        if outcome is not None:
            return outcome
    return masking(table.matrix)


def agreed(labels: IntArray, pairs: IntArray, case: Case) -> Defended | Pending | None:
    """One round: the label that all of its predictions have, the predictions to ask for next, or None.

    Args:
        labels: Their labels, int64 (predictions,); `UNSEEN` where not evaluated, `UNDECIDED` where there is no label.
        pairs: Their pairs of mask numbers, int64 (predictions, 2).
        case: The case of the answer.

    Returns:
        None as soon as two labels differ or one is missing.
    """
    present = labels[labels != UNSEEN]
    if (present == UNDECIDED).any() or (present != present[:1]).any():
        return None
    if len(present) < len(labels):
        return Pending(pairs[labels == UNSEEN], until_labels_differ=True)
    return Defended(int(labels[0]), case)


def pairs_agreed(table: IntArray, pairs: IntArray) -> Defended | Pending | None:
    """The first round by pairs, on a prediction table that may still have gaps.

    Args:
        table: int64 (n, n), symmetric; F(x; m_i, m_j), `UNSEEN` where not evaluated, `UNDECIDED` where the classifier
            gave no label.
        pairs: Mask numbers, int64 (pairs, 2): every mask is in some pair; (i, i) for a mask by itself.

    Returns:
        The label that all pairs agree on; the pairs to evaluate next, in waves; or None as soon as two of them differ
        or one has no label.

    Raises:
        InvalidInput: some mask is in no pair, so that the theorem does not hold.

    >>> pairs_agreed(np.array([[7, 7, 2], [7, 7, 2], [2, 2, 7]]), np.array([[0, 1], [2, 2]]))
    Defended(label=7, case=<Case.PAIRS_AGREED: 'pairs agreed'>, mask=None)
    """
    expect_all_masks(pairs, len(checked_matrix(table)))
    return agreed(table[pairs[:, 0], pairs[:, 1]], pairs, Case.PAIRS_AGREED)


def expect_all_masks(pairs: IntArray, masks: int) -> None:
    """Raise `InvalidInput` unless each mask, by its number from 0, is in some pair."""
    if not np.array_equal(np.unique(pairs), np.arange(masks)):
        raise InvalidInput(
            f"a first round by pairs needs each mask from 0 to {masks - 1} in a pair; got {pairs.tolist()}"
        )


def unseen_in_levels(table: PredictionTable) -> Pending | None:
    """The predictions under masks of levels that a table lacks; None if it has them all."""
    numbers = np.concatenate(_masks_of(table).level_numbers)
    pairs = np.stack([numbers, numbers], axis=1)
    missing = table.labels[table.numbers(pairs)] == UNSEEN
    return Pending(pairs[missing]) if missing.any() else None


def level_certificate(
    certificate: Certificate, table: PredictionTable, label: int, covers: Containment, min_margin: float
) -> Certificate:
    """The certificate of a procedure after levels, from that of the same procedure without them.

    Args:
        certificate: The certificate of what follows the levels.
        table: The table; it has all predictions under masks of levels.
        label: The true label.
        covers: The masks and the regions.
        min_margin: As for `Procedure.certificate`.

    Returns:
        Certified if `certificate` is and the masks of each level with the label cover the regions. If those of some
        level do not, no mask is certifying: a region inside it may be answered wrongly by that level.
    """
    right = right_in_levels(table, label, min_margin)
    numbers = table.mask_set.level_numbers if table.mask_set else ()
    held = [covers_level(flags) for covers_level, flags in zip(covers.of_levels, right, strict=True)]
    coarser = tuple(int(number) for level, flags in zip(numbers, right, strict=True) for number in level[flags])
    if all(held):
        return replace(certificate, by_masks=certificate.certified, coarser=coarser)
    wrong = int(numbers[held.index(False)][~right[held.index(False)]][0])
    failing = certificate.failing or (wrong, wrong)
    return replace(
        certificate, certified=False, certifying=(), failing=failing, by_masks=certificate.certified, coarser=coarser
    )


def right_in_levels(table: PredictionTable, label: int, min_margin: float) -> list[BoolArray]:
    """For each level which of its masks have the true label, with enough margin; bool (masks of the level,)."""
    trusted = table.trusted(min_margin)
    levels = _masks_of(table).level_numbers
    return [trusted[table.numbers(np.stack([numbers, numbers], axis=1))] == label for numbers in levels]


def level_map(certifying: BoolArray, right: list[BoolArray], covers: Containment) -> PlacementMap | None:
    """The placements that are certified after levels: inside a certifying mask, and in each level inside a right one.

    Args:
        certifying: The masks whose whole row has the true label, bool (masks,).
        right: See `right_in_levels`.
        covers: The masks and the regions.

    Returns:
        The map for one patch; None for several, or where there is too much to list.
    """
    groups, begin = [certifying, *right], 0
    kept = []
    for group in groups:
        kept.append(begin + np.flatnonzero(group))
        begin += len(group)

    def certified(sets: BoolArray) -> BoolArray:
        inside: BoolArray = np.logical_and.reduce([sets[:, numbers].any(axis=1) for numbers in kept])
        return inside

    return covers.with_levels.placement_map(certified)


def expect_covering_levels(covers: Containment) -> None:
    """Raise `NotCovering` if the masks of some level do not cover the regions: no image could be certified."""
    for number, level in enumerate(covers.of_levels, start=1):
        if not level(np.ones(len(level.masks), dtype=np.bool_)):
            report = verify(level.masks, covers.regions)
            raise NotCovering(f"nothing can be certified after level {number}, whose masks do not cover: {report}")


def _masks_of(table: PredictionTable) -> MaskSet:
    if table.mask_set is None:
        raise InvalidInput(
            "a first round needs to know where the masks lie; give PredictionTable the mask set, mask_set="
        )
    return table.mask_set


def _is(part: object, text: str) -> bool:
    return isinstance(part, str) and part == text


def _without_levels(text: str) -> str:
    if text == AUTO:
        return (
            'first_round="auto" chooses levels by some images: certify, run and choose do that; here name a first '
            'round, such as "grid(2, 2)"'
        )
    if text == LEVELS:
        return (
            'first_round="levels" stands for the levels of the masks, and these have none: name them, such as '
            'first_round="grid(2, 2)", or give masks.with_levels(…)'
        )
    return (
        f"the level {text} is made for masks that name their regions; name regions, or give masks.with_levels(…) and "
        'first_round="levels"'
    )


def _expected(first_round: object) -> str:
    return (
        'first_round must be "pairs", a mask set, a text that makes one such as "grid(2, 2)", "levels", "auto", or '
        f"several in a tuple, from coarse to fine; got {str(first_round)[:80]!r}"
    )
