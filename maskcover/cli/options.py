"""The options that several commands share, each with its one help text, in groups that a command takes as one value."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable, Iterator, Mapping
from copy import copy
from dataclasses import MISSING, dataclass, fields, is_dataclass
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, get_type_hints

import typer

from maskcover.cli.reading import read_fill
from maskcover.errors import InvalidInput, MaskcoverWarning
from maskcover.typed import read_options

if TYPE_CHECKING:
    from maskcover.runs import Launcher

Labels = Annotated[Path | None, typer.Option(help="A CSV file with the columns path and label.")]
Task = Annotated[
    str | None,
    typer.Option(
        help='What is certified: "labels"; "answers", such as texts, where --model is a function from images to '
        'answers; or "multilabel". By default labels, or answers if the model gives answers.'
    ),
]
Thresholds = Annotated[
    str | None,
    typer.Option(
        help="With --task multilabel: the least score of a class that is present, such as 0.5; or one for each class, "
        "such as 0.5,0.7. By default 0, for scores that are logits."
    ),
]
KeepScores = Annotated[
    bool,
    typer.Option(
        "--keep-scores",
        help="With --task multilabel: make every masked prediction and keep its scores, for average precision.",
    ),
]
Outside = Annotated[
    bool,
    typer.Option("--outside", help="Also read files outside the data's folder, where a table or data set names them."),
]
Seed = Annotated[int, typer.Option(min=0, help="Random seed for --sample.")]
Classes = Annotated[
    str | None,
    typer.Option(
        help="The model's classes: their number, or a file with their names; by default the names that the model has."
    ),
]
Masks = Annotated[
    Path | None,
    typer.Option(
        help="A mask-set file; by default masks are made for --regions, or are those that --procedure or --local name."
    ),
]
Regions = Annotated[
    str | None, typer.Option(help="What the attacker may overwrite; by default what the masks claim to cover.")
]
Frame = Annotated[
    str,
    typer.Option(help='Where --regions are drawn: on the model\'s "input", or on the "source" before preprocessing.'),
]
BatchSize = Annotated[
    int | None,
    typer.Option(
        min=1, help="Images in each forward pass; by default the fastest size at which predictions repeat to the bit."
    ),
]
MinMargin = Annotated[
    float | None,
    typer.Option(
        help="Least margin of a prediction that counts, as a fraction of the largest score; by default predictions "
        "must repeat to the bit."
    ),
]
OldMargin = Annotated[float | None, typer.Option("--margin", hidden=True, help="Earlier name of --min-margin.")]
Numerics = Annotated[
    str | None,
    typer.Option(
        help='"bitwise" insists that predictions repeat to the bit, "margin" always uses a margin. By default a margin '
        "takes over, with a warning, where scores on this machine depend on the place in a batch."
    ),
]
AtLeast = Annotated[
    str | None,
    typer.Option(help="A claim: at least this fraction of the images is certified, such as 0.6 or 60%."),
]
_MODEL = (
    "timm:NAME, torchvision:NAME, hf:FOLDER, onnx:FILE, or another form that `maskcover models` lists; or "
    "package.module:name of a model, of a function that makes one, or of a function from arrays to scores."
)
_DEVICE = (
    'Where the model computes: "cpu", "cuda", "cuda:1". By default a model by name is on the GPU if there is one (with '
    "torchrun each rank has its own), and a model of your own where you put it."
)
_DATA = (
    "The images: a folder (with a subfolder for each class, if labels are needed), a .csv or .npz file, a folder of "
    "CIFAR, MNIST or Hugging Face's save_to_disk, tar shards; or FORMAT:PATH, with folder, csv, npz, cifar10, "
    "cifar100, idx, hf or wds."
)


@dataclass(frozen=True)
class ModelOptions:
    """The model, and how its images are prepared."""

    panel: ClassVar[str] = "Model"

    model: Annotated[str, typer.Option(help=_MODEL)]
    weights: Annotated[
        str | None, typer.Option(help='For models by name: "pretrained", "random", or the path of a checkpoint.')
    ] = None
    option: Annotated[
        list[str] | None,
        typer.Option(
            "--option", "-O", help="NAME=VALUE for the model's adapter, such as prompts=prompts.txt; can be repeated."
        ),
    ] = None
    device: Annotated[str | None, typer.Option(help=_DEVICE)] = None
    input_size: Annotated[
        str | None,
        typer.Option(help="The model's input size: 224 or 480x640; by default its own, or that of the masks."),
    ] = None
    mean: Annotated[
        str | None, typer.Option(help="Subtracted from pixel values in [0, 1]: one number, or one for each channel.")
    ] = None
    std: Annotated[
        str | None, typer.Option(help="Divisor after --mean is subtracted: one number, or one for each channel.")
    ] = None
    channels: Annotated[
        int | None, typer.Option(help="Channels of the images: 3, or 1 for a model of grey images.")
    ] = None
    override: Annotated[
        bool,
        typer.Option(
            "--override-preprocessing", help="Use --mean, --std and --input-size instead of what the model declares."
        ),
    ] = False
    local: Annotated[
        str | None,
        typer.Option(
            help="For networks of torch: certify the evidence of the cells of this layer, such as layer4; . is a model "
            "that scores cells itself."
        ),
    ] = None
    split_at: Annotated[
        str | None,
        typer.Option(help="For networks of torch: hide cells behind this layer, such as layer2, instead of pixels."),
    ] = None
    fill: Annotated[
        str | None,
        typer.Option(
            help='The value of hidden pixels, after normalisation; 0 by default. Or "drop_tokens(16)": leave out the '
            "hidden tokens of a vision transformer of timm or transformers."
        ),
    ] = None
    pixels: Annotated[
        str | None,
        typer.Option(
            help='For --procedure "intervals()": the least and greatest value of a pixel in the model\'s input, '
            "such as 0,1; by default black and white after --mean and --std."
        ),
    ] = None

    def source(self) -> dict[str, Any]:
        """The arguments of `maskcover.runs.sources.Source`."""
        values = {field.name: getattr(self, field.name) for field in fields(self) if field.name != "option"}
        fill = None if self.fill is None else read_fill(self.fill)
        return values | {"options": tuple(self.option or ()), "fill": fill}


@dataclass(frozen=True)
class DataOptions:
    """The images, and which of them to use."""

    panel: ClassVar[str] = "Images"

    data: Annotated[str, typer.Option(help=_DATA)]
    limit: Annotated[int | None, typer.Option(min=1, help="Use the first N images.")] = None
    split: Annotated[
        str | None, typer.Option(help="The part of the data to use, such as train, val or test; what --data has.")
    ] = None
    classes: Classes = None
    sample: Annotated[int | None, typer.Option(min=1, help="Use N images, drawn at random with --seed.")] = None

    def source(self) -> dict[str, Any]:
        """The arguments of `maskcover.runs.sources.Source`."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


@dataclass(frozen=True)
class NumericOptions:
    """How scores are computed."""

    panel: ClassVar[str] = "Numerics"

    batch_size: BatchSize = None
    dtype: Annotated[
        str | None, typer.Option(help="float32, bfloat16 or float16; by default the number format of the model.")
    ] = None
    memory_format: Annotated[
        str | None, typer.Option(help="contiguous or channels_last; by default the faster of the two.")
    ] = None
    tf32: Annotated[bool, typer.Option("--tf32", help="Let a GPU compute float32 with 10 bits of precision.")] = False
    compiled: Annotated[bool, typer.Option("--compile", help="Let the framework compile the model.")] = False

    def source(self) -> dict[str, Any]:
        """The arguments of `maskcover.runs.sources.Source`."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


Procedure = Annotated[
    str | None,
    typer.Option(
        help='The defence as a text, such as "double_masking(rule=\'all-pairs\')", "challenger_masking()" or '
        '"detection(threshold=0.9)", or one that you installed. By default double masking; predict --run uses the '
        "defence of the run."
    ),
]


@dataclass(frozen=True)
class LauncherOptions:
    """Where the shards of a run are made."""

    panel: ClassVar[str] = "With --out: workers elsewhere"

    launcher: Annotated[
        str | None,
        typer.Option(
            help="ray or slurm: make the run by workers of a Ray cluster, or by jobs of SLURM; by default in this "
            "process."
        ),
    ] = None
    workers: Annotated[
        int | None,
        typer.Option(min=1, help="The largest number of workers; for ray by default what has room."),
    ] = None
    gpus_per_worker: Annotated[
        float | None, typer.Option(min=0, help="GPUs of each worker; with ray 0.5 lets two workers share one.")
    ] = None
    address: Annotated[
        str | None,
        typer.Option(
            help='For ray: "auto" for the cluster on this machine, or HOST:PORT; by default this machine alone.'
        ),
    ] = None
    launcher_option: Annotated[
        list[str] | None,
        typer.Option(help="Another argument of the launcher, such as cpus_per_worker=4; can be repeated."),
    ] = None

    def chosen(self) -> Launcher | None:
        """The launcher that was typed; None for this process."""
        from maskcover.runs.launchers import launcher_of

        own = {"workers": self.workers, "gpus_per_worker": self.gpus_per_worker, "address": self.address}
        typed = {name: value for name, value in own.items() if value is not None}
        typed |= read_options(self.launcher_option or [])
        if self.launcher is None:
            if typed:
                names = ", ".join(f"--{name.replace('_', '-')}" for name in typed)
                raise InvalidInput(f"{names} is for launchers; add --launcher ray or --launcher slurm")
            return None
        return launcher_of(self.launcher, typed)


@dataclass(frozen=True)
class DefenceOptions:
    """The defence: as a procedure, or by a method with a threshold."""

    panel: ClassVar[str] = "Defence"

    procedure: Procedure = None
    method: Annotated[
        str | None,
        typer.Option(
            help='Instead of --procedure: "double" masking, "challenger" masking, or "detect" with a --threshold.'
        ),
    ] = None
    threshold: Annotated[
        float | None,
        typer.Option(help='For "detect": the least confidence at which a disagreeing mask raises an alert.'),
    ] = None

    def named(self) -> dict[str, Any]:
        """The arguments of `certify`, `run` and `predict`."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def text(self, rule: str | None) -> str | None:
        """The defence as a text; None if none is named."""
        from maskcover.defense.texts import procedure_of

        if (self.procedure, self.method, self.threshold, rule) == (None,) * 4:
            return None
        return str(procedure_of(self.procedure, self.method, self.threshold, rule))


def least_margin(min_margin: float | None, old: float | None) -> float | None:
    """The value of --min-margin, also where it is typed as --margin, its earlier name; None if neither is typed.

    Raises:
        InvalidInput: both are typed.
    """
    if old is None:
        return min_margin
    if min_margin is not None:
        raise InvalidInput("--margin is the earlier name of --min-margin; type only --min-margin")
    warnings.warn(
        "--margin is now called --min-margin; the earlier name works for one release", MaskcoverWarning, stacklevel=2
    )
    return old


def options_of_groups(command: Callable[..., None]) -> Callable[..., None]:
    """Show typer each field of a parameter that is a dataclass as an option of its own.

    The command is called with the dataclasses, made of what was typed. In the help the options of a dataclass stand
    together, below its `panel` if it has one.

    >>> @dataclass
    ... class Size:
    ...     height: int = 2
    ...     width: int = 3
    >>> @options_of_groups
    ... def area(size: Size, depth: int = 1) -> None:
    ...     print(size, depth)
    >>> print(inspect.signature(area))
    (*, height: int = 2, width: int = 3, depth: int = 1)
    >>> area(height=5)
    Size(height=5, width=3) 1
    """
    kinds = get_type_hints(command, include_extras=True)
    groups: dict[str, Any] = {name: kind for name, kind in kinds.items() if is_dataclass(kind)}

    @wraps(command)
    def flat(**typed: Any) -> None:
        made = {name: kind(**_taken(kind, typed)) for name, kind in groups.items()}
        command(**made, **typed)

    parameters = list(_parameters(inspect.signature(command), kinds, groups))
    flat.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]  # what inspect looks for
    flat.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return flat


def _taken(kind: Any, typed: dict[str, Any]) -> dict[str, Any]:
    """The arguments of a dataclass, taken out of what was typed."""
    return {field.name: typed.pop(field.name) for field in fields(kind) if field.name in typed}


def _parameters(
    signature: inspect.Signature, kinds: Mapping[str, Any], groups: Mapping[str, Any]
) -> Iterator[inspect.Parameter]:
    """The parameters of a command, with the fields of each group in its place."""
    for name, parameter in signature.parameters.items():
        if name in groups:
            own, panel = get_type_hints(groups[name], include_extras=True), getattr(groups[name], "panel", None)
            for field in fields(groups[name]):
                default = inspect.Parameter.empty if field.default is MISSING else field.default
                yield _keyword(field.name, default, _below(panel, own[field.name]))
        else:
            yield _keyword(name, parameter.default, kinds[name])


def _below(panel: str | None, kind: Any) -> Any:
    """The type of an option, with the panel that it stands below in the help."""
    if panel is None:
        return kind
    (shown,) = kind.__metadata__
    below = copy(shown)
    below.rich_help_panel = panel
    return Annotated[kind.__origin__, below]


def _keyword(name: str, default: Any, kind: Any) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=kind)
