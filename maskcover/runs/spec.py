"""The description of a whole run as one value: model, data and defence as texts and numbers, in JSON and back."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from os import PathLike
from typing import Any, Self, cast, get_type_hints

from maskcover.certification.certifying import checked_task
from maskcover.certification.multilabel import for_task
from maskcover.defense import Procedure, parse_procedure
from maskcover.defense.texts import procedure_of
from maskcover.engine.preparation import RequiredNumerics
from maskcover.errors import InvalidInput
from maskcover.masks import MaskSet
from maskcover.regions import RegionSet
from maskcover.runs.sources import RANGE, Source
from maskcover.runs.tasks import Defence

FRAMES = ("input", "source")


@dataclass(frozen=True, slots=True)
class RunSpec(Source):
    """The description of a run: what `maskcover certify --out` is told, except for the folder.

    It is made of texts and numbers, so that it can be sent to other machines. The fields of its base class `Source`
    are the options of `maskcover certify`, such as `model`, `data`, `labels`, `limit`, `weights`, `batch_size` and
    `device`; the fields here say how images are certified.

    Args:
        masks: The masks; by default those that the procedure names, else new ones for the regions.
        regions: What the attacker may overwrite, as a text or a region set; by default what the masks claim to cover.
        frame: Where the regions are drawn: "input" or "source".
        procedure: The defence, as a text or a `Procedure`; by default double masking.
        min_margin, numerics, shard_size, keep_tables, reuse: As for `run`.

    >>> spec = RunSpec(model="timm:resnet18", data="photos", regions="squares(size=32)", batch_size=64)
    >>> RunSpec.of(spec.document()) == spec
    True
    """

    masks: MaskSet | None = None
    regions: str | None = None
    frame: str = "input"
    procedure: str | None = None
    min_margin: float | None = None
    numerics: str | None = None
    shard_size: int = 64
    keep_tables: bool = False
    reuse: str | None = None

    def __post_init__(self) -> None:
        for name, example in (("model", '"timm:resnet18"'), ("data", '"photos/"')):
            if not isinstance(getattr(self, name), str):
                raise InvalidInput(
                    f"a run that is described needs {name} as a text, such as {example}, because it is sent to other "
                    f"processes; got a {type(getattr(self, name)).__name__}"
                )
        for name, kind in (("regions", RegionSet), ("procedure", Procedure)):
            if isinstance(getattr(self, name), kind):
                object.__setattr__(self, name, str(getattr(self, name)))
        checked_task(self.task)
        if self.frame not in FRAMES:
            raise InvalidInput(f'--frame is "input" or "source"; got {self.frame!r}')
        if self.pixels is None and self.procedure is not None and parse_procedure(self.procedure).needs_bounds:
            object.__setattr__(self, "pixels", RANGE)

    @property
    def source(self) -> Source:
        """Model and data alone, as run.json keeps them."""
        return Source(**{field.name: getattr(self, field.name) for field in fields(Source)})

    def document(self) -> dict[str, Any]:
        """The description as JSON."""
        own = {name: getattr(self, name) for name in _OWN if name != "masks"}
        return self.source.document() | own | {"masks": None if self.masks is None else self.masks.to_json()}

    @classmethod
    def of(cls, document: Any, where: object = "the description of a run") -> Self:
        """The description in a document of `document`.

        Raises:
            InvalidInput: it is none, or some of it has another type.
        """
        if not isinstance(document, Mapping) or not document.keys() >= _OWN:
            raise InvalidInput(f"{where} is no description of a run; send it as RunSpec.document() gave it")
        own = {name: document[name] for name in _OWN}
        source = Source.of({name: value for name, value in document.items() if name not in _OWN}, where)
        kinds = {name: kind for name, kind in get_type_hints(cls).items() if name in _OWN}
        kinds |= {"min_margin": float | int | None, "masks": str | None}
        odd = [name for name, value in own.items() if not isinstance(value, kinds[name])]
        if odd:
            raise InvalidInput(f"{where} has an odd {odd[0]}: {own[odd[0]]!r}")
        masks = None if own["masks"] is None else MaskSet.from_json(own["masks"])
        return cls(**{field.name: getattr(source, field.name) for field in fields(Source)}, **own | {"masks": masks})

    def defence(self, *, progress: bool = False) -> Defence:
        """How images are certified."""
        return Defence(
            for_task(self.task, procedure_of(self.procedure), None, False), self.min_margin,
            cast("RequiredNumerics | None", self.numerics), self.keep_tables, self.shard_size, self.source.document(),
            progress, checked_task(self.task),
        )  # fmt: skip


_NUMBERS = ("mean", "std", "pixels", "input_size")
_OWN = frozenset(field.name for field in fields(RunSpec)) - {field.name for field in fields(Source)}


def described(
    model: object,
    data: object,
    labels: object,
    *,
    ids: object,
    source: object,
    options: Mapping[str, Any],
    reuse: str | PathLike[str] | None,
    **fields_of_run: Any,
) -> RunSpec:
    """The description of a run from the arguments of `run`.

    Args:
        model, data, labels: Texts: the model, the images, and the table of labels or None.
        ids, source: None; a description has none of its own.
        options: Fields of `Source`, such as ``device="cuda"``, and options of the model's adapter.
        reuse: The folder of an earlier run, or None.
        fields_of_run: The other fields of `RunSpec`.

    Raises:
        InvalidInput: something is no text where one is needed; the message says what to type.
    """
    own_text = 'for one of yours type "package.module:name" of a function that makes it'
    model_text = _text("model", model, f'"timm:resnet18"; {own_text}')
    data_text = _text("images", data, '"photos/"; save images of yours as a folder or as .npz')
    if labels is not None and not isinstance(labels, str | PathLike):
        raise InvalidInput(
            f"where images are a text, labels is the path of a CSV file with the columns path and label, or None if "
            f"the images have them; got a {type(labels).__name__}"
        )
    if ids is not None or source is not None:
        raise InvalidInput("where model and images are texts, ids= and source= follow from them; leave them out")
    own = {field.name for field in fields(RunSpec)} - {"model", "data", "labels", "options"} - fields_of_run.keys()
    beside = tuple(f"{name}={_json(name, value)}" for name, value in options.items() if name not in own)
    spec = RunSpec(
        model_text, data_text, None if labels is None else str(labels), options=beside,
        reuse=None if reuse is None else str(reuse), **fields_of_run,
        **{name: _typed(name, value) for name, value in options.items() if name in own},
    )  # fmt: skip
    return RunSpec.of(spec.document(), "the call of run")  # checks the types


def _text(name: str, value: object, example: str) -> str:
    """A value that is a text; raise `InvalidInput` with an example if it is none."""
    if isinstance(value, str):
        return value
    raise InvalidInput(
        f"with launcher=, or where model or images are a text, both are texts that other processes can load, such as "
        f"{name}={example}; got a {type(value).__name__} for {name}"
    )


def _typed(name: str, value: Any) -> Any:
    """A value as it is typed on the command line: numbers as ``0.5,0.5``, sizes as ``480x640``.

    >>> _typed("mean", (0.5, 0.25)), _typed("input_size", (480, 640)), _typed("input_size", 224), _typed("limit", 9)
    ('0.5,0.25', '480x640', '224', 9)
    """
    if name in _NUMBERS and not isinstance(value, str | None):
        numbers = value if isinstance(value, Sequence) else [value]
        return ("x" if name == "input_size" else ",").join(map(str, numbers))
    return value


def _json(name: str, value: object) -> str:
    try:
        return json.dumps(value, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise InvalidInput(
            f"with launcher=, or where model and images are texts, {name} is a text, a number or a list of these; got "
            f"a {type(value).__name__}"
        ) from error
