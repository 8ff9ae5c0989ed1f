"""The images of a finished run, to be shown in a report: opened again without the model, or given by the user.

An image is shown only if it is the one that was certified: its pixels, prepared as for the model, must have the digest
that its row keeps. So a folder from elsewhere that names data on this machine learns and shows nothing of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol, cast

import numpy as np
import numpy.typing as npt

from maskcover.classifiers.evaluation import Images
from maskcover.data import Dataset, Preprocessing, open_dataset
from maskcover.data.dataset import PreparedImages
from maskcover.data.identities import read_preprocessing
from maskcover.errors import InvalidInput, MaskcoverError
from maskcover.runs.config import Config
from maskcover.runs.pixels import pixel_digest
from maskcover.runs.size_groups import by_size

Pixels = npt.NDArray[np.uint8]
CHANGED = "not shown: its pixels are not those that were certified"
NOT_COMPARED = "its pixels could not be compared with those that were certified: the run kept no digest of them"
# Entries of a run's `source`. Not `classes`: a run from elsewhere must not choose a text file whose lines are shown.
_DATA = ("split", "labels", "outside", "limit", "sample", "seed")


@dataclass(frozen=True, slots=True, eq=False)
class Shown:
    """An image to show, or the reason why there is none.

    Args:
        pixels: uint8 (height, width) or (height, width, 3), of the model's input; None if it is not shown.
        note: The reason, or what is to be known of the image; else empty.
    """

    pixels: Pixels | None
    note: str = ""


class ImageSource(Protocol):
    """Where a report takes images from."""

    @property
    def class_names(self) -> Sequence[str] | None:
        """The names of the classes in the order of their numbers, if they are known."""

    def has_labels(self, table: Any) -> bool:
        """Whether the labels of the data are those of the rows, so that its class names fit them."""

    def shown(self, name: str, number: int, digest: str) -> Shown:
        """An image by its id, its number among the rows of the run, and the digest that its row keeps."""


@dataclass(frozen=True)
class NoImages:
    """A source without images, and the reason."""

    reason: str

    @property
    def class_names(self) -> Sequence[str] | None:
        """None: nothing is known."""
        return None

    def has_labels(self, table: Any) -> bool:  # noqa: ARG002
        """No: there are no labels."""
        return False

    def shown(self, name: str, number: int, digest: str) -> Shown:  # noqa: ARG002
        """Nothing, with the reason."""
        return Shown(None, self.reason)


@dataclass(frozen=True, eq=False)
class GivenImages:
    """Images of the user, one for each row of the run and in the order of its ids, as the model takes them."""

    images: Images
    preprocessing: Preprocessing | None
    dataset: Dataset | None = None

    @classmethod
    def of(cls, images: Images, preprocessing: Preprocessing | None, count: int) -> GivenImages:
        """Those of a sequence; a `Dataset` is prepared as the run prepared its images.

        Raises:
            InvalidInput: there are more or fewer images than rows.
        """
        if len(images) != count:
            raise InvalidInput(
                f"images= must hold one image for each row of the run, in the order of run.ids; got {len(images):,} "
                f"for {count:,} rows"
            )
        dataset = images.dataset if isinstance(images, PreparedImages) else images
        if isinstance(images, Dataset) and preprocessing is not None:
            images = images.prepared(preprocessing)
        return cls(images, preprocessing, dataset if isinstance(dataset, Dataset) else None)

    @property
    def class_names(self) -> Sequence[str] | None:
        """The names of the classes, if the images are those of a data set that names them."""
        return None if self.dataset is None else self.dataset.classes

    def has_labels(self, table: Any) -> bool:
        """See `ImageSource`."""
        return self.dataset is not None and _same_labels(self.dataset, table)

    def shown(self, name: str, number: int, digest: str) -> Shown:  # noqa: ARG002
        """See `ImageSource`; an image whose row keeps no digest is shown with a note."""
        try:
            image = self.images[number]
        except Exception as error:  # a sequence of the user may fail in any way
            return Shown(None, f"not shown: it cannot be read ({type(error).__name__}: {error})")
        return compared(image, digest, self.preprocessing, unknown=True)


@dataclass(frozen=True, eq=False)
class OwnImages:
    """The data that the run names, opened again: without the model, and without anything that would be imported."""

    dataset: Dataset
    preprocessing: Preprocessing

    @property
    def class_names(self) -> Sequence[str] | None:
        """The names of the classes, if the data or the user named them."""
        return self.dataset.classes

    def has_labels(self, table: Any) -> bool:
        """See `ImageSource`."""
        return _same_labels(self.dataset, table)

    @cached_property
    def _numbers(self) -> Mapping[str, int]:
        return {name: number for number, name in enumerate(self.dataset.ids)}

    def shown(self, name: str, number: int, digest: str) -> Shown:  # noqa: ARG002
        """See `ImageSource`; an image whose row keeps no digest is not shown."""
        if name not in self._numbers:
            return Shown(None, "not shown: it is no longer among the images of the run")
        try:
            image = self.dataset.prepared(self.preprocessing)[self._numbers[name]]
        except InvalidInput:
            return Shown(None, "not shown: it cannot be read")
        return compared(image, digest, self.preprocessing, unknown=False)


class SourcePart(Protocol):
    """The part of a run that images are shown for."""

    @property
    def config(self) -> Config:
        """The configuration."""

    @property
    def table(self) -> Any:
        """The rows."""


def image_sources(parts: Sequence[SourcePart], images: Images | None) -> list[ImageSource]:
    """A source for each part of a run: the images of the user, or by default the data that the run names."""
    if images is None:
        return [own_images(part.config) for part in parts]
    source = GivenImages.of(images, preprocessing_of(parts[0].config), sum(len(part.table) for part in parts))
    return [source] * len(parts)


def own_images(config: Config) -> ImageSource:
    """The images that a run names in its `source`, without those whose reason to be missing is said."""
    source = config.document.get("source")
    if not isinstance(source, Mapping) or not isinstance(source.get("data"), str):
        return NoImages("not shown: the run does not say where its images are; give them with images=")
    try:
        preprocessing = read_preprocessing(dict(config.fingerprint.entries).get("preprocessing", ""))
        arguments = {name: source[name] for name in _DATA if source.get(name) is not None}
        if config.task == "answers":
            arguments["answers"] = True
        dataset = open_dataset(source["data"], **arguments)
        if isinstance(source.get("size"), str):
            sizes = {f"{height}x{width}": members for (height, width), members in by_size(dataset).items()}
            dataset = dataset.part(sizes[source["size"]])
    except (MaskcoverError, OSError, KeyError, TypeError, ValueError):
        # The error may quote a file of this machine that a run from elsewhere names.
        return NoImages("not shown: the images of the run cannot be opened here; `maskcover replay` says why")
    return OwnImages(dataset, preprocessing)


def preprocessing_of(config: Config) -> Preprocessing | None:
    """The preprocessing of the images of a run; None if it is code of the user."""
    try:
        return read_preprocessing(dict(config.fingerprint.entries).get("preprocessing", ""))
    except InvalidInput:
        return None


def compared(image: Any, digest: str, preprocessing: Preprocessing | None, *, unknown: bool) -> Shown:
    """An image to show if its digest is that of its row.

    Args:
        image: The image as the model takes it.
        digest: The digest in the row; empty if the row has none.
        preprocessing: The preprocessing of the run, if it is known.
        unknown: Whether to show an image that cannot be compared, with a note.
    """
    now = pixel_digest(image)
    if now and digest and now != digest:
        return Shown(None, CHANGED)
    same = bool(now) and now == digest
    if not same and not unknown:
        return Shown(None, f"not shown: {NOT_COMPARED}")
    pixels, note = displayed(image, preprocessing)
    if pixels is None:
        return Shown(None, note)
    return Shown(pixels, "; ".join(filter(None, [note, "" if same else NOT_COMPARED])))


def displayed(image: Any, preprocessing: Preprocessing | None) -> tuple[Pixels | None, str]:
    """The pixels of a model's input for people, uint8 (height, width) or (height, width, 3), and a note; or a reason.

    The normalisation of the preprocessing is undone. Without one, floats in [0, 1] and 8-bit values are shown as they
    are, and other values from the least one, in black, to the largest one, in white.
    """
    values = np.asarray(image.detach().cpu() if hasattr(image, "detach") else image)
    if values.dtype.kind not in "biuf" or values.ndim not in (2, 3):
        return None, "not shown: it is no array (height, width), with or without channels"
    layout = None if preprocessing is None else preprocessing.layout
    channels = _channels_last(values, layout)
    if channels is None or not np.isfinite(channels.astype(np.float64)).all():
        return None, f"not shown: its shape {values.shape} or its values cannot be drawn"
    if values.dtype == np.uint8:
        return _flat(channels.astype(np.uint8)), ""
    floats = channels.astype(np.float64)
    if preprocessing is not None and preprocessing.channels == floats.shape[2]:
        floats = floats * preprocessing.std + preprocessing.mean
        return _flat(np.rint(255 * np.clip(floats, 0, 1)).astype(np.uint8)), ""
    low, high = float(floats.min()), float(floats.max())
    if low >= 0 and high <= 1:
        return _flat(np.rint(255 * floats).astype(np.uint8)), ""
    scaled = (floats - low) / ((high - low) or 1)
    return _flat(np.rint(255 * scaled).astype(np.uint8)), f"shown from {low:.3g} in black to {high:.3g} in white"


def _same_labels(dataset: Dataset, table: Any) -> bool:
    """Whether each row has the label that the data give its image."""
    if dataset.labels is None:
        return False
    labels = dict(zip(dataset.ids, dataset.labels.tolist(), strict=True))
    pairs = zip(table.column("id").to_pylist(), table.column("label").to_pylist(), strict=True)
    return all(labels.get(name) == label for name, label in pairs)


def _channels_last(values: npt.NDArray[Any], layout: str | None) -> npt.NDArray[Any] | None:
    """The values as (height, width, channels) with 1 or 3 channels; None for other shapes."""
    if values.ndim == 2:
        return values[:, :, None]
    first = layout == "chw" or (layout is None and values.shape[0] in (1, 3))
    moved = values.transpose(1, 2, 0) if first else values
    return moved if moved.shape[2] in (1, 3) else None


def _flat(values: Pixels) -> Pixels:
    """Without the axis of channels where there is one."""
    return cast("Pixels", np.ascontiguousarray(values[:, :, 0] if values.shape[2] == 1 else values))
