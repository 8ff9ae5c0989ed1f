"""`Dataset`: images with ids and labels, each read when it is needed; every format is opened as one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from maskcover.data.images import ImageArray
from maskcover.data.preprocessing import FloatImage, Preprocessing
from maskcover.errors import InvalidInput

IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]
_EXAMPLES = 5


@dataclass(frozen=True, slots=True)
class Chosen:
    """A record of how `count` images were chosen among `of`: at random with a seed, or the first ones without a seed.

    >>> print(Chosen(10, 50, seed=7), Chosen(10, 50), sep="; ")
    a sample of 10 of 50 (seed 7); the first 10 of 50
    """

    count: int
    of: int
    seed: int | None = None

    def document(self) -> dict[str, Any]:
        """The record as a JSON document, which a run keeps."""
        return asdict(self)

    def __str__(self) -> str:
        if self.seed is None:
            return f"the first {self.count:,} of {self.of:,}"
        return f"a sample of {self.count:,} of {self.of:,} (seed {self.seed})"


@dataclass(frozen=True, slots=True)
class Skipped:
    """A record of what was left out when data were opened, since it is not certified.

    Args:
        count: The number of files, or samples of shards, that are no images by their names.
        examples: The first few of them.
        empty: Folders of classes without an image.

    >>> print(Skipped(3, ("a.heic", "b.heic"), ("cow",)))
    left out 3 that are no .png, .jpg or the like: a.heic, b.heic, …; without an image: cow
    """

    count: int = 0
    examples: tuple[str, ...] = ()
    empty: tuple[str, ...] = ()

    @classmethod
    def of(cls, names: Sequence[str], empty: Sequence[str] = ()) -> Skipped | None:
        """The record of some names; None if nothing was left out."""
        return cls(len(names), tuple(names[:_EXAMPLES]), tuple(empty)) if names or empty else None

    @classmethod
    def read(cls, document: Any) -> Skipped:
        """The record of a document that a run kept; raises `TypeError` or `KeyError` for another document."""
        count, *names = (document[key] for key in ("count", "examples", "empty"))
        if type(count) is not int or not all(isinstance(texts, list) and all(map(_is_text, texts)) for texts in names):
            raise TypeError("skipped: expected a count and lists of texts")
        return cls(count, *map(tuple, names))

    def document(self) -> dict[str, Any]:
        """The record as a JSON document, which a run keeps."""
        return {"count": self.count, "examples": list(self.examples), "empty": list(self.empty)}

    def __str__(self) -> str:
        more = ", …" if self.count > len(self.examples) else ""
        files = f"left out {self.count:,} that are no .png, .jpg or the like: {', '.join(self.examples)}{more}"
        shown = ", ".join(self.empty[:_EXAMPLES]) + (", …" if len(self.empty) > _EXAMPLES else "")
        return "; ".join([files] * (self.count > 0) + [f"without an image: {shown}"] * bool(self.empty))


@dataclass(frozen=True, slots=True, eq=False)
class Dataset:
    """A data set: images with ids and, if they are known, labels.

    Args:
        source: A description of the data and their place, for messages.
        ids: One text for each image, all different, the same whenever the same data are opened.
        labels: int64, a class number for each image; None if there are none.
        read: A function that returns image number i, uint8 (height, width, 3) or (height, width); it raises
            `InvalidInput` that names the file.
        measure: A function that returns (height, width) of image number i without reading all of it; by default the
            image is read.
        classes: Names of the classes, in the order of their numbers, if the data name them.
        chosen: The way in which these images were chosen among more, if they were.
        matched: Whether labels and classes are the model's, by names that were given; else they are the data's own.
        skipped: A record of what was left out when the data were opened, if anything was.
        answers: For data opened for answers: the true answer of each image, where labels do not tell it; else None.
        label_sets: For data with several labels: whether each class is present, bool (images, classes); else None.

    Raises:
        InvalidInput: the number of labels is not that of images, or two images have the same id.

    >>> grey = Dataset("two squares", ("a", "b"), np.array([0, 1]), lambda number: np.full((4, 4), number, np.uint8))
    >>> len(grey), grey[1].max(), grey.size(0), grey.sampled(1, seed=0).ids
    (2, np.uint8(1), (4, 4), ('b',))
    """

    source: str
    ids: tuple[str, ...]
    labels: IntArray | None
    read: Callable[[int], ImageArray]
    measure: Callable[[int], tuple[int, int]] | None = None
    classes: tuple[str, ...] | None = None
    chosen: Chosen | None = None
    matched: bool = False
    skipped: Skipped | None = None
    answers: tuple[Any, ...] | None = None
    label_sets: BoolArray | None = None

    def __post_init__(self) -> None:
        if len(set(self.ids)) != len(self.ids):
            ((twice, _),) = Counter(self.ids).most_common(1)
            raise InvalidInput(f"{self.source}: expected ids that are all different; {twice} is there twice")
        if self.labels is not None and self.labels.shape != (len(self.ids),):
            raise InvalidInput(f"{self.source}: {len(self.ids)} images, but labels of shape {self.labels.shape}")
        if self.answers is not None and len(self.answers) != len(self.ids):
            raise InvalidInput(f"{self.source}: {len(self.ids)} images, but {len(self.answers)} true answers")
        if self.label_sets is not None and self.label_sets.shape != (len(self.ids), len(self.classes or ())):
            raise InvalidInput(
                f"{self.source}: {len(self.ids)} images and {len(self.classes or ())} names of classes, but several "
                f"labels of shape {self.label_sets.shape}"
            )

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, number: int, /) -> ImageArray:
        if not 0 <= number < len(self):
            raise IndexError(number)
        return self.read(number)

    def size(self, number: int) -> tuple[int, int]:
        """(height, width) of an image, as `read` returns it; raises `InvalidInput` if it cannot be read."""
        try:
            if self.measure is not None:
                return self.measure(number)
            height, width = self.read(number).shape[:2]
        except InvalidInput:
            raise
        except Exception as error:  # an object's items may fail in any way
            raise InvalidInput(f"cannot read {self.ids[number]}: {type(error).__name__}: {error}") from error
        return height, width

    @property
    def true_labels(self) -> IntArray:
        """The labels; raises `InvalidInput` if there are none."""
        if self.labels is None:
            raise InvalidInput(f"{self.source} has no labels, and certificates are about true labels; give labels")
        return self.labels

    @property
    def true_answers(self) -> tuple[Any, ...]:
        """The true answers: those of the data, else the names of the classes, else the labels as whole numbers.

        Raises:
            InvalidInput: there are none, or a label has no name where classes have names.

        >>> images = Dataset("two", ("a", "b"), np.array([1, 0]), lambda _: np.zeros((2, 2), np.uint8))
        >>> images.true_answers, replace(images, classes=("stop", "go")).true_answers
        ((1, 0), ('go', 'stop'))
        """
        if self.answers is not None:
            return self.answers
        labels = self.true_labels.tolist()
        count = None if self.classes is None else len(self.classes)
        odd = [] if count is None else [place for place, label in enumerate(labels) if not 0 <= label < count]
        if odd:
            raise InvalidInput(
                f"{self.source}: expected labels from 0, for {count} names of classes; {self.ids[odd[0]]} has the "
                f"label {labels[odd[0]]}"
            )
        return tuple(labels if self.classes is None else (self.classes[label] for label in labels))

    @property
    def true_label_sets(self) -> BoolArray:
        """Whether each class is present, bool (images, classes); raises `InvalidInput` if nobody knows."""
        if self.label_sets is None:
            raise InvalidInput(
                f"{self.source} has no several labels; expected a CSV file with a column for each class, COCO's JSON, "
                "a folder of Pascal VOC, or lists of class labels of Hugging Face, opened with several=True"
            )
        return self.label_sets

    def part(self, numbers: Sequence[int]) -> Dataset:
        """The images with these numbers, in the order in which the numbers are given."""
        chosen = np.array(numbers, dtype=np.int64)
        image_at, size_of = self.read, self.measure
        return replace(
            self,
            ids=tuple(self.ids[number] for number in chosen.tolist()),
            labels=None if self.labels is None else self.labels[chosen],
            answers=None if self.answers is None else tuple(self.answers[number] for number in chosen.tolist()),
            label_sets=None if self.label_sets is None else self.label_sets[chosen],
            read=lambda number: image_at(int(chosen[number])),
            measure=None if size_of is None else lambda number: size_of(int(chosen[number])),
        )

    def limited(self, limit: int | None) -> Dataset:
        """The first `limit` images; all for None, or where there are no more."""
        if limit is None or _at_least(1, limit, "limit") >= len(self):
            return self
        return replace(self.part(range(limit)), chosen=Chosen(limit, self._whole_count))

    def sampled(self, count: int | None, seed: int = 0) -> Dataset:
        """`count` images, drawn at random with the seed, in their order; all for None, or where there are no more."""
        if count is None or _at_least(1, count, "sample") >= len(self):
            return self
        chance = np.random.default_rng(_at_least(0, seed, "seed"))
        numbers = sorted(chance.choice(len(self), count, replace=False).tolist())
        return replace(self.part(numbers), chosen=Chosen(count, self._whole_count, seed))

    def prepared(self, preprocessing: Preprocessing) -> PreparedImages:
        """The images after a preprocessing, as a model takes them."""
        return PreparedImages(self, preprocessing)

    @property
    def _whole_count(self) -> int:
        """The number of images before some were chosen."""
        return len(self) if self.chosen is None else self.chosen.of


@dataclass(frozen=True, slots=True, eq=False)
class PreparedImages:
    """Preprocessed images, each read when it is needed; `preprocessing` goes into the fingerprint."""

    dataset: Dataset
    preprocessing: Preprocessing

    @property
    def chosen(self) -> Chosen | None:
        """The way in which the images were chosen among more, if they were; a run keeps it."""
        return self.dataset.chosen

    @property
    def skipped(self) -> Skipped | None:
        """The record of what was left out when the data were opened, if anything was; a run keeps it."""
        return self.dataset.skipped

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, number: int, /) -> FloatImage:
        return self.preprocessing(self.dataset[number])


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _at_least(least: int, number: int, name: str) -> int:
    if isinstance(number, bool) or not isinstance(number, int) or number < least:
        raise InvalidInput(f"{name} must be a whole number of at least {least}; got {number!r}")
    return number
