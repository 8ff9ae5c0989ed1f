"""Region texts: they read back as the set that wrote them, and nothing in them is ever evaluated."""

from __future__ import annotations

import builtins
import os
from collections.abc import Callable
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maskcover import InvalidInput, RegionSet, parse_regions, patches, rectangle, rectangles, squares, union

PIXELS = st.integers(1, 10**6)
SHARES = st.integers(1, 10**9).flatmap(lambda low: st.builds(Fraction, st.just(low), st.integers(low + 1, 10**9 + 1)))
DECIMALS = st.integers(1, 10**8 - 1).map(lambda digits: f"0.{digits:08d}")
AMOUNTS = st.one_of(PIXELS, SHARES, DECIMALS, st.floats(1e-8, 0.99))
ASPECTS = st.one_of(
    st.none(),
    st.integers(1, 10**6),
    st.floats(1, 100).map(lambda value: f"{value:.12f}"),
    st.builds(lambda low, more: Fraction(low + more, low), st.integers(1, 9999), st.integers(0, 9999)),
)
FAMILIES = st.one_of(
    PIXELS.map(squares),
    AMOUNTS.map(lambda area: squares(area=area)),
    st.builds(rectangle, PIXELS, PIXELS),
    st.builds(lambda area, side, aspect: rectangles(area, min_side=side, max_aspect=aspect), AMOUNTS, PIXELS, ASPECTS),
)
UNIONS = st.lists(FAMILIES, min_size=1, max_size=4).map(lambda members: union(*members))
REGIONS = st.lists(UNIONS | st.builds(patches, UNIONS, st.integers(1, 16)), min_size=1, max_size=3).map(
    lambda members: union(*members)
)


@given(REGIONS)
def test_the_text_of_a_region_set_reads_back_as_it(regions: RegionSet) -> None:
    found = parse_regions(str(regions))
    assert found == regions
    assert (str(found), hash(found)) == (str(regions), hash(regions))


EXTREME: list[Callable[[], RegionSet]] = [
    lambda: squares(area=Fraction(1, 3)),
    lambda: squares(area=Fraction(1, 3**90)),
    lambda: squares(area=1e-99),
    lambda: squares(size=10**12),
    lambda: rectangles(Fraction(10**60 - 1, 10**60)),
    lambda: rectangles(9, max_aspect="1.123456789013"),
    lambda: rectangles(9, max_aspect=10**12),
]


@pytest.mark.parametrize("make", EXTREME)
def test_what_could_not_be_read_back_cannot_be_made(make: Callable[[], RegionSet]) -> None:
    try:
        regions = make()
    except InvalidInput as refusal:
        assert str(refusal)  # noqa: PT017 (either answer is right)
    else:
        assert parse_regions(str(regions)) == regions


@pytest.mark.parametrize(
    ("text", "regions"),
    [
        ("squares(32)", squares(32)),
        ("  squares( size = '32px' )\n", squares(32)),
        ('squares(area="1/3")', squares(area=Fraction(1, 3))),
        ("squares(area=.5)", squares(area="1/2")),
        ("squares(area=1e-2)", squares(area="0.01")),
        ("squares(area=0.1_5)", squares(area="0.15")),
        ("rectangle(5, width=224)", rectangle(5, 224)),
        ("rectangles(0.01, min_side=2, max_aspect=1.5)", rectangles("0.01", min_side=2, max_aspect="3/2")),
        ("union(squares(1), union(squares(2)))", union(squares(1), squares(2))),
        ("patches(union(squares(1),\n  rectangle(1, 2)), k=3)", patches(union(squares(1), rectangle(1, 2)), 3)),
    ],
)
def test_a_text_means_the_python_call(text: str, regions: RegionSet) -> None:
    assert parse_regions(text) == regions


def test_a_decimal_is_taken_by_its_text() -> None:
    text = "0.1000000000000000055511151231257827"
    assert parse_regions(f"squares(area={text})") == squares(area=Fraction(text)) != squares(area=0.1)


@pytest.mark.parametrize("literal", ["0." + "_".join("1" * 60), "0" * 40 + "." + "1" * 41, "0." + "1" * 100])
def test_a_decimal_is_never_cut_short(literal: str) -> None:
    with pytest.raises(InvalidInput, match="share"):
        parse_regions(f"squares(area={literal})")


def test_the_longest_decimal_is_read_whole() -> None:
    literal = "0." + "_".join("1" * 40)
    assert parse_regions(f"squares(area={literal})") == squares(area=Fraction(literal.replace("_", "")))


def test_a_region_set_is_returned_as_it_is() -> None:
    regions = squares(3)
    assert parse_regions(regions) is regions


MALICIOUS = [
    "__import__('os').system('touch /tmp/maskcover-was-here')",
    "squares(__import__('os').getpid())",
    "squares(size=open('/etc/passwd').read())",
    "(lambda: squares(3))()",
    "squares(size=(lambda: 3)())",
    "squares(size=[3 for _ in 'a'][0])",
    "squares(size=f'{3}')",
    "squares(size=(n := 3))",
    "squares.__init__(3)",
    "squares(3).__class__",
    "squares(size=squares.__globals__)",
    "maskcover.squares(3)",
    "eval('squares(3)')",
    "exec('1')",
    "Squares(3, None)",
    "patches.__wrapped__(squares(3), 2)",
    "squares(**{'size': 3})",
    "squares(*[3])",
    "squares(size=9**9**9)",
    "squares(size='9' * 10**9)",
    "squares(size=await_)",
    "squares(size=3) if 1 else squares(size=4)",
    "[squares(3)][0]",
    "squares(3); squares(4)",
    "squares = 3",
]


@pytest.mark.parametrize("text", MALICIOUS)
def test_nothing_in_a_text_is_evaluated(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def ran(*_: object, **__: object) -> None:
        raise AssertionError("evaluated")

    monkeypatch.setattr(os, "system", ran)
    monkeypatch.setattr(builtins, "eval", ran)
    monkeypatch.setattr(builtins, "exec", ran)
    with pytest.raises(InvalidInput):
        parse_regions(text)


MALFORMED: list[tuple[object, str]] = [
    ("", "cannot read the region text ''"),
    ("   ", "cannot read the region text"),
    ("squares", "expected one of .*squares, .* found 'squares'"),
    ("squares(", r"cannot read the region text 'squares\('"),
    ("squares(3", "cannot read the region text"),
    ("squares(3))", "cannot read the region text"),
    ("squares()", "either size=32"),
    ("squares(3, 4)", r"squares: .*positional .*found 'squares\(3, 4\)'"),
    ("squares(length=3)", r"squares: .*unexpected keyword .*'length'"),
    ("squares(size=3, size=4)", "cannot read"),
    ("squares(size=-3)", "size must be at least 1 pixel"),
    ("squares(size=-squares(3))", "expected a number, a quoted size or a region set; found '-squares"),
    ("squares(size=1+2)", r"found '1\+2'"),
    ("squares(size=True)", "size must be pixels .* got True"),
    ("squares(size=None)", "found 'None'"),
    ("squares(size=b'3')", "found \"b'3'\""),
    ("squares(size=3j)", "found '3j'"),
    ("squares(size=...)", r"found '\.\.\.'"),
    ("squares(size=0)", "size must be at least 1 pixel"),
    ("squares(size=0.5)", "size is a length in whole pixels"),
    ("squares(size=squares(3))", "size must be pixels"),
    ("squares(area=1e999)", "area must be pixels"),
    ("squares(area=1e-999)", "area must be pixels"),
    ("rectangle(5)", "rectangle: .*missing .*'width'"),
    ("rectangles(0.01, 2)", "rectangles: .*positional"),
    ("union()", "union needs at least one region set"),
    ("union(3)", "expected a region set"),
    ("union(squares(3), circles(3))", r"expected one of .*found 'circles\(3\)'"),
    ("patches(squares(3), k=0)", "k is the number of patches"),
    ("patches(squares(3))", "k is the number of patches, a whole number from 1 to 16; got None"),
    ("patches(patches(squares(3), 2), 2)", "patches of patches"),
    ("squares(3)\x00", "cannot read the region text"),
    ("squares(3) # \ud800", "cannot read the region text"),
    ("squares(size=" + "9" * 5000 + ")", "."),
    ("(" * 500 + ")" * 500, "cannot read the region text"),
    ("union(" * 300 + "squares(3)" + ")" * 300, "cannot read the region text"),
    ("patches(" * 90 + "squares(3)" + ", 2)" * 90, "."),
    ("-" * 9000 + "1", "."),
    ("squares(size='" + "x" * 1_000_000 + "')", "at most 1000000 characters"),
    (None, "expected a region set or its text"),
    (3, "expected a region set or its text"),
    (b"squares(3)", "expected a region set or its text"),
]


@pytest.mark.parametrize(("text", "message"), MALFORMED)
def test_a_malformed_text_is_refused_and_the_part_named(text: str, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        parse_regions(text)


@given(st.text(max_size=40) | st.text(alphabet="squarestonp(,)=0123456789.'\" _", max_size=40))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        assert isinstance(parse_regions(text), RegionSet)
    except InvalidInput as refusal:
        assert str(refusal)  # noqa: PT017 (either answer is right)
