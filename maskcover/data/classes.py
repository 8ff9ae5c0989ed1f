"""The classes of a model: their number, their names in the order of its outputs, and the ways to give both.

`labels.py` turns the classes that data name into the model's numbers.
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
        count: The number of classes.
        names: For each class the names that data may use for it, its own name first; empty if no names are known.
    """

    count: int
    names: tuple[tuple[str, ...], ...] = ()

    @property
    def own(self) -> tuple[str, ...]:
        """The own name of each class."""
        return tuple(names[0] for names in self.names)

    @cached_property
    def has_digits(self) -> bool:
        """Whether the name of some class is a number: then numbers in the data are names, and not class numbers."""
        return any(map(_NUMBER.fullmatch, self.own))

    def number(self, name: str) -> int | None:
        """The class with a name: exact match, else ignoring case, own names first; None unless there is exactly one."""
        folded = name.casefold()
        for spelled, spellings in zip((name, folded, name, folded), self._spellings, strict=True):
            if spelled in spellings:
                return spellings[spelled]
        return None

    @cached_property
    def _spellings(self) -> tuple[dict[str, int | None], ...]:
        """The classes by name; None for a name of two classes: ImageNet's words have two cranes and two maillots."""
        own = [(names[0], number) for number, names in enumerate(self.names)]
        others = [(name, number) for number, names in enumerate(self.names) for name in names[1:]]
        return _unique(own), _unique(_folded(own)), _unique(others), _unique(_folded(others))

    def numbers(self, names: Sequence[str], source: str) -> list[int]:
        """The classes of some names.

        Raises:
            InvalidInput: some names belong to no class; the message lists them.
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
    """The 1000 classes of ImageNet-1k by their WordNet ids, in the order that all models use.

    >>> imagenet().number("n01440764"), imagenet().number("n03888257")
    (0, 701)
    """
    return ClassList(_IMAGENET, tuple((wnid,) for wnid in _lines("imagenet_wnids.txt")))


def read_classes(classes: Classes | None) -> ClassList | None:
    """Read the model's classes from their number, their names in order, or a file with the names.

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
        return _counted(_count_of(text)) if text.isdecimal() else _named(_from_file(Path(classes)), text)
    if isinstance(classes, SupportsIndex):
        return _counted(index(classes) if not isinstance(classes, bool) else 0)
    if isinstance(classes, Mapping):
        return _named(_from_mapping(classes, "classes"), "classes")
    return _named(list(classes), "classes")


def of_model(names: Sequence[str]) -> ClassList:
    """The classes of a model that knows their names, with other names that data may use for them.

    A class "tench, Tinca tinca" is also "tench", and has its WordNet id if its name is one of ImageNet's.

    >>> of_model(["dog", "tench, Tinca tinca"]).number("n01440764")
    1
    """
    if isinstance(names, str) or not isinstance(names, Sequence) or not names:
        raise InvalidInput(f"expected the names of the model's classes, a text each, in order; got {names!r:.60}")
    own = _named(list(names), "the names of the model's classes").own
    return ClassList(len(own), tuple(_spelled(*pair) for pair in zip(own, _wordnet(own), strict=True)))


def known_classes(classes: Classes | None, class_names: Sequence[str] | None) -> ClassList | None:
    """The model's classes as the user gives them, else as the model itself knows them.

    Raises:
        InvalidInput: the user gives another number of classes than the model has names for.
    """
    listed = read_classes(classes)
    if class_names is None:
        return listed
    own = of_model(class_names)
    if listed is not None and listed.count != own.count:
        raise InvalidInput(
            f"classes= (--classes) gives {listed.count} classes, but the model knows {own.count} by name "
            f"({few(own.own)})"
        )
    return listed if listed is not None and listed.names else own


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
    """ImageNet's classes by their names: WordNet ids and words."""
    classes: dict[str, set[int]] = {}
    for number, (wnid, words) in enumerate(zip(imagenet().own, _words(), strict=True)):
        for word in (wnid, words, *_parts(words)):
            classes.setdefault(word.casefold(), set()).add(number)
    return {word: frozenset(numbers) for word, numbers in classes.items()}


def _wordnet(own: Sequence[str]) -> list[int | None]:
    """ImageNet's class for each name, None unless there is exactly one; by place if all classes are ImageNet's."""
    none = frozenset[int]()
    called = [_numbers_of_words().get(name.casefold(), none) for name in own]
    if len(own) == _IMAGENET and sum(number in numbers for number, numbers in enumerate(called)) >= _SAME * len(own):
        return list(range(_IMAGENET))
    if sum(map(bool, called)) < _SAME * len(
        own
    ):  # most are not ImageNet's: a single word, such as mouse or kite, may mean something else
        called = [
            numbers if "," in name or _WNID.fullmatch(name) else none for name, numbers in zip(own, called, strict=True)
        ]
    return [next(iter(numbers)) if len(numbers) == 1 else None for numbers in called]


def _spelled(name: str, number: int | None) -> tuple[str, ...]:
    """A name, its parts, and the names that WordNet has for the class."""
    more = () if number is None else (imagenet().own[number], _words()[number], *_parts(_words()[number]))
    return tuple(dict.fromkeys((name, *_parts(name), *more)))


def _parts(words: str) -> list[str]:
    return [part for part in map(str.strip, words.split(",")) if part]


def _count_of(text: str) -> int:
    if len(text) > 9:
        raise InvalidInput(f"expected the number of classes, or their names; got a number of {len(text)} digits")
    return int(text)


def _counted(count: int) -> ClassList:
    if count < 1:
        raise InvalidInput(f"classes must be at least 1, or names; got {count}")
    return ClassList(count)


def _named(names: Sequence[Any], source: str) -> ClassList:
    """The class list of names in order, each a text or several texts for one class."""
    every = tuple(
        (words,) if isinstance(words, str) else tuple(words) for words in names if isinstance(words, str | list | tuple)
    )
    odd = len(every) != len(names) or not all(words and all(isinstance(name, str) for name in words) for words in every)
    if odd or not every:
        raise InvalidInput(f"{source}: expected the names of the classes, in order; got {names!s:.60}")
    return ClassList(len(every), tuple(tuple(map(str, words)) for words in every))


def _from_mapping(document: Mapping[Any, Any], source: str) -> list[Any]:
    """Names in order, from a mapping of numbers to names, or of names to numbers; its values tell which."""
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
    """Names in the order of their numbers; one number may have several names."""
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
    """The number in a key of a mapping; JSON writes such keys as texts. None for anything else."""
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
