"""Finite fields of a few elements, and the planes over them, as lists of blocks of points.

The elements of a field of q = p^k elements are the numbers 0 … q − 1. Their digits to the base p are the coefficients
of a polynomial of degree below k.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations, product

Block = tuple[int, ...]
Table = tuple[tuple[int, ...], ...]


@dataclass(frozen=True, slots=True)
class Field:
    """The tables of sums and products of a finite field."""

    sums: Table
    products: Table

    @property
    def order(self) -> int:
        """Number of elements."""
        return len(self.sums)

    def minus(self, first: int, second: int) -> int:
        """Subtract the second element from the first."""
        return self.sums[first][self.sums[second].index(0)]

    def over(self, first: int, second: int) -> int:
        """Divide the first element by the second, which is not 0."""
        return self.products[first][self.products[second].index(1)]


def prime_power(order: int) -> tuple[int, int] | None:
    """Write a number as a power of a prime, (prime, exponent); None if it is no such power.

    >>> prime_power(9), prime_power(7), prime_power(12)
    ((3, 2), (7, 1), None)
    """
    prime = next((p for p in range(2, order + 1) if order % p == 0), None)
    if prime is None:
        return None
    exponent = next(k for k in range(1, order) if prime**k >= order)
    return (prime, exponent) if prime**exponent == order else None


@lru_cache(maxsize=64)
def field(order: int) -> Field | None:
    """Make the field of this many elements; None if there is none.

    >>> field(4).products[2]
    (0, 2, 3, 1)
    """
    power = prime_power(order)
    if power is None:
        return None
    prime, degree = power
    vectors = [_digits(number, prime, degree) for number in range(order)]
    sums = tuple(
        tuple(_number([(x + y) % prime for x, y in zip(a, b, strict=True)], prime) for b in vectors) for a in vectors
    )
    for rule in vectors:  # x^degree = rule; a rule whose products are never 0 makes a field
        products = tuple(tuple(_product(a, b, rule, prime) for b in vectors) for a in vectors)
        if all(0 not in row[1:] for row in products[1:]):
            return Field(sums, products)
    return None


def affine_plane(order: int) -> Iterator[Block]:
    """Yield the q² + q lines of the affine plane over a field of q elements; point (x, y) is x·q + y.

    Lines of equal slope follow one another; those that have none come last.
    """
    numbers = field(order)
    if numbers is None:
        return
    for slope, offset in product(range(order), repeat=2):
        yield tuple(x * order + numbers.sums[numbers.products[slope][x]][offset] for x in range(order))
    for x in range(order):
        yield tuple(x * order + y for y in range(order))


def projective_plane(order: int) -> Iterator[Block]:
    """Yield the lines of the affine plane with a point at infinity for each direction, and the line of these points."""
    square = order**2
    for number, line in enumerate(affine_plane(order)):
        yield (*line, square + number // order)
    yield tuple(range(square, square + order + 1))


def inversive_plane(order: int) -> Iterator[Block]:
    """Yield the q³ + q circles of the inversive plane of order q: any 3 of its q² + 1 points lie in exactly one circle.

    A circle has q + 1 points. Points are the elements of the field of q² elements and infinity, q². A circle is the
    image of the small field and infinity under a fractional linear map; the circle through a, b, c has the points x
    whose cross-ratio (x − a)(b − c) / ((x − c)(b − a)) lies in the small field, and c itself.
    """
    numbers = field(order**2)
    if numbers is None or field(order) is None:
        return
    small = {x for x in range(order**2) if _raised(numbers, x, order) == x}
    circles = {
        (*(x for x in range(order**2) if x == c or _ratio(numbers, x, a, b, c) in small),)
        + ((order**2,) if _ratio(numbers, None, a, b, c) in small else ())
        for a, b, c in combinations(range(order**2), 3)
    }
    lines = {
        (*(x for x in range(order**2) if numbers.over(numbers.minus(x, a), numbers.minus(b, a)) in small), order**2)
        for a, b in combinations(range(order**2), 2)
    }
    yield from sorted(circles | lines)


def octads_through_two() -> Iterator[Block]:
    """Yield the 77 blocks of the Steiner system S(3, 6, 22): any 3 of 22 points lie in exactly one block of 6.

    They are the words of weight 8 of the extended binary Golay code that hold two given points, without these points
    (Witt 1938). The code is spanned by rows of a bordered circulant matrix of the squares modulo 11.
    """
    squares = {x * x % 11 for x in range(11)}
    rows = [1 << i | 1 << 22 | sum(1 << 11 + (j + i) % 11 for j in range(11) if j in squares) for i in range(11)]
    rows.append(1 << 23 | sum(1 << 11 + j for j in range(11)))
    words = [0]
    for row in rows:
        words += [word ^ row for word in words]
    pair = 1 | 1 << 1
    for word in words:
        if word.bit_count() == 8 and word & pair == pair:
            yield tuple(point - 2 for point in range(2, 24) if word >> point & 1)


def _ratio(numbers: Field, x: int | None, a: int, b: int, c: int) -> int:
    """The cross-ratio of x (None: infinity), a, b and c, for x other than c."""
    scale = numbers.over(numbers.minus(b, c), numbers.minus(b, a))
    if x is None:
        return scale
    return numbers.products[numbers.over(numbers.minus(x, a), numbers.minus(x, c))][scale]


def _raised(numbers: Field, x: int, power: int) -> int:
    result = 1
    for _ in range(power):
        result = numbers.products[result][x]
    return result


def _digits(number: int, base: int, count: int) -> Block:
    return tuple(number // base**place % base for place in range(count))


def _number(digits: list[int], base: int) -> int:
    return sum(digit * base**place for place, digit in enumerate(digits))


def _product(first: Block, second: Block, rule: Block, prime: int) -> int:
    """Multiply two polynomials, where x^degree is `rule`."""
    degree = len(rule)
    result = [0] * degree
    for digit in reversed(second):  # Horner: times x, plus a multiple of the first
        top, result = result[-1], [0, *result[:-1]]
        result = [(r + top * m + digit * f) % prime for r, m, f in zip(result, rule, first, strict=True)]
    return _number(result, prime)
