"""Certificates in the frame of the source: the attacker paints on the pictures, before they are resized and cropped.

Pictures of one size go together. Their regions are pulled back through the preprocessing (design §4), covered once for
each size, and certified as any others; the claim of each group names the steps and the size.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from os import PathLike
from pathlib import Path
from typing import Any

from maskcover.canonical import cannot_write, write_atomically
from maskcover.certification import CertificationResult, certify
from maskcover.certification.results import in_words
from maskcover.classifiers import MaskedClassifier, as_classifier
from maskcover.classifiers.evaluation import as_certified, names_of
from maskcover.covering import cover
from maskcover.data import Chosen, Dataset, ImageArray, Preprocessing, for_model
from maskcover.defense import Verdict
from maskcover.defense.verdicts import VerdictArrays
from maskcover.errors import InvalidInput
from maskcover.masks import MaskSet
from maskcover.regions import RegionSet, parse_regions, through
from maskcover.runs.documents import ODD, chosen_in, claim, expect_sealed, read_document, sealed, written
from maskcover.runs.folder import Config, Folder, Shard, expect_free, shards
from maskcover.runs.rows import Row
from maskcover.runs.running import checked_shard, run
from maskcover.runs.running import summary as input_summary
from maskcover.runs.summary import Summary, errors_among

Sides = tuple[int, int]
_NAME = "frame.json"
_SCHEMA = 2  # 1 had no seal


@dataclass(frozen=True, slots=True, eq=False)
class SizeGroup:
    """The pictures of one size: their numbers, the regions as the model sees them, and the masks that cover those."""

    size: Sides
    members: tuple[int, ...]
    regions: RegionSet
    masks: MaskSet

    @property
    def name(self) -> str:
        """``375x500``, height first."""
        return "x".join(map(str, self.size))


@dataclass(frozen=True, slots=True, eq=False)
class SourceResult(VerdictArrays):
    """A certification in the frame of the source: one result for each size of picture.

    See `VerdictArrays` for its arrays, which are in the order of the pictures.
    """

    regions: RegionSet
    preprocessing: Preprocessing
    groups: tuple[SizeGroup, ...]
    results: tuple[CertificationResult, ...]
    chosen: Chosen | None = None

    @property
    def verdicts(self) -> tuple[Verdict, ...]:  # type: ignore[override]  # worked out, not kept
        """One verdict a picture, in order."""
        found = {
            number: verdict
            for group, result in zip(self.groups, self.results, strict=True)
            for number, verdict in zip(group.members, result.verdicts, strict=True)
        }
        return tuple(found[number] for number in sorted(found))

    def __len__(self) -> int:
        return sum(map(len, self.results))

    def __str__(self) -> str:
        certified = int(self.certified.sum())
        sizes = "one size" if len(self.groups) == 1 else f"{len(self.groups)} sizes"
        return (
            f"{certified} of {len(self)} images certified against {self.regions} on the source images, of {sizes}, "
            f"seen through {self.preprocessing}{in_words(certified, self.verdicts, self.chosen)}"
        )


def certify_source(
    model: object,
    dataset: Dataset,
    regions: RegionSet | str,
    *,
    masks: MaskSet | None = None,
    preprocessing: Preprocessing | None = None,
    budget: Mapping[str, Any] | None = None,
    options: Mapping[str, Any] | None = None,
    **asked: Any,
) -> SourceResult:
    """Certify pictures against regions that the attacker paints on them, before the preprocessing.

    Args:
        model: As for `certify`.
        dataset: Labelled pictures, see `open_dataset`.
        regions: What the attacker may overwrite on the picture, or its text.
        masks: One mask set for all sizes; by default each size has its own, made by `cover`.
        preprocessing: What the pictures go through; by default what the model declares.
        budget: For `cover`, such as ``{"max_mask_area": 0.1}``.
        options: For the adapter.
        **asked: As for `certify`: procedure, method, threshold, rule, margin, numerics, probes, progress.

    Raises:
        InvalidInput: a model whose preprocessing is not known.
        NotCovering: the masks given do not cover what some size of picture needs.

    >>> import numpy as np
    >>> import maskcover as mc
    >>> from maskcover.classifiers import ArrayClassifier
    >>> def bright(images):
    ...     mean = images.mean(axis=(1, 2, 3))
    ...     return np.stack([0.5 - mean, mean - 0.5], axis=1)
    >>> shrunk = Preprocessing((mc.Resize((12, 12)),), layout="hwc")
    >>> white = [np.full((24, 24, 3), 255, np.uint8), np.full((25, 24, 3), 255, np.uint8)]
    >>> pictures = Dataset("white", ("a", "b"), np.array([1, 1]), white.__getitem__)
    >>> result = certify_source(ArrayClassifier(bright, preprocessing=shrunk), pictures, "squares(size=2)")
    >>> result.certified, [group.name for group in result.groups]
    (array([ True,  True]), ['24x24', '25x24'])
    """
    classifier, seen = _prepared(model, options, preprocessing)
    known, dataset = _parsed(regions), for_model(dataset, names_of(classifier))
    found, results = groups(dataset, seen, known, masks, budget), []
    for group in found:
        part = _of_size(dataset.part(group.members), group.size)
        images = part.prepared(seen)
        result = certify(classifier, images, part.true_labels, group.masks, regions=group.regions, **asked)
        # The first group settles how is computed: the others compute so too.
        classifier = as_certified(classifier, dict(result.fingerprint.entries))
        results.append(result)
    return SourceResult(known, seen, tuple(found), tuple(results), dataset.chosen)


def run_source(
    model: object,
    dataset: Dataset,
    regions: RegionSet | str,
    out: str | PathLike[str],
    *,
    masks: MaskSet | None = None,
    preprocessing: Preprocessing | None = None,
    budget: Mapping[str, Any] | None = None,
    options: Mapping[str, Any] | None = None,
    shard: tuple[int, int] = (0, 1),
    source: Mapping[str, Any] | None = None,
    **asked: Any,
) -> Summary:
    """`certify_source` into a folder: one run for each size of picture, in a folder of its own, as by `run`.

    Arguments are those of `certify_source` and of `run`; the same call goes on where it was stopped.

    >>> import tempfile
    >>> import numpy as np
    >>> import maskcover as mc
    >>> def bright(images):
    ...     mean = images.mean(axis=(1, 2, 3))
    ...     return np.stack([0.5 - mean, mean - 0.5], axis=1)
    >>> shrunk = Preprocessing((mc.Resize((12, 12)),), layout="hwc")
    >>> white = Dataset("white", ("a",), np.array([1]), lambda _: np.full((24, 24, 3), 255, np.uint8))
    >>> with tempfile.TemporaryDirectory() as out:
    ...     run_source(bright, white, "squares(size=2)", out, preprocessing=shrunk).certified
    1
    """
    first, step = checked_shard(shard)
    classifier, seen = _prepared(model, options, preprocessing)
    known, dataset = _parsed(regions), for_model(dataset, names_of(classifier))
    found = groups(dataset, seen, known, masks, budget)
    document = _keep(Path(out), known, seen, found, dataset.chosen)
    for number, group in enumerate(found):
        part, folder = _of_size(dataset.part(group.members), group.size), Path(out) / group.name
        # Small groups have one shard each: they must not all fall to the first process.
        mine = ((first - number) % step, step)
        run(
            classifier, part.prepared(seen), part.true_labels, group.masks, folder, ids=part.ids,
            regions=group.regions, shard=mine, source=dict(source or {}) | {"size": group.name},
            frame=(claim(document), group.name), **asked,
        )  # fmt: skip
        classifier = as_certified(classifier, Folder(folder).existing().earlier.entries)
    return summary(out)


def groups(
    dataset: Dataset,
    preprocessing: Preprocessing,
    regions: RegionSet,
    masks: MaskSet | None = None,
    budget: Mapping[str, Any] | None = None,
) -> list[SizeGroup]:
    """The pictures by size, each size with its regions and masks."""
    asked = tuple(sorted((budget or {}).items()))
    return [
        SizeGroup(size, members, pulled, masks or _cover(pulled, preprocessing.output(size), asked))
        for size, members in by_size(dataset).items()
        for pulled in [pulled_back(regions, preprocessing, size)]
    ]


def by_size(dataset: Dataset) -> dict[Sides, tuple[int, ...]]:
    """The numbers of the pictures by their size; a picture that cannot be read goes with the first that can."""
    sizes = [_size(dataset, number) for number in range(len(dataset))]
    first = next((size for size in sizes if size is not None), None)
    if first is None:
        dataset[0]  # says what is wrong with it
        raise InvalidInput(f"{dataset.source}: no picture can be read")
    found: dict[Sides, list[int]] = {}
    for number, size in enumerate(sizes):
        found.setdefault(size or first, []).append(number)
    return {size: tuple(found[size]) for size in sorted(found)}


def _of_size(dataset: Dataset, size: Sides) -> Dataset:
    """The pictures, each refused if it is read in another size than its head said: its regions would be wrong."""

    def read(number: int) -> ImageArray:
        picture = dataset.read(number)
        if picture.shape[:2] != size:
            found, expected = ("×".join(map(str, sides)) for sides in (picture.shape[:2], size))
            raise InvalidInput(f"{dataset.ids[number]} was read as {found}, but its head says {expected}")
        return picture

    return replace(dataset, read=read)


def pulled_back(regions: RegionSet, preprocessing: Preprocessing, size: Sides) -> RegionSet:
    """What regions on a picture of (height, width) can change of the model's input.

    >>> from maskcover import CenterCrop, Resize, squares
    >>> steps = Preprocessing((Resize(256, "bicubic"), CenterCrop(224)))
    >>> print(pulled_back(squares(size=32), steps, (375, 500)))
    through(squares(size=32), Resize(256, kernel="bicubic"), CenterCrop(224), source=(375, 500))
    """
    return through(regions, *preprocessing.steps, source=size) if preprocessing.steps else regions


def is_source_run(out: str | PathLike[str]) -> bool:
    """Whether a folder holds runs in the frame of the source."""
    return (Path(out) / _NAME).is_file()


def summary(out: str | PathLike[str]) -> Summary:
    """The summary of the rows that a folder holds, of all sizes where it is a run in the frame of the source."""
    if not is_source_run(out):
        return input_summary(out)
    document = source_document(out)
    return Summary.of(_shards(Path(out), document), sum(document["sizes"].values()), chosen_in(document))


def error_rows(out: str | PathLike[str]) -> Iterator[Row]:
    """The rows of errors that a folder holds, of all sizes where it is a run in the frame of the source."""
    if is_source_run(out):
        return errors_among(_shards(Path(out), source_document(out)))
    folder = Folder(Path(out))
    return errors_among(shards(folder, folder.existing()))


def source_document(out: str | PathLike[str]) -> dict[str, Any]:
    """What such a run is about: regions, preprocessing, and how many pictures of each size there are.

    Raises:
        InvalidInput: the document is damaged or was edited, or the runs of the sizes belong to another one.
    """
    document = _document(Path(out))
    for _ in _parts(Path(out), document):
        pass
    return document


def _document(out: Path) -> dict[str, Any]:
    """What frame.json holds, if it is what it was when it was written."""
    path = out / _NAME
    try:
        document = read_document(path, "frame.schema.json")
        if document["schema"] == _SCHEMA:
            expect_sealed(document)
    except ODD as error:
        raise InvalidInput(f"{path} does not say what was run ({error}); name another folder") from error
    return document


def _parts(out: Path, document: Mapping[str, Any]) -> Iterator[tuple[Folder, Config]]:
    """The runs of the sizes that are there, each of them bound to the document (threats.md, 59).

    Runs of the first version say nothing of their frame, and nor may they of a later one.
    """
    for name, count in document["sizes"].items():
        folder = Folder(out / name)
        config = folder.config()
        if config is None:
            continue
        bound = config.frame == (claim(document), name) or (document["schema"] == 1 and config.frame is None)
        if not bound or config.count != count:
            raise InvalidInput(
                f"{out / name} is no part of the run that {out / _NAME} describes: one of them was edited, or put in "
                "the place of another; put back the files as they were written"
            )
        yield folder, config


def _shards(out: Path, document: Mapping[str, Any]) -> Iterator[Shard]:
    for folder, config in _parts(out, document):
        yield from shards(folder, config)


def _keep(
    out: Path, regions: RegionSet, preprocessing: Preprocessing, found: list[SizeGroup], chosen: Chosen | None
) -> dict[str, Any]:
    """Put down what is run, or compare: each folder compares the rest. Returns the document that holds."""
    document = {
        "schema": _SCHEMA,
        "frame": "source",
        "regions": str(regions),
        "preprocessing": str(preprocessing),
        "sizes": {group.name: len(group.members) for group in found},
    }
    if not is_source_run(out):
        if Folder(out).config() is not None:
            raise InvalidInput(f"{out} holds a run in the frame of the model's input; name another folder")
        _expect_free(out)
        try:
            out.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise cannot_write(f"to the folder {out}", error) from error
        told = document if chosen is None else document | {"sample": chosen.document()}
        write_atomically(out / _NAME, written(sealed(told)), only_new=True)
    before = source_document(out)
    pairs = [(name, before.get(name), now) for name, now in document.items() if name != "schema"]
    changed = [f"{name}: {old} before, {now} now" for name, old, now in pairs if old != now]
    if changed:
        raise InvalidInput(f"{out} holds another run ({'; '.join(changed)}); name another folder")
    return before


def _expect_free(out: Path) -> None:
    """See `expect_free`; what another process has put down meanwhile is the run itself."""
    try:
        expect_free(out)
    except InvalidInput:
        if not is_source_run(out):
            raise


def _prepared(
    model: object, options: Mapping[str, Any] | None, named: Preprocessing | None
) -> tuple[MaskedClassifier, Preprocessing]:
    classifier = as_classifier(model, options or {})
    preprocessing = getattr(classifier, "preprocessing", None) if named is None else named
    if not isinstance(preprocessing, Preprocessing):
        raise InvalidInput(
            f"what the images of {type(model).__name__} go through is not known, so regions on the source cannot be "
            "pulled back through it; name it with preprocessing=maskcover.data.Preprocessing(…)"
        )
    return classifier, preprocessing


def _parsed(regions: RegionSet | str) -> RegionSet:
    return parse_regions(regions) if isinstance(regions, str) else regions


@lru_cache(maxsize=4096)
def _cover(regions: RegionSet, size: Sides, budget: tuple[tuple[str, Any], ...]) -> MaskSet:
    return cover(regions, size, **dict(budget))


def _size(dataset: Dataset, number: int) -> Sides | None:
    try:
        return dataset.size(number)
    except InvalidInput:
        return None  # reading it will fail too, and says why in its row
