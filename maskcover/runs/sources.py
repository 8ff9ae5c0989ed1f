"""The model and the data of a run as texts, which the run keeps and can read again; no defence."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Self, cast, get_type_hints

from maskcover.classifiers import MaskedClassifier, NumericContract, load_classifier
from maskcover.classifiers.evaluation import HasBounds
from maskcover.classifiers.loading import places, runs_code
from maskcover.data import Dataset, Preprocessing, open_dataset
from maskcover.data.opening import can_give_several
from maskcover.data.preprocessing import Layout
from maskcover.defense import parse_procedure
from maskcover.errors import InvalidInput
from maskcover.masks import MaskSet
from maskcover.regions import Fit
from maskcover.runs.size_groups import by_size
from maskcover.typed import read_numbers, read_options, read_size

_DEFAULT_SIZE = "224"
RANGE = "range"
_SLACK = 1e-5  # of the width of a range: what float32 may round when images are normalised


def _silent(_: str) -> None:
    """For remarks that nobody reads."""


@dataclass(frozen=True, slots=True)
class Source:
    """A model and its data, with preprocessing and numerics, as texts and numbers that JSON can hold.

    The fields are the options of `maskcover certify` without their dashes.
    """

    model: str
    data: str
    labels: str | None = None
    mean: str | None = None
    std: str | None = None
    fill: float | str | None = None
    batch_size: int | None = None
    dtype: str | None = None
    memory_format: str | None = None
    tf32: bool = False
    compiled: bool = False
    limit: int | None = None
    split: str | None = None
    classes: str | None = None
    sample: int | None = None
    seed: int = 0
    weights: str | None = None
    options: tuple[str, ...] = ()
    input_size: str | None = None
    channels: int | None = None
    override: bool = False
    outside: bool = False
    device: str | None = None
    pixels: str | None = None
    """For certain labels: two numbers, or `RANGE` for black and white as the model's input has them."""
    local: str | None = None
    split_at: str | None = None
    size: str | None = None
    """For a run in the source frame: the size of its images, such as 375x500."""
    task: str | None = None
    """What is certified, as for `certify`: "labels", "answers" or "multilabel"; None is as the model is."""

    @classmethod
    def of(cls, document: Any, where: object) -> Self:
        """The source that a run kept."""
        kinds = get_type_hints(cls) | {"options": list, "fill": float | int | str | None}
        if not isinstance(document, dict) or not {"model", "data"} <= document.keys() <= {
            field.name for field in fields(cls)
        }:
            raise InvalidInput(f"{where} was not started by `maskcover certify --out`; use the Python function instead")
        odd = [name for name, value in document.items() if not isinstance(value, kinds[name])]
        if odd or not all(isinstance(text, str) for text in document.get("options", [])):
            raise InvalidInput(f"{where} names an odd {', '.join(odd) or 'option'} as its source; it was edited")
        return cls(**document | {"options": tuple(document.get("options", ()))})

    def typed_again(self, model: str | None, command: str) -> Self:
        """The source with the model that was typed, or the run's own where that is no code.

        A run from elsewhere must not choose what is imported here (threats.md, 45).

        Raises:
            InvalidInput: the run names code, and nobody typed it; says what to type.
        """
        if model is None and runs_code(self.model):
            raise InvalidInput(
                f"the run names its model by {self.model}, which is code that would be imported and run. If it is code "
                f"of yours, type it again: {command} --model {shlex.quote(self.model)}"
            )
        if model in (None, self.model):
            return self
        return replace(self, model=str(model), weights=None, options=())

    def relocated(self, *, data: str | None, labels: str | None, weights: str | None) -> Self:
        """The same with images, table of labels and weights at other places, where any is named."""
        return replace(
            self,
            data=self.data if data is None else data,
            labels=self.labels if labels is None else labels,
            weights=self.weights if weights is None else weights,
        )

    def document(self) -> dict[str, Any]:
        """For a run to keep."""
        return asdict(self) | {"options": list(self.options)}

    def on(self, device: str | None) -> Self:
        """The same on a device, if one is named."""
        return self if device is None else replace(self, device=device)

    def used_by(self, procedure: str | None) -> Self:
        """The same, with an interval of pixels if the procedure needs certain labels and no interval was typed."""
        if procedure is None or self.pixels is not None or not parse_procedure(procedure).needs_bounds:
            return self
        return replace(self, pixels=RANGE)

    def classifier(self, masks: MaskSet | None = None, note: Callable[[str], object] = _silent) -> MaskedClassifier:
        """The model, loaded with the options that were typed; `note` is called with the place where it computes."""
        options = self._options()
        if self.override:
            options["preprocessing"] = self._typed(Preprocessing(), masks)
        classifier = self._loaded(options | self._placed(options))
        where = getattr(classifier, "device", None)
        if where is not None and ("device" in options or self.device or where != "cpu" or places(self.model)):
            note(f"{self.model} computes on {where}")
        return classifier if self.pixels is None else self._bounded(classifier, masks)

    def _bounded(self, classifier: MaskedClassifier, masks: MaskSet | None) -> MaskedClassifier:
        """The classifier with certain labels under masks; one that cannot give any is left to the procedure."""
        if not isinstance(classifier, HasBounds):
            if self.pixels == RANGE:
                return classifier
            raise InvalidInput(f"{self.model} has no interval bounds, so that --pixels means nothing; leave it out")
        return classifier.bounded(self.pixel_interval(classifier, masks))

    def pixel_interval(self, classifier: MaskedClassifier, masks: MaskSet | None) -> Any:
        """The least and the greatest value of a pixel: as typed, else black and white in the model's input."""
        if self.pixels in (None, RANGE):
            preprocessing = self.preprocessing(classifier, masks)
            low, high = preprocessing.range
            plain = set(preprocessing.mean) == {0.0} and set(preprocessing.std) == {1.0}
            slack = [0.0 if plain else _SLACK * (white - black) for black, white in zip(low, high, strict=True)]
            lows, highs = (
                tuple(end + sign * room for end, room in zip(ends, slack, strict=True))
                for ends, sign in ((low, -1), (high, 1))
            )
            return lows, highs
        ends = read_numbers(str(self.pixels), "--pixels")
        if len(ends) != 2:
            raise InvalidInput(f"--pixels is two numbers, the least and the greatest, such as 0,1; got {self.pixels!r}")
        return ends

    def dataset(
        self, class_names: Sequence[str] | None = None, *, answers: bool | None = None, labelled: bool = True
    ) -> Dataset:
        """The images, and their labels if there are any; class names are the model's if none are typed.

        Labels are read as answers if that is the task, or if `answers` says so. Several labels for each image need not
        be there where labels do not count.
        """
        answers = self.task == "answers" if answers is None else answers
        several = self.task == "multilabel" and (labelled or can_give_several(self.data, self.labels))
        dataset = open_dataset(
            self.data, split=self.split, labels=self.labels, classes=self.classes, class_names=class_names,
            outside=self.outside, answers=answers, several=several, limit=self.limit,
            sample=self.sample, seed=self.seed,
        )  # fmt: skip
        if self.size is None:
            return dataset
        size, sizes = cast("tuple[int, int]", read_size(self.size)), by_size(dataset)
        if size not in sizes:
            raise InvalidInput(f"{self.data} no longer has images of {self.size} pixels, which the run is about")
        return dataset.part(sizes[size])

    def preprocessing(self, classifier: MaskedClassifier, masks: MaskSet | None) -> Preprocessing:
        """The preprocessing of the images: as the model declares it, with typed values instead of declared ones.

        For a model that declares nothing an image is fitted into the input, whose size an ONNX file may say, and scaled
        to [0, 1].
        """
        declared = getattr(classifier, "preprocessing", None)
        if not isinstance(declared, Preprocessing):
            layout: Layout = "hwc" if getattr(classifier, "layout", "chw") == "hwc" else "chw"
            return self._typed(Preprocessing(layout=layout), masks, getattr(classifier, "input_size", None))
        if (self.mean, self.std, self.channels, self.input_size) == (None, None, None, None):
            return declared
        return self._typed(declared, masks)

    def _typed(self, own: Preprocessing, masks: MaskSet | None, taken: tuple[int, int] | None = None) -> Preprocessing:
        """A preprocessing with typed values instead of its own; `taken` is the size that the model says it takes."""
        size = self._size(own, masks, taken)
        channels = own.channels if self.channels is None else self.channels
        kept = (own.mean, own.std) if channels == own.channels else ((0.0,), (1.0,))
        mean = kept[0] if self.mean is None else read_numbers(self.mean, "--mean")
        std = kept[1] if self.std is None else read_numbers(self.std, "--std")
        return Preprocessing(own.steps if own.size == size else (Fit(size),), mean, std, channels, own.layout)

    def _size(self, own: Preprocessing, masks: MaskSet | None, taken: tuple[int, int] | None) -> tuple[int, int]:
        """The model's input: as it is typed, else its own, else that of the masks, else 224."""
        known = own.size or taken
        if self.input_size is None and known is not None:
            return known
        typed = read_size(self.input_size or _DEFAULT_SIZE)
        sides = (typed, typed) if isinstance(typed, int) else typed
        shape = sides if self.input_size or masks is None else masks.grid.shape
        if len(shape) != 2:
            raise InvalidInput(f"images have two dimensions; got the size {'×'.join(map(str, shape))}")
        return shape[0], shape[1]

    def _loaded(self, options: dict[str, Any]) -> MaskedClassifier:
        try:
            return load_classifier(self.model, task=self.task, **options)
        except (TypeError, InvalidInput) as error:
            if self.device is None or "'device'" not in str(error):
                raise
            raise InvalidInput(
                f"{self.model} computes where its function does, not on a device that can be named ({error}); leave "
                "--device out"
            ) from error

    def _placed(self, options: dict[str, Any]) -> dict[str, str]:
        """The device for the model's adapter: as typed; for a model by name the GPU if there is one."""
        if self.device is not None:
            if "device" in options or "providers" in options:
                raise InvalidInput("name the device once: with --device, or with --option")
            return {"device": self.device}
        chosen = "device" in options or "providers" in options or not places(self.model)
        return {} if chosen else {"device": "auto"}

    def _options(self) -> dict[str, Any]:
        """The options for the model's adapter."""
        contract = NumericContract(self.dtype, self.tf32, self.memory_format, self.compiled)  # type: ignore[arg-type]  # checked there
        options = {
            "fill": self.fill,
            "contract": None if contract == NumericContract() else contract,
            "batch_size": self.batch_size,
            "weights": self.weights,
            "local": self.local,
            "split_at": self.split_at,
        }
        return {name: value for name, value in options.items() if value is not None} | read_options(self.options)
