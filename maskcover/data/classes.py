"""The model's classes: their number, their names in the order of its outputs, and the ways to give both.

How the classes that data name become the model's numbers is in `labels.py`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from importlib.resources import files
from operator import index
from os import PathLike
from pathlib import Path
from typing import Any, SupportsIndex

from maskcover.canonical import read_strict
from maskcover.errors import InvalidInput, MaskFileError

Classes = SupportsIndex | str | PathLike[str] | Sequence[str] | Mapping[str, int] | Mapping[int, str]
_WNID = re.compile(r"n\d{8}")
_NUMBER = re.compile(r"[+-]?\d+(?:\.\d*)?")
_IMAGENET = 1000
_SAME = 0.9  # fraction of a model's names that must be ImageNet's, or in their places there, for its classes to be so
_LONGEST = 1 << 24  # bytes of a file with names


@dataclass(frozen=True)
class ClassList:
    """The classes of a model.

    Args:
        count: How many there are.
        names: For each class the names by which data may call it, the first of them its own; empty if none is known.
    """

    count: int
    names: tuple[tuple[str, ...], ...] = ()

    @property
    def own(self) -> tuple[str, ...]:
        """The own name of each class."""
        return tuple(names[0] for names in self.names)

    @cached_property
    def has_digits(self) -> bool:
        """Whether a class is called by a number: then a number in the data is a name, and not the number of a class."""
        return any(map(_NUMBER.fullmatch, self.own))

    def number(self, name: str) -> int | None:
        """The class of a name: exact match, else ignoring case, own names first; None if there is none, or several."""
        folded = name.casefold()
        for spelled, spellings in zip((name, folded, name, folded), self._spellings, strict=True):
            if spelled in spellings:
                return spellings[spelled]
        return None

    @cached_property
    def _spellings(self) -> tuple[dict[str, int | None], ...]:
        """From names to classes; None where two classes have one: ImageNet's words have two cranes and two maillots."""
        own = [(names[0], number) for number, names in enumerate(self.names)]
        others = [(name, number) for number, names in enumerate(self.names) for name in names[1:]]
        return _unique(own), _unique(_folded(own)), _unique(others), _unique(_folded(others))

    def numbers(self, names: Sequence[str], source: str) -> list[int]:
        """The classes of some names.

        Raises:
            InvalidInput: names that are no class, all of them named.
        """
        numbers = {name: self.number(name) for name in names}
        strangers = [name for name, number in numbers.items() if number is None]
        if strangers:
            raise InvalidInput(
                f"{source}: expected names among the {self.count} classes; got {few(strangers)}: the model's are "
                f"{few(self.own)}. Give classes= (--classes) with the names of the data or wnids, in the order of the "
                "model's outputs"
            )
        return [number for number in numbers.values() if number is not None]


@cache
def imagenet() -> ClassList:
    """The 1000 classes of ImageNet-1k by their WordNet ids, in the order in which every model has them.

    >>> imagenet().number("n01440764"), imagenet().number("n03888257")
    (0, 701)
    """
    return ClassList(_IMAGENET, tuple((wnid,) for wnid in _lines("imagenet_wnids.txt")))


def read_classes(classes: Classes | None) -> ClassList | None:
    """The model's classes: how many there are, their names in order, or a file with the names.

    A text of digits is a number, any other text is a path. A file has one name a line (a WordNet id may come before
    it), or is JSON: a list, or an object. Objects and mappings go from numbers to a name or to a list of names, or from
    names to numbers, as ``id2label`` and ``label2id`` of Hugging Face do.

    >>> read_classes(10), read_classes(["cat", "dog"]).number("Dog"), read_classes({"cat": 1, "dog": 0}).number("cat")
    (ClassList(count=10, names=()), 1, 1)
    """
    if classes is None:
        return None
    if isinstance(classes, str | PathLike):
        text = str(classes)
        return _counted(_whole(text)) if text.isdecimal() else _named(_from_file(Path(classes)), text)
    if isinstance(classes, SupportsIndex):
        return _counted(index(classes) if not isinstance(classes, bool) else 0)
    if isinstance(classes, Mapping):
        return _named(_from_mapping(classes, "classes"), "classes")
    return _named(list(classes), "classes")


def of_model(names: Sequence[str]) -> ClassList:
    """The classes of a model that knows their names, with what data may call them besides.

    "tench, Tinca tinca" is "tench" as well, and the WordNet ids of ImageNet's names are known.

    >>> of_model(["dog", "tench, Tinca tinca"]).number("n01440764")
    1
    """
    if isinstance(names, str) or not isinstance(names, Sequence) or not names:
        raise InvalidInput(f"expected the names of the model's classes, a text each, in order; got {names!r:.60}")
    own = _named(list(names), "the names of the model's classes").own
    return ClassList(len(own), tuple(_spelled(*pair) for pair in zip(own, _wordnet(own), strict=True)))


def known_classes(classes: Classes | None, class_names: Sequence[str] | None) -> ClassList | None:
    """The model's classes as they are given, else as the model knows them itself.

    Raises:
        InvalidInput: another number of classes is given than the model knows names of.
    """
    given = read_classes(classes)
    if class_names is None:
        return given
    own = of_model(class_names)
    if given is not None and given.count != own.count:
        raise InvalidInput(
            f"classes= (--classes) gives {given.count} classes, but the model knows {own.count} by name "
            f"({few(own.own)})"
        )
    return given if given is not None and given.names else own


def few(names: Sequence[str], most: int = 5) -> str:
    """Some names for a message: the first ones, shortened, and how many more there are.

    >>> few(["a", "b", "c"], most=2)
    'a, b and 1 more'
    """
    shown = ", ".join(name if len(name) <= 60 else f"{name[:57]}…" for name in names[:most])
    return shown + (f" and {len(names) - most} more" if len(names) > most else "")


def _unique(pairs: Iterable[tuple[str, int]]) -> dict[str, int | None]:
    numbers: dict[str, int | None] = {}
    for name, number in pairs:
        numbers[name] = number if numbers.get(name, number) == number else None
    return numbers


def _folded(pairs: Iterable[tuple[str, int]]) -> Iterable[tuple[str, int]]:
    return ((name.casefold(), number) for name, number in pairs)


def _lines(name: str) -> list[str]:
    return files("maskcover.data").joinpath(name).read_text(encoding="utf-8").splitlines()


@cache
def _words() -> tuple[str, ...]:
    """WordNet's words for each of ImageNet's classes, with commas between them."""
    return tuple(_lines("imagenet_words.txt"))


@cache
def _numbers_of_words() -> Mapping[str, frozenset[int]]:
    """From a WordNet id or a word to ImageNet's classes that are called so."""
    classes: dict[str, set[int]] = {}
    for number, (wnid, words) in enumerate(zip(imagenet().own, _words(), strict=True)):
        for word in (wnid, words, *_parts(words)):
            classes.setdefault(word.casefold(), set()).add(number)
    return {word: frozenset(numbers) for word, numbers in classes.items()}


def _wordnet(own: Sequence[str]) -> list[int | None]:
    """ImageNet's class of each name, if only one is called so; by its place if the model's classes are ImageNet's."""
    none = frozenset[int]()
    called = [_numbers_of_words().get(name.casefold(), none) for name in own]
    if len(own) == _IMAGENET and sum(number in numbers for number, numbers in enumerate(called)) >= _SAME * len(own):
        return list(range(_IMAGENET))
    if sum(map(bool, called)) < _SAME * len(own):  # of other things too: a word may be something else, a mouse, a kite
        called = [
            numbers if "," in name or _WNID.fullmatch(name) else none for name, numbers in zip(own, called, strict=True)
        ]
    return [next(iter(numbers)) if len(numbers) == 1 else None for numbers in called]


def _spelled(name: str, number: int | None) -> tuple[str, ...]:
    """A name, its parts, and what WordNet calls it."""
    more = () if number is None else (imagenet().own[number], _words()[number], *_parts(_words()[number]))
    return tuple(dict.fromkeys((name, *_parts(name), *more)))


def _parts(words: str) -> list[str]:
    return [part for part in map(str.strip, words.split(",")) if part]


def _whole(text: str) -> int:
    if len(text) > 9:
        raise InvalidInput(f"expected the number of classes, or their names; got a number of {len(text)} digits")
    return int(text)


def _counted(count: int) -> ClassList:
    if count < 1:
        raise InvalidInput(f"classes must be at least 1, or names; got {count}")
    return ClassList(count)


def _named(names: Sequence[Any], source: str) -> ClassList:
    """Names in order, each a text or several texts for one class."""
    every = tuple(
        (words,) if isinstance(words, str) else tuple(words) for words in names if isinstance(words, str | list | tuple)
    )
    odd = len(every) != len(names) or not all(words and all(isinstance(name, str) for name in words) for words in every)
    if odd or not every:
        raise InvalidInput(f"{source}: expected the names of the classes, in order; got {names!s:.60}")
    return ClassList(len(every), tuple(tuple(map(str, words)) for words in every))


def _from_mapping(document: Mapping[Any, Any], source: str) -> list[Any]:
    """Names in order: by their numbers, or from numbers by name; the values tell which of the two."""
    if document and all(_is_whole(value) for value in document.values()):
        return _from_numbers([(name, index(number)) for name, number in document.items()], source)
    pairs = {_key(key): value for key, value in document.items()}
    if not pairs or len(pairs) != len(document) or pairs.keys() != set(range(len(pairs))):
        raise InvalidInput(
            f"{source}: expected a name for each number from 0 on, or a number for each name; got "
            f"{few([str(key) for key in document]) or 'nothing'}"
        )
    return [pairs[number] for number in range(len(pairs))]


def _from_numbers(pairs: Sequence[tuple[Any, int]], source: str) -> list[list[str]]:
    """Names in the order of their numbers; several names may have one number."""
    names: dict[int, list[str]] = {}
    for name, number in pairs:
        if not isinstance(name, str):
            raise InvalidInput(f"{source}: expected a number for each name; got the number {number} for {name!r:.40}")
        names.setdefault(number, []).append(name)
    missing = next((number for number in range(len(names)) if number not in names), None)
    if missing is not None:
        raise InvalidInput(
            f"{source}: expected numbers from 0 to {len(names) - 1} for {len(names)} classes; {missing} is missing"
        )
    return [names[number] for number in range(len(names))]


def _is_whole(value: Any) -> bool:
    return isinstance(value, SupportsIndex) and not isinstance(value, bool)


def _key(key: Any) -> int | None:
    """A number, also where JSON wrote it as a text."""
    if _is_whole(key):
        return index(key)
    return int(key) if isinstance(key, str) and key.isdecimal() and len(key) <= 9 else None


def _from_file(path: Path) -> list[Any]:
    try:
        if path.stat().st_size > _LONGEST:
            raise InvalidInput(f"cannot read class names from {path}: it is larger than {_LONGEST >> 20} MiB")
        text = path.read_text(encoding="utf-8-sig")
        return _from_json(read_strict(text), path) if text.lstrip()[:1] in ("[", "{") else _from_lines(text)
    except (OSError, UnicodeDecodeError, TypeError, MaskFileError) as error:
        raise InvalidInput(
            f"cannot read class names from {path}: {error}; expected one name a line, or JSON"
        ) from error


def _from_json(document: Any, path: Path) -> list[Any]:
    return _from_mapping(document, str(path)) if isinstance(document, dict) else list(document)


def _from_lines(text: str) -> list[Any]:
    return [_in_line(line.strip()) for line in text.splitlines() if line.strip()]


def _in_line(line: str) -> list[str]:
    """The names in a line: all of it, or a WordNet id and the words that follow."""
    wnid, _, words = line.partition(" ")
    return [wnid, words.strip()] if _WNID.fullmatch(wnid) and words else [line]
