"""The lemmas of one axis that are linear arithmetic, proved for all sizes at once by z3; `proofs/` has them in Coq.

A cell axis of n, masks of m cells at every s-th cell, the last one flush with the end, patches of p cells.
"""

from __future__ import annotations

import pytest
import z3

N, M, P, S, U, Q, T = z3.Ints("n m p s u q t")
SIZES = z3.And(P >= 1, P <= M, M <= N, S >= 1)
PLACE = z3.And(U >= 0, U + P <= N)
HELD = z3.And(Q <= U, U + P <= Q + M)  # the mask that starts at q holds the patch at u
FLUSH = z3.And(N - M <= U, U + P <= N)  # the last mask holds it


def proved(claim: z3.BoolRef) -> bool:
    """Whether there is no counterexample, in the integers of any size."""
    solver = z3.Solver()
    solver.add(z3.Not(claim))
    return bool(solver.check() == z3.unsat)


def test_lemma_4_for_every_axis() -> None:
    """Appendix E: q is the greatest multiple of s up to u. Its mask, or the last one, holds the patch."""
    below = z3.And(Q <= U, U < Q + S)
    assert proved(z3.Implies(z3.And(SIZES, P <= M - S + 1, PLACE, below), z3.If(Q <= N - M, HELD, FLUSH)))


@pytest.mark.parametrize("slack", [2, 3])
def test_the_bound_of_lemma_4_is_tight(slack: int) -> None:
    """A longer patch, between the masks at 0 and at s, is held by none: each starts behind it or ends in it."""
    long = z3.And(SIZES, M - S + slack == P, N - M >= S, U == S - 1)
    between = z3.And(U >= 0, U + P <= N)
    assert not proved(z3.Implies(z3.And(SIZES, P == M - S + 2, N - M >= S, U == S - 1), HELD))
    missed = z3.Implies(z3.Or(Q <= 0, Q >= S), z3.Not(HELD))
    assert proved(z3.Implies(z3.And(long, between), missed))
    if slack == 2:
        assert proved(z3.Implies(long, between))


def test_equation_3_keeps_the_budget_and_covers() -> None:
    """s is the least with k·s ≥ n − p + 1, m = p + s − 1; t stands for k·s, so that all is linear."""
    chosen = z3.And(P >= 1, P <= N, S >= 1, T >= N - P + 1, M == P + S - 1)
    # At most k masks: n − m ≤ (k − 1)·s, which is Eq. 2 without its ceiling.
    assert proved(z3.Implies(chosen, N - M <= T - S))
    assert proved(z3.Implies(chosen, P <= M - S + 1))


def test_a_mask_holds_a_patch_exactly_where_the_erosion_says() -> None:
    """The erosion of a mask by a patch: placements in [start, start + m − p], and no others."""
    eroded = z3.And(U >= Q, U <= Q + M - P)
    assert proved(z3.Implies(SIZES, eroded == HELD))


def test_placements_a_stride_apart_need_different_masks() -> None:
    """Section 3.4's lower bound: no mask of m cells holds two patches of p whose starts differ by m − p + 1 or more."""
    other = z3.Int("other")
    both = z3.And(HELD, other >= Q, other + P <= Q + M)
    assert proved(z3.Implies(z3.And(SIZES, other >= U + M - P + 1), z3.Not(both)))


def test_what_is_not_true_is_not_proved() -> None:
    """The solver can fail: without the condition on p the lemma is false."""
    below = z3.And(Q <= U, U < Q + S)
    assert not proved(z3.Implies(z3.And(SIZES, PLACE, below), z3.If(Q <= N - M, HELD, FLUSH)))
