"""`finetune`: train a model while parts of its images are hidden, and keep the epoch that certifies most.

After every epoch some validation images are certified, by `maskcover.certify` and with its probes. A run with a folder
can be killed at any time: the same call goes on after the last finished epoch, with the random numbers that would have
come next.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy.typing as npt
import torch

from maskcover.certification import certify
from maskcover.classifiers.evaluation import Images
from maskcover.classifiers.options import renamed
from maskcover.errors import InvalidInput
from maskcover.masks import MaskSet
from maskcover.regions import RegionSet
from maskcover_torch.attacks.inputs import claimed_regions
from maskcover_torch.classifier import TorchClassifier
from maskcover_torch.evaluator import place_of
from maskcover_torch.heads import TwoParts
from maskcover_torch.identity import architecture_digest, weights_digest
from maskcover_torch.local_classifier import LocalClassifier
from maskcover_torch.split_classifier import SplitClassifier
from maskcover_torch.training.cell_hiding import CellHiding
from maskcover_torch.training.checkpoints import Keeper
from maskcover_torch.training.examples import Examples
from maskcover_torch.training.hiding import Cutout, Hiding
from maskcover_torch.training.learner import Learner
from maskcover_torch.training.recipe import Recipe
from maskcover_torch.training.report import Epoch, FinetuneReport, epoch_to_keep

_CUTOUT, _RECIPE = Cutout(), Recipe()


def finetune(
    model: torch.nn.Module | TorchClassifier,
    train: tuple[Images, npt.ArrayLike],
    validation: tuple[Images, npt.ArrayLike],
    masks: MaskSet,
    *,
    hiding: Hiding = _CUTOUT,
    recipe: Recipe = _RECIPE,
    regions: RegionSet | str | None = None,
    min_margin: float | None = 1e-4,
    out: str | Path | None = None,
    source: Mapping[str, Any] | None = None,
    workers: int = 0,
    progress: bool = False,
    **options: Any,
) -> FinetuneReport:
    """Train a model to keep its labels under masks; it ends with the weights that certified most validation images.

    Args:
        model: Maps float tensors (n, channels, height, width) to scores (n, classes). It is trained in place, and is in
            evaluation mode afterwards, whatever happens. Or a classifier made of such a model, as from
            `maskcover.load_classifier`: then its model is trained, and certified with the classifier's fill and
            contract.
        train, validation: Pairs (images, labels): float images (channels, height, width) as the model takes them,
            tensors or arrays, in anything with a length and an index; labels whole numbers from 0.
        masks: The mask set of the defence that the model is for.
        hiding: Hides parts of training images: `Cutout`, `RandomMasks`, or anything that is called like them.
        recipe: The hyperparameters.
        regions, min_margin: As for `maskcover.certify`, for the validation images.
        out: A folder for checkpoints, weights and history. If it holds the same training already, that one goes on.
        source: Texts that say where model and data come from, stored and compared with the rest.
        workers: Threads that read images ahead; 0 reads images without threads.
        progress: Show a progress bar on stderr.
        **options: For the adapter when it certifies, such as ``fill=0.5``. By default the batch size is
            that of the classifier, or else of the recipe.

    Returns:
        One record for each epoch; number 0 is the model before training, which may be the best.

    Raises:
        InvalidInput: images, labels, masks or options that do not go together; a folder with another training (the
            message names the differences), or a damaged checkpoint.
        RunStopped: the loss became infinite or NaN. The model has the weights before that step.
        NotCovering, ProbeFailed: as for `maskcover.certify`.

    On a CPU, with the same number of threads, a run that was killed and resumed ends with the same weights, bit for
    bit, as one that was not. Only the random state of torch and of the run itself is saved, not that of other
    libraries. The state of torch's generators is restored afterwards.

    Source: the paper's appendix A and Table 5 (Cutout).

    >>> from maskcover import cover, squares
    >>> net = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(36, 2))
    >>> images = torch.cat([torch.zeros(8, 1, 6, 6), torch.ones(8, 1, 6, 6)]) - 0.5
    >>> data = images, [0] * 8 + [1] * 8
    >>> masks = cover(squares(size=1), image_size=6, grid=(2, 2))
    >>> finetune(net, data, data, masks, recipe=Recipe(epochs=5, batch_size=8, lr=0.05)).kept.certified
    16
    """
    if "margin" in options:
        min_margin = renamed(options, "margin", "min_margin", None)
    rows = recipe.batch_size
    size = masks.grid.shape
    if isinstance(model, LocalClassifier):
        raise InvalidInput("train the network itself, and make a local classifier of it afterwards")
    if isinstance(model, SplitClassifier):
        model, hiding, split_at = _of_split(model, hiding)
        options, size = split_at | options, _size_of(train)
    elif isinstance(model, TorchClassifier):
        rows = model.batch_size or rows
        own_options: dict[str, Any] = {"preprocessing": model.preprocessing}
        if "pixels" not in options:  # bounds are computed in float64, without any fill
            own_options |= {"fill": model.fill, "contract": model.contract}
        model, options = model.model, own_options | options
    if not isinstance(model, torch.nn.Module):
        raise InvalidInput(f"expected a torch.nn.Module; got {type(model).__name__}")
    region_set = claimed_regions(masks, regions)
    device, dtype = place_of(model)
    learn, judge = (
        Examples.of(pair, name, size, dtype) for pair, name in ((train, "train"), (validation, "validation"))
    )
    certifying = {"regions": region_set, "min_margin": min_margin, "batch_size": rows} | options
    certify_texts = {
        "margin" if name == "min_margin" else name: str(value) for name, value in certifying.items()
    }  # its first name
    config = _flat(
        {"source": dict(source or {}), "recipe": asdict(recipe), "hiding": str(hiding), "masks": masks.digest}
        | {"certify": certify_texts}
        | {"train": learn.summary(), "validation": judge.summary()}
        | {"architecture": architecture_digest(model), "weights": weights_digest(model)}
    )
    try:
        # Torch's generators are seeded, and restored afterwards.
        with torch.enable_grad(), torch.random.fork_rng([device] if device.type == "cuda" else []):
            learner = Learner.of(model, learn, hiding, recipe, workers=workers, progress=progress)
            examined = judge.some(recipe.validation_images, recipe.seed)
            examination = partial(_examined, model, examined, masks, certifying | {"progress": progress})
            return _trained(learner, examination, None if out is None else Keeper(Path(out), config), config)
    finally:
        model.eval()


def _of_split(model: SplitClassifier, hiding: Hiding) -> tuple[torch.nn.Module, Hiding, dict[str, Any]]:
    """The network of a split classifier, hiding of its cells, and the options that make the classifier again."""
    if not isinstance(model.parts, TwoParts):
        raise InvalidInput("train the network itself, and split its evidence afterwards")
    cells = model.parts.cells
    options: dict[str, Any] = {
        "split_at": cells.layer,
        "layout": cells.layout,
        "fill": model.fill,
        "contract": model.contract,
    }
    options |= {"preprocessing": model.preprocessing}
    if model.batch_size is not None:
        options |= {"batch_size": model.batch_size}
    return cells.model, CellHiding(hiding, str(cells.layer), cells.layout), options


def _size_of(train: Any) -> tuple[int, ...]:
    """(height, width) of the first training image; masks are for cells, and do not tell."""
    try:
        return tuple(train[0][0].shape[1:])
    except (TypeError, IndexError, AttributeError) as error:
        raise InvalidInput("train must be a pair (images, labels) of sequences, with at least one image") from error


def seeded(seed: int) -> None:
    """Seed torch's generators, so that a model with random weights made afterwards is the same each time."""
    torch.manual_seed(seed)


def _trained(
    learner: Learner, examined: Callable[[], Epoch], keeper: Keeper | None, config: dict[str, Any]
) -> FinetuneReport:
    """Train the epochs that are missing; examine and save each of them."""
    state = keeper.start() if keeper else None
    if state is None:
        epochs, best = [examined()], learner.weights()
    else:
        epochs, best = [Epoch(**record) for record in state["epochs"]], state["best"]
        learner.restore(state["learner"])
    for number in range(len(epochs), learner.recipe.epochs + 1):
        start = time.perf_counter()
        loss = learner.epoch(number)
        epochs.append(replace(examined(), number=number, loss=loss, seconds=time.perf_counter() - start))
        if epoch_to_keep(epochs, learner.recipe.keep) is epochs[-1]:
            best = learner.weights()
        if keeper:
            keeper.save({"epochs": list(map(asdict, epochs)), "best": best, "learner": learner.state()})
    learner.model.load_state_dict(best)
    report = FinetuneReport(tuple(epochs), config, learner.recipe.keep)
    if keeper:
        keeper.finish(best, report.document())
    return report


def _examined(model: torch.nn.Module, examples: Examples, masks: MaskSet, evaluator: dict[str, Any]) -> Epoch:
    """Certify the validation images with the model as it is now; the record is that of epoch 0."""
    start = time.perf_counter()
    model.eval()
    result = certify(model, examples.images, examples.labels, masks, **evaluator)
    undefended, defended = (int((labels == result.labels).sum()) for labels in (result.undefended, result.defended))
    certified = int(result.certified.sum())
    return Epoch(0, None, undefended, defended, certified, len(result), time.perf_counter() - start)


def _flat(document: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested entries under dotted names."""
    entries: dict[str, Any] = {}
    for name, value in document.items():
        entries |= _flat(value, f"{prefix}{name}.") if isinstance(value, dict) else {prefix + name: value}
    return entries
