"""The command finetune: training with parts of the images hidden."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from maskcover.cli import options as o
from maskcover.cli.certifying import masks_in, prepared, watched
from maskcover.cli.geometry import Json
from maskcover.cli.output import answer
from maskcover.errors import InvalidInput, MissingExtra, install_hint

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import ModuleType

    from maskcover.data import Dataset
    from maskcover.masks import MaskSet
    from maskcover.runs.sources import Source

CutoutSide = Annotated[
    str | None,
    typer.Option(
        help="Side of Cutout's squares: 128px, or a fraction of the image's side; by default 4/7, which is 128 of 224."
    ),
]
MasksAtOnce = Annotated[int | None, typer.Option(min=1, help="Instead of squares: hide up to N of the masks at once.")]
Intervals = Annotated[
    str | None,
    typer.Option(
        help="Instead of hiding, train the interval bounds of a small network for `certify --procedure "
        '"intervals()"`, with "random", "guided" or "all" masks in each step. --schedule and --share are then of the '
        "loss of the bounds; by default it grows to a half."
    ),
]
Mixing = Annotated[
    str,
    typer.Option(
        help='How the fraction of masked images changes: "constant"; "ramp" grows from 0; "step" is 0 at first.'
    ),
]
RateSchedule = Annotated[str, typer.Option(help='The learning rate: "cosine" falls to 0, "constant" stays.')]
FinalFraction = Annotated[
    float, typer.Option(min=0.0, max=1.0, help="Fraction of the images that are masked at the end.")
]
TrainingSeed = Annotated[
    int, typer.Option(min=0, help="Random seed for the split, the order, what is hidden, and random weights.")
]
ValidationSplit = Annotated[
    str | None, typer.Option(help="The part of the data for validation; by default a fraction of --split is held out.")
]
Keep = Annotated[
    str,
    typer.Option(
        help='Weights to keep: those of the epoch that certified most validation images ("certified"), or the "last".'
    ),
]

_MIXTURES = {"constant": "Constant", "ramp": "Ramp", "step": "Jump"}


@o.options_of_groups
def finetune(
    model: o.ModelOptions,
    data: o.DataOptions,
    out: Annotated[Path, typer.Option(help="Keep the training in this folder; the same command resumes it.")],
    masks: o.Masks = None,
    regions: o.Regions = None,
    labels: o.Labels = None,
    epochs: Annotated[int, typer.Option(min=1, help="Passes over the training images.")] = 10,
    batch_size: Annotated[int, typer.Option(min=1, help="Images in each training step.")] = 64,
    optimizer: Annotated[str, typer.Option(help='The optimizer: "adamw", or "sgd" with momentum.')] = "adamw",
    lr: Annotated[float, typer.Option(help="Learning rate at the start.")] = 1e-4,
    momentum: Annotated[float, typer.Option(help="Momentum of SGD.")] = 0.9,
    weight_decay: Annotated[float, typer.Option(help="Weight decay of the optimizer.")] = 1e-4,
    lr_schedule: RateSchedule = "cosine",
    amp: Annotated[str, typer.Option(help='Mixed precision: "off", "auto", "bfloat16" or "float16".')] = "off",
    cutout: CutoutSide = None,
    cutout_count: Annotated[int, typer.Option(min=1, help="Squares hidden in each image.")] = 2,
    random_masks: MasksAtOnce = None,
    intervals: Intervals = None,
    schedule: Mixing = "constant",
    share: FinalFraction = 1.0,
    validation_split: ValidationSplit = None,
    validation_share: Annotated[float, typer.Option(help="Fraction held out, drawn with --seed.")] = 0.1,
    validation_images: Annotated[int, typer.Option(min=1, help="Validation images to certify after each epoch.")] = 500,
    keep: Keep = "certified",
    min_margin: Annotated[float, typer.Option(help="Least margin of a prediction that counts, as for certify.")] = 1e-4,
    margin: o.OldMargin = None,
    workers: Annotated[int, typer.Option(min=0, help="Threads that read images in advance.")] = 2,
    seed: TrainingSeed = 0,
    as_json: Json = False,
) -> None:
    """Train a model while parts of its images are hidden; keep the epoch that certifies most validation images."""
    from maskcover.classifiers.evaluation import names_of
    from maskcover.runs.loading import framed
    from maskcover.runs.sources import Source

    _expect_one_way(model, intervals, cutout, random_masks)
    training, source = _training(), Source(**model.source(), **data.source(), labels=_text(labels), seed=seed)
    recipe = training.Recipe(
        epochs, batch_size, optimizer, lr, momentum, weight_decay, lr_schedule, amp, validation_images, keep, seed
    )
    training.seeded(seed)
    given, progress = masks_in(masks, model.input_size), watched(as_json=as_json)
    classifier, dataset, preprocessing, used = prepared(replace(source, pixels=None), given, regions, progress=progress)
    mixture, certifying = _mixture(training, schedule, share), dict[str, Any]()
    if intervals is None:
        hidden = {"fill": source.fill or 0.0, "probability": mixture}
        hiding = _hiding(training, used, cutout, cutout_count, random_masks, hidden)
    else:
        certifying = {"procedure": "intervals()", "pixels": source.pixel_interval(classifier, used)}
        weight = None if (schedule, share) == ("constant", 1.0) else mixture
        hiding = _bounding(training, used, certifying["pixels"], intervals, weight)
    parts = _parts(source, dataset, validation_split, validation_share, names_of(classifier))
    report = training.finetune(
        classifier, *((part.prepared(preprocessing), part.true_labels) for part in parts), used,
        hiding=hiding, recipe=recipe, regions=framed(classifier, regions, preprocessing),
        min_margin=o.least_margin(None, margin) or min_margin, out=out,
        source=source.document() | {"validation_split": validation_split, "validation_share": validation_share},
        workers=workers, progress=progress, **certifying,
    )  # fmt: skip
    answer(report.document(), [str(report), f"weights: {out / 'weights.pt'}"], as_json=as_json)


def _bounding(training: ModuleType, masks: MaskSet, pixels: Any, kind: str, weight: Any | None) -> Any:
    """The training of interval bounds; the weight of their loss, by default as the training has it."""
    return training.IntervalTraining(masks, pixels, kind, **({} if weight is None else {"weight": weight}))


def _text(path: Path | None) -> str | None:
    return None if path is None else str(path)


def _expect_one_way(model: o.ModelOptions, intervals: str | None, cutout: str | None, random_masks: int | None) -> None:
    """Raise `InvalidInput` for options of interval training beside those of hiding."""
    if intervals is None and model.pixels is not None:
        raise InvalidInput("--pixels is for --intervals; leave it out, or add --intervals random")
    if intervals is not None and (cutout, random_masks, model.fill) != (None, None, None):
        raise InvalidInput("--intervals hides nothing; leave --cutout, --random-masks and --fill out")


def _parts(
    source: Source, dataset: Dataset, split: str | None, fraction: float, class_names: Sequence[str] | None
) -> list[Dataset]:
    """The images to train with, and those for validation."""
    if source.split is None and all(name.startswith("test/") for name in dataset.ids):
        raise InvalidInput(f"{source.data} gives its test images by default; name others to train with: --split train")
    if split is None:
        return [dataset.part(numbers) for numbers in divided(len(dataset), fraction, source.seed)]
    if split == source.split:
        raise InvalidInput(f"--validation-split {split} is the part that is trained with; name another part")
    return [dataset, replace(source, split=split, limit=None, sample=None).dataset(class_names)]


def divided(count: int, fraction: float, seed: int) -> tuple[list[int], list[int]]:
    """The numbers from 0 to count - 1 for training and for validation, both in order, each at least one.

    >>> divided(5, 0.4, seed=0)
    ([0, 1, 3], [2, 4])
    """
    import numpy as np

    if not 0 < fraction < 1 or count < 2:
        raise InvalidInput(
            f"--validation-share must lie between 0 and 1, and leave images on both sides; got {fraction:g} of {count}"
        )
    kept = min(count - 1, max(1, round(fraction * count)))
    order = np.random.default_rng(seed).permutation(count)
    return sorted(order[kept:].tolist()), sorted(order[:kept].tolist())


def _training() -> ModuleType:
    try:
        from importlib import import_module

        return import_module("maskcover_torch.training")
    except ImportError as error:
        raise MissingExtra(f"training cannot start ({error}); {install_hint('torch')}") from error


def _mixture(training: ModuleType, name: str, fraction: float) -> Any:
    """The schedule of this name that ends with the fraction."""
    if name not in _MIXTURES:
        raise InvalidInput(f"--schedule must be one of {', '.join(_MIXTURES)}; got {name!r}")
    kind = getattr(training, _MIXTURES[name])
    return kind(fraction) if name == "constant" else kind(0.0, fraction)


def _hiding(
    training: ModuleType, masks: MaskSet, cutout: str | None, count: int, per_image: int | None, hidden: dict[str, Any]
) -> Any:
    if per_image is None:
        return training.Cutout(**({} if cutout is None else {"size": cutout}), count=count, **hidden)
    if cutout is not None:
        raise InvalidInput("name --cutout or --random-masks, not both: there is one way of hiding")
    return training.RandomMasks(masks, per_image, **hidden)
