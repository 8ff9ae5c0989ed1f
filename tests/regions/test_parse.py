"""Region texts: they read back as the set that wrote them, and nothing in them is ever evaluated."""

from __future__ import annotations

import ast
import builtins
import os
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from maskcover import (
    InvalidInput,
    RegionSet,
    avoiding,
    disc,
    parse_regions,
    patches,
    polygon,
    rectangle,
    rectangles,
    sides,
    squares,
    stripes,
    union,
    within,
)
from maskcover.regions.parse import _Text

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
    read = parse_regions(str(regions))
    assert read == regions
    assert (str(read), hash(read)) == (str(regions), hash(regions))


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
    with pytest.raises(InvalidInput, match="fraction"):
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
    ("squares", "expected squares with its arguments in brackets; found 'squares'"),
    ("squares(", r"cannot read the region text 'squares\('"),
    ("squares(3", "cannot read the region text"),
    ("squares(3))", "cannot read the region text"),
    ("squares()", "either size=32"),
    ("squares(3, 4)", r"squares: .*positional .*found 'squares\(3, 4\)'"),
    ("squares(length=3)", r"squares has no argument 'length'; it has size, area; found"),
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


# One of each family and of each way to write it: as `str` writes it.
EXAMPLES = [
    "squares(size=32)",
    "squares(area=0.01)",
    'squares(area="1/3")',
    "rectangle(height=5, width=224)",
    "rectangles(area=0.01)",
    'rectangles(area=502, min_side=2, max_aspect="3/2")',
    "rectangles(area=502, max_aspect=2)",
    "sides(fraction=0.5)",
    "half_planes(rows=16)",
    "half_planes(columns=(9, 20))",
    "half_planes(rows=(1, 2, 30), columns=16)",
    "stripes(width=16)",
    "stripes(width=16, axis=1)",
    'bitmap("010/111")',
    'bitmap("11/")',
    'bitmap("11//11")',
    "disc(diameter=14)",
    'disc(diameter="72/5", subpixel=True)',
    'polygon("POLYGON ((0 0, 0 3, 0.1 3, 0.1 0, 0 0))")',
    'polygon("POLYGON ((0 0, 0 1e-07, 3 1, 0 0))", subpixel=True)',
    'polygon("MULTIPOLYGON (((2 2, 4 4, 4 0, 2 2)), ((-1 0, 0 4, 2 2, -1 0)))")',
    "rotations(rectangle(height=10, width=40), degrees=(-15.0, 15.0))",
    "rotations(squares(size=3), degrees=(-1e-05, 0.0), subpixel=True)",
    "union(squares(size=3), rectangle(height=1, width=4))",
    "patches(squares(size=3), k=2)",
    "patches([squares(size=3), rectangle(height=1, width=4)])",
    "within(squares(size=3), (0, 0, 12, 14))",
    "within(squares(size=3), (0, 0, 12, 14), touching=True)",
    'within(squares(size=3), "POLYGON ((1 1, 9 9, 9 1, 1 1))")',
    'avoiding(squares(size=1), "110/011")',
    "tubes(squares(size=3))",
    "tubes(squares(size=3), frames=2)",
    'through(squares(size=5), Resize(224, kernel="bicubic"), CenterCrop(200), Flip("vertical"), source=(480, 640))',
    'through(squares(size=5), Fit((224, 224)), Jpeg("4:2:0"), source=(480, 640))',
    'through(squares(size=5), Pad(3, 0, 0, 3, mode="reflect"), Crop(1, 2, 30, 40), source=(48, 64))',
    "through(squares(size=5), Resize(32), ReceptiveField((9, 5), 4, padding=(2, 0)), source=(48, 64))",
]


@pytest.mark.parametrize("text", EXAMPLES)
def test_every_family_reads_back(text: str) -> None:
    assert parse_regions(text) == parse_regions(str(parse_regions(text)))


def test_polygons_with_repeated_corners_read_back() -> None:
    square = [(0, 0), (0, 0), (4, 0), (4, 4), (4, 4), (4, 4), (0, 4), (0, 0), (0, 0)]
    regions = polygon(square)
    assert parse_regions(str(regions)) == regions == polygon([(0, 0), (4, 0), (4, 4), (0, 4)])


CORNER = st.tuples(st.integers(-9, 9), st.integers(-9, 9))


@given(st.lists(CORNER, min_size=3, max_size=8), st.lists(st.integers(1, 3), min_size=8, max_size=8))
def test_polygons_read_back_whatever_corners_they_repeat(corners: list[tuple[int, int]], times: list[int]) -> None:
    repeated = [corner for corner, count in zip(corners, times, strict=False) for _ in range(count)]
    try:
        regions = polygon(repeated)
    except InvalidInput:
        return
    assert parse_regions(str(regions)) == regions
    assert regions == polygon(corners)


def test_a_polygon_can_be_mended_as_the_message_says() -> None:
    spike = shapely.Polygon([(0, 0), (4, 0), (4, 4), (8, 4), (4, 4), (0, 4)])
    bow = shapely.Polygon([(0, 0), (4, 4), (4, 0), (0, 4)])
    for shape in (spike, shapely.make_valid(spike), bow):
        with pytest.raises(InvalidInput, match="take the parts with an area: ") as refusal:
            polygon(shape)
        advice = str(refusal.value).partition("take the parts with an area: ")[2].removesuffix(")")
        advice += ")" * (advice.count("(") - advice.count(")"))
        mended = polygon(eval(advice, {"shapely": shapely, "shape": shape}))  # noqa: S307 (what the message says)
        assert mended.describe(9).pixels in {12, 16}


@pytest.mark.parametrize("literal", ["1e99999999", "1e-99999999", "1E+99999999", "9e999999999999", "'1e99999999'"])
def test_threat_56_numbers_that_no_machine_can_write_out_are_refused_at_once(literal: str) -> None:
    for text in (
        "disc(diameter={})",
        "squares(area={})",
        "rectangles(area=0.1, max_aspect={})",
        "sides({})",
        "half_planes({})",
    ):
        with pytest.raises(InvalidInput):
            parse_regions(text.format(literal))


def test_threat_56_brackets_have_a_greatest_depth() -> None:
    deepest = "union(" * 63 + "squares(size=3)" + ")" * 63
    assert parse_regions(deepest) == squares(3)
    with pytest.raises(InvalidInput, match="more than 64 deep"):
        parse_regions(f"union({deepest})")


def test_threat_56_parts_of_a_text_are_found_in_linear_time() -> None:
    # Counted, not timed: what looks at the whole text for each part looks at 20,000 times as many characters.
    text = _Text("union(" + ", ".join(["squares(area=0.25)"] * 20_000) + ")")
    tree = ast.parse(text.text, mode="eval").body
    assert isinstance(tree, ast.Call)
    assert {text.source(node) for node in tree.args} == {"squares(area=0.25)"}
    assert parse_regions(text.text) == squares(area="0.25")


def test_parts_of_a_text_of_several_lines_are_found() -> None:
    with pytest.raises(InvalidInput, match=r"found \"circles\('é',\\n3\)\""):
        parse_regions("union(squares(1),\r\n\tsquares(2), # é\n  circles('é',\n3))")


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("square(3)", "squares"),
        ("rectangel(3, 4)", "rectangle"),
        ("patch(squares(3), k=2)", "patches"),
        ("Disc(3)", "disc"),
    ],
)
def test_a_name_that_is_nearly_right_is_named(text: str, meant: str) -> None:
    with pytest.raises(InvalidInput, match=rf"did you mean {meant}\?"):
        parse_regions(text)


def test_per_cent_is_a_fraction_in_a_text() -> None:
    assert parse_regions("squares(area=2%)") == parse_regions("squares(area='2 %')") == squares(area=0.02)
    assert parse_regions("union(squares(area= .5%), sides(50 % ))") == union(squares(area="1/200"), sides(0.5))
    for text in ("squares(area=2%3)", "squares(size=2%)", "squares(area=x%)", "squares(area=%)", "squares(area=200%)"):
        with pytest.raises(InvalidInput):
            parse_regions(text)


def test_numbers_of_numpy_and_decimals_are_read_as_python_s() -> None:
    assert squares(np.int64(8)) == squares(Decimal(8)) == squares(8)
    assert squares(area=np.float64(0.01)) == squares(area=Decimal("0.01")) == squares(area=0.01)
    assert rectangles(9, max_aspect=Decimal("1.5")) == rectangles(np.uint8(9), max_aspect=np.float32(1.5))
    assert patches(squares(8), np.int64(2)) == patches(squares(8), 2)
    assert stripes(np.int8(3), axis=np.int64(0)) == stripes(3, axis=0)
    assert disc(np.float32(14.4)) == disc(Decimal("14.4")) == disc(14.4) == disc("72/5")
    assert within(squares(2), np.array([0, 0, 9, 9])) == within(squares(2), (0, 0, 9, 9))
    assert str(patches(squares(np.int64(8)), np.int64(2))) == "patches(squares(size=8), k=2)"


@pytest.mark.parametrize(("diameter", "larger"), [(1 / 3, "0.334"), (0.1 + 0.2, "0.301"), (14.43567891, "14.436")])
def test_a_diameter_that_is_too_fine_is_answered_by_a_larger_one_that_is_not(diameter: float, larger: str) -> None:
    with pytest.raises(InvalidInput, match=f"such as {larger}$"):
        disc(diameter)
    assert float(larger) > diameter
    assert parse_regions(f"disc(diameter={larger})") == disc(float(larger))


def test_an_area_takes_corners_as_a_polygon_does() -> None:
    corners = [(1, 1), (9, 1), (9, 9)]
    expected = within(squares(2), shapely.Polygon(corners))
    assert within(squares(2), corners) == expected
    assert within(squares(2), np.array(corners, dtype=np.float64)) == expected
    assert avoiding(squares(2), tuple(corners)) == avoiding(squares(2), shapely.Polygon(corners))
    with pytest.raises(InvalidInput, match="whole numbers"):
        within(squares(2), [(1, 1), (3, 3)])
