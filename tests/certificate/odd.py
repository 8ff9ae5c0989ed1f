"""Odd documents, each with the one right answer: that of `maskcover verify`, of check.py, and of the proved program.

Each is a certificate of 12×14 pixels with something odd in it, and a right digest. What only maskcover reads (other
families, a number with an exponent) the two checkers cannot decide, and say so.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

import maskcover as mc
from tests.certificate.helpers import Document, digested, edited, proved

HOLDS, REFUTED, MALFORMED, UNDECIDED = 0, 1, 2, 3
SQUARES = proved(mc.cover("squares(size=3)", (12, 14)))
PAIRS = proved(mc.cover("patches(squares(size=3), k=2)", (12, 14)))
STENCIL = ("terms", 0, "slots", 0, 0)
SLOTS, SIGNATURES = ("terms", 0, "slots"), ("terms", 0, "signatures")
SIGNED = PAIRS["terms"][0]["signatures"]
FALSE = edited(SQUARES, (*STENCIL, "tiles", 0, -1), 9)
DEEPEST = 64


@dataclass(frozen=True)
class Odd:
    """A document, and what it is: the answer of `maskcover verify`, and that of the checkers if it is another one."""

    name: str
    content: str
    right: int
    checkers: int

    def __str__(self) -> str:
        return self.name


def _odd(name: str, content: Document | str, right: int, checkers: int | None = None) -> Odd:
    text = content if isinstance(content, str) else json.dumps(digested(content))
    return Odd(name, text, right, right if checkers is None else checkers)


def _claim(regions: str, right: int, checkers: int | None = None) -> Odd:
    """What proves squares of 3 pixels, with another claim."""
    return _odd(regions[:60], SQUARES | {"regions": regions}, right, checkers)


def _written(name: str, old: str, new: str, right: int, document: Document = SQUARES) -> Odd:
    """A document in which something is written otherwise; its digest is that of what it says."""
    text = json.dumps(digested(document))
    assert old in text, old
    return _odd(name, text.replace(old, new, 1), right)


def _nested(levels: int) -> str:
    return "union(" * (levels - 1) + "squares(size=3)" + ")" * (levels - 1)


BITMAP = "/".join(["1" * 14] * 12)
HALF = "0." + "5" + "0" * 39

CLAIMS = [
    # Holds, however it is said.
    _claim("squares(3)", HOLDS),
    _claim('squares(size="3")', HOLDS),
    _claim("(squares(size=3))", HOLDS),
    _claim("squares(size=(3))", HOLDS),
    _claim("rectangle(width=3, height=2)", HOLDS),
    _claim("union(squares(size=3))", HOLDS),
    _claim("union(squares(size=3), squares(size=3), union(squares(size=2), squares(3)))", HOLDS),
    _claim("patches(squares(size=3), k=1)", HOLDS),
    _claim("patches([squares(size=3)])", HOLDS),
    _claim("patches(k=1, regions=squares(size=3))", HOLDS),
    _claim('bitmap(cells="111/111/")', HOLDS),
    _claim('bitmap("0000/0111/")', HOLDS),
    _claim("within(squares(size=3), [0, 0, 12, 14])", HOLDS),
    _claim(f'within(squares(size=3), "{BITMAP}")', HOLDS),
    _claim(f'within(squares(size=3), "{BITMAP}/")', HOLDS),
    _claim("avoiding(area=(0, 0, 1, 1), regions=squares(size=3))", HOLDS),
    _claim("rectangles(area=9, max_aspect=1)", HOLDS),
    _claim('rectangles(area=9, max_aspect="7/7")', HOLDS),
    _claim("rectangles(area=9, min_side=2, max_aspect=1.4)", HOLDS),
    _claim(f"rectangles(area=9, max_aspect=1.{'0' * 40})", HOLDS),
    _claim(f'rectangles(area=9, max_aspect="{"0" * 39}10/{"0" * 40}9")', HOLDS),
    _claim('squares(area="1/42")', HOLDS),
    _claim(f'squares(area="1/{"0" * 39}42")', HOLDS),
    _claim(f"squares(area=0.05{'0' * 38})", HOLDS),
    _claim(_nested(DEEPEST), HOLDS),
    _claim("union(within(patches(squares(size=9), k=2), (0, 0, 3, 3)), squares(size=3))", HOLDS),
    # Refuted: larger claims than the evidence shows.
    _claim("squares(4)", REFUTED),
    _claim(f"squares(area={HALF})", REFUTED),
    _claim("patches(patches(squares(size=3), k=1), k=2)", REFUTED),
    _claim("patches([squares(size=3), squares(size=3)])", REFUTED),
    # Nothing that is spelt otherwise than `prove` does.
    _claim(" squares(size=3)", MALFORMED),
    _claim("squares(size=3) ", MALFORMED),
    _claim("squares (size=3)", MALFORMED),
    _claim("squares( size=3)", MALFORMED),
    _claim("squares(size = 3)", MALFORMED),
    _claim("rectangle(3,3)", MALFORMED),
    _claim("rectangle(3,  3)", MALFORMED),
    _claim("rectangle(3, 3, )", MALFORMED),
    _claim("within(squares(size=3), (0, 0, 12, 14, ))", MALFORMED),
    _claim("squares(size='3')", MALFORMED),
    _claim('squares(size="3""3")', MALFORMED),
    _claim('squares(size="""3""")', MALFORMED),
    _claim('squares(size=r"3")', MALFORMED),
    _claim('squares(size="3px")', MALFORMED),
    _claim('squares(size=" 3")', MALFORMED),
    _claim('squares(area="0.05")', MALFORMED),
    _claim("squares(size=0x3)", MALFORMED),
    _claim("squares(size=3_0)", MALFORMED),
    _claim("squares(size=03)", MALFORMED),
    _claim("squares(size=3.)", MALFORMED),
    _claim("squares(area=.05)", MALFORMED),
    _claim("squares(area=00.05)", MALFORMED),
    _claim("squares(size=1+2)", MALFORMED),
    _claim("squares(size=4-1)", MALFORMED),
    _claim("squares(size=3)\n", MALFORMED),
    _claim("squares(size=3)  # all", MALFORMED),
    _claim("ｓquares(size=3)", MALFORMED),
    _claim("squares(size=٣)", MALFORMED),
    _claim("squares(size=3)squares(size=3)", MALFORMED),
    _claim("squares(size=3)(size=3)", MALFORMED),
    _claim("squares(size=3", MALFORMED),
    _claim("squares(size=3))", MALFORMED),
    _claim("union(, squares(size=3))", MALFORMED),
    _claim("squares", MALFORMED),
    _claim("3", MALFORMED),
    _claim('"squares"', MALFORMED),
    _claim("", MALFORMED),
    # Nothing that the call would not take.
    _claim("rectangles(4, 2)", MALFORMED),
    _claim("rectangles(4, 1, 2)", MALFORMED),
    _claim("squares(3, 9)", MALFORMED),
    _claim("squares(size=3, area=9)", MALFORMED),
    _claim("squares()", MALFORMED),
    _claim("squares(size=3, size=3)", MALFORMED),
    _claim("squares(3, size=3)", MALFORMED),
    _claim("squares(size=-3)", MALFORMED),
    _claim("squares(size=-0)", MALFORMED),
    _claim("squares(size=0)", MALFORMED),
    _claim("squares(size=0.5)", MALFORMED),
    _claim('squares(size="1/2")', MALFORMED),
    _claim("squares(size=3.0)", MALFORMED),
    _claim("squares(size=squares(size=3))", MALFORMED),
    _claim("squares(area=1.0)", MALFORMED),
    _claim("squares(area=0.0)", MALFORMED),
    _claim('squares(area="1/0")', MALFORMED),
    _claim('squares(area="0/1")', MALFORMED),
    _claim('squares(area="1/1/2")', MALFORMED),
    _claim('squares(area="3/2")', MALFORMED),
    _claim('squares(area="/2")', MALFORMED),
    _claim(f"squares(area=0.{'0' * 40}1)", MALFORMED),
    _claim(f"squares(area=0.{'1' * 41})", MALFORMED),
    _claim(f"squares(area=0.{'1' * 90_000})", MALFORMED),
    _claim(f'squares(area="1/{"9" * 90_000}")', MALFORMED),
    _claim(f'squares(area="1/{"9" * 41}")', MALFORMED),
    _claim(f'squares(area="1/{"0" * 40}42")', MALFORMED),
    _claim(f"squares(size={'9' * 90_000})", MALFORMED),
    _claim(f"squares(size={2**41})", MALFORMED),
    _claim(f'squares(size="{"0" * 12}3")', MALFORMED),
    _claim("squares(size=15)", MALFORMED),
    _claim("rectangle(height=3)", MALFORMED),
    _claim("rectangle(3, 3, 3)", MALFORMED),
    _claim("rectangles(area=9, min_side=4)", MALFORMED),
    _claim('rectangles(area=9, max_aspect="1e1")', MALFORMED),
    _claim("rectangles(area=9, max_aspect=0.5)", MALFORMED),
    _claim('rectangles(area=9, max_aspect="1/0")', MALFORMED),
    _claim(f"rectangles(area=9, max_aspect={'1' * 40}.{'1' * 40})", MALFORMED),
    _claim('bitmap("11/1")', MALFORMED),
    _claim('bitmap("/11")', MALFORMED),
    _claim('bitmap("00/00")', MALFORMED),
    _claim('bitmap("11/11", 2)', MALFORMED),
    _claim('bitmap(text="11/11")', MALFORMED),
    _claim("bitmap(11)", MALFORMED),
    _claim("union()", MALFORMED),
    _claim("union(3)", MALFORMED),
    _claim("union(squares(size=3), members=squares(size=3))", MALFORMED),
    _claim("patches(squares(size=3))", MALFORMED),
    _claim("patches(squares(size=3), k=0)", MALFORMED),
    _claim("patches(squares(size=3), k=17)", MALFORMED),
    _claim(f"patches(squares(size=3), k={10**30})", MALFORMED),
    _claim('patches(squares(size=3), k="2")', MALFORMED),
    _claim("patches(squares(size=3), k=1.5)", MALFORMED),
    _claim("patches([])", MALFORMED),
    _claim("patches([squares(size=3)], k=1)", MALFORMED),
    _claim("patches(patches(squares(size=3), k=2), k=2)", MALFORMED),
    _claim("union(patches([within(squares(size=3), (0, 0, 2, 2)), squares(size=3)]), squares(size=3))", MALFORMED),
    _claim("within(patches([squares(size=3), squares(size=2)]), (0, 0, 2, 2))", MALFORMED),
    _claim("within(squares(size=3), (-0, 0, 12, 14))", MALFORMED),
    _claim("within(squares(size=3), (0, 0, 12))", MALFORMED),
    _claim("within(squares(size=3), (0, 0, 13, 14))", MALFORMED),
    _claim("within(squares(size=3), (0, 0, 0, 14))", MALFORMED),
    _claim("within(squares(size=3), (0.0, 0, 12, 14))", MALFORMED),
    _claim('within(squares(size=3), ("0", "0", "12", "14"))', MALFORMED),
    _claim("within(squares(size=3), ())", MALFORMED),
    _claim("within(squares(size=3), 3)", MALFORMED),
    _claim('within(squares(size=3), "11/11")', MALFORMED),
    _claim("within(squares(size=3), (0, 0, 2, 2))", MALFORMED),
    _claim(_nested(DEEPEST + 1), MALFORMED),
    _claim(_nested(300), MALFORMED),
    _claim("(" * 5000 + ")" * 5000, MALFORMED),
    _claim("(" * 65 + "squares(size=3)" + ")" * 65, MALFORMED),
    _claim("-" * 9000 + "1", MALFORMED),
    # What only maskcover reads.
    _claim("disc(diameter=3)", HOLDS, UNDECIDED),
    _claim('disc(diameter="5/2")', HOLDS, UNDECIDED),
    _claim("disc(diameter=1e999)", MALFORMED, UNDECIDED),
    _claim("stripes(width=1)", REFUTED, UNDECIDED),
    _claim("union(squares(size=3), half_planes(share=0.1))", REFUTED, UNDECIDED),
    _claim("union(squares(size=3), sides(fraction=0.1))", REFUTED, UNDECIDED),
    _claim("union(squares(size=3), half_planes(rows=5))", REFUTED, UNDECIDED),
    _claim("squares(area=5e-2)", HOLDS, UNDECIDED),
    _claim("within(squares(size=3), (0, 0, 12, 14), touching=True)", HOLDS, UNDECIDED),
    _claim("within(squares(size=3), [(0, 0), (14, 0), (14, 12), (0, 12)])", HOLDS, UNDECIDED),
    _claim('within(squares(size=3), "POLYGON ((0 0, 14 0, 14 12, 0 12, 0 0))")', HOLDS, UNDECIDED),
    _claim('bitmap("111//111")', MALFORMED, UNDECIDED),
    _claim("squares(size=True)", MALFORMED, UNDECIDED),
    _claim("circles(3)", MALFORMED, UNDECIDED),
]

DOCUMENTS = [
    _written("a number of -0", "[[0, 0, ", "[[-0, 0, ", MALFORMED),
    _written("a number of -1", "[[0, 0, ", "[[-1, 0, ", MALFORMED),
    _written("a fraction", "[[0, 0, ", "[[0.0, 0, ", MALFORMED),
    _written("an exponent", "[[0, 0, ", "[[0e0, 0, ", MALFORMED),
    _written("a leading zero", "[[0, 0, ", "[[00, 0, ", MALFORMED),
    _written("an endless number", "[[0, 0, ", f"[[{'9' * 5000}, 0, ", MALFORMED),
    _written("a key twice", '"version": 1', '"version": 1, "version": 1', MALFORMED),
    _odd("two documents", "{}{}", MALFORMED),
    _odd("another after it", json.dumps(SQUARES) + "{}", MALFORMED),
    _written("escapes that need not be", '"squares(size=3)"', '"\\u0073quares\\u0028size=3\\u0029"', HOLDS),
    _written("an escaped line break", '"squares(size=3)"', '"squares(size=3)\\n"', MALFORMED),
    _written("blanks", '"version": 1', '\t"version"\r\n : 1', HOLDS),
    _odd("an empty file", "", MALFORMED),
    _odd("nesting without end", "[" * 100_000, MALFORMED),
    _odd("nesting", "[" * 5_000 + "]" * 5_000, MALFORMED),
    _odd("nested masks", edited(SQUARES, ("masks",), json.loads("[" * 150 + "]" * 150)), MALFORMED),
    _odd("version true", SQUARES | {"version": True}, MALFORMED),
    _odd("another frame", SQUARES | {"frame": "source=(12, 14)"}, MALFORMED),
    _odd("no frame", SQUARES | {"frame": None}, MALFORMED),
    _odd("an unknown field", SQUARES | {"note": "trust me"}, MALFORMED),
    _odd("regions as a list", SQUARES | {"regions": ["squares(size=3)"]}, MALFORMED),
    _odd("an object for masks", SQUARES | {"masks": {}}, MALFORMED),
    _odd("an object for a mask", edited(SQUARES, ("masks", 0), {}), MALFORMED),
    _odd("an object for terms", SQUARES | {"terms": {}}, MALFORMED),
    _odd("an object for a slot", edited(SQUARES, ("terms", 0, "slots", 0), {}), MALFORMED),
    _odd("an object for signatures", edited(SQUARES, SIGNATURES, {}), MALFORMED),
    _odd("an object for places", edited(SQUARES, (*STENCIL, "places"), {}), MALFORMED),
    _odd("an object for tiles", edited(SQUARES, (*STENCIL, "tiles"), {}), MALFORMED),
    _odd("an object for the size", SQUARES | {"image_size": {}}, MALFORMED),
    _odd("a text for the size", SQUARES | {"image_size": "12"}, MALFORMED),
    _odd("a side of 0", SQUARES | {"image_size": [12, 0]}, MALFORMED),
    _odd("a side of 2^41", SQUARES | {"image_size": [2**41, 14]}, MALFORMED),
    _odd("more than 2^40 cells", SQUARES | {"image_size": [2**30, 2**30]}, MALFORMED),
    _odd("9 axes", SQUARES | {"image_size": [1] * 9, "masks": [], "terms": []}, MALFORMED),
    _odd("1,000 axes", SQUARES | {"image_size": [1] * 1000, "masks": [], "terms": []}, MALFORMED),
    _odd("no masks", SQUARES | {"masks": []}, MALFORMED),
    _odd("no masks and no terms", SQUARES | {"masks": [], "terms": []}, REFUTED),
    _odd("no terms", SQUARES | {"terms": []}, REFUTED),
    _odd("a mask that hides nothing", edited(SQUARES, ("masks", 0), []), REFUTED),
    _odd("a box without cells", edited(SQUARES, ("masks", 0, 0, 2), 0), MALFORMED),
    _odd("a box off the image", edited(SQUARES, ("masks", 0, 0, 2), 99), MALFORMED),
    _odd("a mask that lists its box twice", edited(SQUARES, ("masks", 0), SQUARES["masks"][0] * 2), HOLDS),
    _odd("a shape that lists its box twice", edited(SQUARES, (*STENCIL, "shape"), [[0, 0, 3, 3]] * 2), MALFORMED),
    _odd("a shape of two halves", edited(SQUARES, (*STENCIL, "shape"), [[0, 0, 3, 1], [0, 1, 3, 2]]), HOLDS),
    _odd("a shape that begins at 1", edited(SQUARES, (*STENCIL, "shape"), [[1, 0, 2, 3]]), MALFORMED),
    _odd("no shape", edited(SQUARES, (*STENCIL, "shape"), []), MALFORMED),
    _odd("no places", edited(edited(SQUARES, (*STENCIL, "places"), []), (*STENCIL, "tiles"), []), MALFORMED),
    _odd("no tiles", edited(SQUARES, (*STENCIL, "tiles"), []), REFUTED),
    _odd("a tile of no mask", edited(SQUARES, (*STENCIL, "tiles", 0, -1), 10**6), MALFORMED),
    _odd("a tile of another mask", FALSE, REFUTED),
    _odd("a tile without a number", edited(SQUARES, (*STENCIL, "tiles", 0), [0, 0, 1, 1]), MALFORMED),
    _odd("a slot that no patch uses", edited(SQUARES, SLOTS, SQUARES["terms"][0]["slots"] * 2), MALFORMED),
    _odd("no patches", edited(SQUARES, ("terms", 0, "patches"), []), MALFORMED),
    _odd("no slots", edited(edited(SQUARES, ("terms", 0, "patches"), []), ("terms", 0, "slots"), []), MALFORMED),
    _odd("a patch more", edited(SQUARES, ("terms", 0, "patches"), [0, 0]), REFUTED),
    _odd("a patch less", edited(PAIRS, ("terms", 0, "patches"), [0]), REFUTED),
    _odd("a signature that nothing uses", edited(PAIRS, SIGNATURES, [*SIGNED, [0, 1, 2]]), MALFORMED),
    _odd("an empty signature", edited(PAIRS, (*SIGNATURES, 0), []), MALFORMED),
    _odd("a signature that is not sorted", edited(PAIRS, (*SIGNATURES, 0), SIGNED[0][::-1]), MALFORMED),
    _odd("a signature twice", edited(PAIRS, (*SIGNATURES, 1), SIGNED[0]), MALFORMED),
    _odd("false evidence, and a claim that is none", FALSE | {"regions": "squares(size=0)"}, MALFORMED),
    _odd("false evidence, and a claim that checkers do not read", FALSE | {"regions": "disc(diameter=3)"}, REFUTED),
]  # fmt: skip

ODD = CLAIMS + DOCUMENTS
