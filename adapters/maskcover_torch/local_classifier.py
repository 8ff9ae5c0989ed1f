"""`local`: a network with a small receptive field as a classifier whose views are the cells of its grid.

The masked prediction under the mask of a cell, which hides all but the receptive field of the cell, is the evidence of
that cell. One pass of the network gives the evidence of all cells of an image.
"""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any, NoReturn, Self

import numpy as np
import numpy.typing as npt
import torch
from torch.utils.weak import WeakTensorKeyDictionary

from maskcover.cells import IntArray
from maskcover.classifiers import Answers, NumericContract
from maskcover.classifiers.evaluation import Images
from maskcover.classifiers.occlusion import Fill as FillValue
from maskcover.defense import Procedure
from maskcover.errors import InvalidInput, MaskcoverWarning
from maskcover.grid import Grid
from maskcover.masks import MaskSet, Views, receptive_fields
from maskcover.regions import ReceptiveField
from maskcover_torch.attacks import AttackReport, attack_by_gradient
from maskcover_torch.attacks.cells import CellScores
from maskcover_torch.classifier import TorchClassifier
from maskcover_torch.evaluator import TorchEvaluator, answers_of, loaded, on_host, place_of
from maskcover_torch.evidence import LocalEvidence
from maskcover_torch.fields import Ruler, channels_of, state_of
from maskcover_torch.heads import EvidenceMean
from maskcover_torch.module import DefendedModule
from maskcover_torch.numerics import FORMATS, pinned
from maskcover_torch.outputs import scores_of
from maskcover_torch.split_classifier import SplitClassifier

ROWS = 64
"""Rows of a batch of masked predictions where images are computed one by one: a row then only looks up a cell."""


def local(
    model: torch.nn.Module,
    layer: str | None = None,
    head: torch.nn.Module | str | None = None,
    *,
    field: ReceptiveField | None = None,
    layout: str | None = None,
    batch_size: int | None = None,
    contract: NumericContract | None = None,
    **options: Any,
) -> LocalClassifier:
    """A classifier that gives the evidence of each cell of a network's grid.

    Args:
        model: Takes images (n, channels, height, width); in evaluation mode.
        layer: The layer whose output is the features of the cells, before any pooling; None if the model itself
            returns scores of cells (n, classes, rows, columns).
        head: The layer from features to scores, or its name; by default the classifier of the model.
        field: The receptive field of the cells; by default it is measured, for each size of images. A field that is
            given is tested: each cell must keep every bit whatever lies outside its field.
        layout: How the layer arranges its output; see `maskcover_torch.cells.Cells`.
        batch_size: Images in a pass of the network; every pass has this many.
        contract: How the model computes, while it certifies and while it serves.
        **options: `preprocessing`, `device` and `class_names`, as for `TorchClassifier`.

    Returns:
        A classifier for `certify` with `Voting` or `RobustMasking`. Its masks are those of its own cells
        (`own_masks`), and it takes no others.

    Raises:
        InvalidInput: the model or its layer is no such network; while masks are made, some cell depends on the whole
            image, and the message names what mixes.
        ProbeFailed: while masks are made, a cell changes with pixels outside its field.

    >>> net = torch.nn.Sequential(torch.nn.Conv2d(1, 3, 4, stride=4)).eval()
    >>> classifier = local(net)
    >>> len(classifier.own_masks(Grid.of(12))), classifier.receptive_field(12)
    (9, ReceptiveField(size=4, stride=4, padding=0))
    """
    base = contract or NumericContract()
    pinned_contract = replace(base, batch_size=batch_size or base.batch_size or 1)
    if base.compiled:
        raise InvalidInput("a local classifier ends a pass at its layer, which torch.compile cannot; leave it out")
    module = LocalEvidence(model, layer, head, layout)
    return LocalClassifier(module, field=field, contract=pinned_contract, **options)


class LocalClassifier(TorchClassifier):
    """The evidence of the cells of a network; made by `local`, which says what the arguments are."""

    def __init__(self, model: LocalEvidence, *, field: ReceptiveField | None = None, **options: Any) -> None:
        unknown = sorted(options.keys() & {"fill", "output"})
        if unknown:
            raise InvalidInput(f"a local classifier hides no pixels, and has no {', '.join(unknown)}=; leave it out")
        super().__init__(model, **options)
        self.evidence = model
        if field is not None and not isinstance(field, ReceptiveField):
            raise InvalidInput(f"field is a maskcover.ReceptiveField, such as ReceptiveField(17, 8); got {field!r:.60}")
        self._field = field
        self._fields: dict[object, ReceptiveField] = {}
        self._compared: set[str] = set()

    def receptive_field(self, size: Any, channels: int | None = None) -> ReceptiveField:
        """The field of the cells on images of a size: measured or tested once for each size and state of the model."""
        sides = Grid.of(size).shape
        key = sides, self.contract, state_of(self.model)
        if key not in self._fields:
            ruler = Ruler(self.model, (sides[0], sides[1]), channels or channels_of(self.model), self.contract)
            field = self._field or ruler.measured()
            ruler.expect_inside(field)
            self._fields[key] = field
        return self._fields[key]

    def split(self, *, fill: float = 0.0) -> SplitClassifier:
        """The same network with masks that hide evidence of cells: the score of a class is the mean over all cells.

        With `maskcover.Detection` it is the defence PatchGuard++.
        """
        return SplitClassifier(
            EvidenceMean(self.evidence), field=self._field, fill=fill, contract=self.contract,
            preprocessing=self.preprocessing, class_names=self.class_names,
        )  # fmt: skip

    def own_masks(self, grid: Grid) -> MaskSet:
        """The masks of its cells on images of this size, row by row: each hides all but the field of one cell."""
        return field_masks(self.receptive_field(grid), grid)

    def evaluator(self, masks: MaskSet, example: Any = None, batch_size: int | None = None) -> LocalEvaluator:  # noqa: ARG002  # it is the protocol's
        """The classifier with its own masks; `InvalidInput` for any others."""
        if example is not None:
            image = loaded(example, masks.grid.shape, place_of(self.model), (0.0,))
            self._compare(image)
        self.expect_own(masks)
        return LocalEvaluator(self.evidence, masks, contract=self.contract)

    def expect_own(self, masks: MaskSet) -> None:
        """Raise `InvalidInput` unless these are the masks of its own cells."""
        own = self.own_masks(masks.grid)
        if masks != own:
            raise InvalidInput(
                f"a local classifier answers for the masks of its own cells alone, {len(own)} of "
                f"{self.receptive_field(masks.grid)} on {masks.grid}; got {len(masks)} others: leave the masks out, or "
                "give own_masks(grid)"
            )

    def choices(self, masks: MaskSet, example: Any, most: int) -> list[TorchClassifier]:  # noqa: ARG002  # it is the protocol's
        """None: it computes in the one way that it was made with."""
        return []

    def as_certified(self, entries: Any) -> TorchClassifier:
        """The same classifier, with the open settings of its contract filled in from a fingerprint."""
        return super().as_certified({**entries, "batch_size": entries.get("images_in_a_pass", "1")})

    def scores(self, images: Sequence[Any], hidden: npt.NDArray[np.bool_]) -> npt.NDArray[np.floating[Any]]:
        """Scores (n, classes) of n images, each hidden as by one of its own masks, or not at all."""
        grid = Grid.of(hidden.shape[1:])
        own = self.own_masks(grid)
        numbers = {np.asarray(mask).tobytes(): number for number, mask in enumerate(np.asarray(own))}
        numbers[np.zeros(grid.shape, np.bool_).tobytes()] = -1
        rows = [numbers.get(np.ascontiguousarray(row).tobytes()) for row in hidden]
        if None in rows:
            raise InvalidInput("a local classifier answers for the masks of its own cells alone: see own_masks(grid)")
        evaluator = LocalEvaluator(self.evidence, own, contract=self.contract)
        pairs = np.array([[row, row] for row in rows], np.int64)
        return evaluator.scores([evaluator.load(image) for image in images], pairs)  # type: ignore[return-value]  # of floats

    def defended(
        self,
        masks: MaskSet,
        *,
        procedure: Procedure,
        preprocessing: str,
        batch_size: int | None = None,  # noqa: ARG002  # it is the protocol's
    ) -> torch.nn.Module:
        """The `LocalModule` of this model."""
        self.expect_own(masks)
        return LocalModule(self.model, masks, procedure=procedure, preprocessing=preprocessing, contract=self.contract)

    def bounded(self, pixels: Any) -> NoReturn:  # noqa: ARG002  # it is the protocol's
        """Raises: interval bounds are of whole networks."""
        raise InvalidInput("interval bounds are of whole networks, which hide pixels; leave local out")

    def masked_scores(self, masks: MaskSet, views: Views) -> CellScores:
        """The evidence of cells with gradients, which guides attacks; see `maskcover_torch.attacks.masked`."""
        self.expect_own(masks)
        return CellScores(self, masks, views)

    def attacked(self, images: Images, labels: npt.ArrayLike, masks: MaskSet, **options: Any) -> AttackReport:
        """Attack the defended classifier; see `maskcover_torch.attacks.attack_by_gradient`."""
        return attack_by_gradient(self, images, labels, masks, **options)

    def _compare(self, image: torch.Tensor) -> None:
        """Warn, once, where the mean over the cells has another label than the model itself."""
        if self.evidence.cells.layer is None or "label" in self._compared:
            return
        self._compared.add("label")
        with pinned(self.contract, place_of(self.model)[0]):
            own = scores_of(self.evidence.cells.model(image[None]), 1, None).argmax(dim=1)
            mean = self.evidence(image[None]).mean(dim=(2, 3)).argmax(dim=1)
        if own.item() != mean.item():
            warnings.warn(
                f"the mean over the cells calls the first image {mean.item()}, the model itself {own.item()}: between "
                f"the layer {self.evidence.cells.layer!r} and the head there is more than an average. What is "
                "certified is the answer of the cells",
                MaskcoverWarning,
                stacklevel=3,
            )


class LocalEvaluator(TorchEvaluator):
    """A local classifier with the masks of its cells, in the form that the engine uses.

    The evidence of an image is computed once and kept while the image is open. Probes compute it anew each time.

    A row of the mask of a cell has the evidence of that cell; a row that hides nothing has the mean over all cells. No
    cell lies inside the union of two masks, so a row of such a union has the score 0 for each class: it is undecided.
    """

    def __init__(self, model: LocalEvidence, masks: MaskSet, *, contract: NumericContract) -> None:
        super().__init__(model, masks, occlusion=FillValue(0.0), contract=contract)
        self._size = contract.batch_size or 1
        # In passes of several images each row is an image of the pass, so that the probes of rows are those of passes.
        self.batch_size = ROWS if self._size == 1 else self._size
        self._kept = WeakTensorKeyDictionary()

    def fresh(self) -> Self:
        """A copy for one call, which keeps the evidence of its own images only."""
        twin = super().fresh()
        twin._kept = WeakTensorKeyDictionary()
        return twin

    def identity(self) -> dict[str, str]:
        """That of a torch model, and the size of a pass."""
        return super().identity() | {"images_in_a_pass": str(self._size), "evidence": "of cells"}

    def submit(self, images: Sequence[torch.Tensor], pairs: IntArray) -> Callable[[], Answers]:
        """See `maskcover.classifiers.Evaluator`."""
        with pinned(self.contract, self._device):
            unseen = [image for image in _distinct(images) if image not in self._kept]
            for image, rows in zip(unseen, self._rows_of(unseen), strict=True):
                self._kept[image] = rows
            scores = _looked_up([self._kept[image] for image in images], pairs)
            return answers_of(scores, self.least_scale, self.observation)

    def _scores(self, images: Sequence[torch.Tensor], pairs: IntArray) -> torch.Tensor:
        if self._size > 1:
            return _looked_up(self._rows_of(images), pairs)
        contents = [_content(image) for image in images]
        unlike = dict(zip(contents, images, strict=True))
        rows = dict(zip(unlike, self._rows_of(list(unlike.values())), strict=True))
        return _looked_up([rows[content] for content in contents], pairs)

    def _drawn(self) -> None:
        """No mask is ever drawn: nothing is hidden."""
        return

    def _rows_of(self, images: Sequence[torch.Tensor]) -> list[torch.Tensor]:
        """For each image the scores that a row can have: of each cell, of a union, and of the whole image."""
        tables = list[torch.Tensor]()
        for start in range(0, len(images), self._size):
            chunk = list(images[start : start + self._size])
            batch = torch.stack(chunk + chunk[-1:] * (self._size - len(chunk)))
            tables += list(self._tables(batch.contiguous(memory_format=FORMATS[self._layout])))[: len(chunk)]
        return tables

    def _tables(self, batch: torch.Tensor) -> torch.Tensor:
        self.expect_as_before()
        evidence = self._model(batch)
        self.expect_as_before()  # the model itself may have changed flags
        shape = tuple(evidence.shape)
        if len(shape) != 4 or shape[0] != len(batch) or shape[2] * shape[3] != len(self.masks):
            raise InvalidInput(
                f"expected scores (n, classes, rows, columns) of {len(self.masks)} cells for each image; got {shape}"
            )
        cells = evidence.flatten(2).transpose(1, 2)
        scores_of(cells[:, 0], len(batch), self.classes)
        self.classes = shape[1]
        none = torch.zeros_like(cells[:, :1])
        return torch.cat([cells, none, cells.mean(dim=1, keepdim=True)], dim=1).contiguous()


class LocalModule(DefendedModule):
    """A local classifier defended by votes or robust masking, as a torch module; made by `defend`."""

    def _new_evaluator(self) -> TorchEvaluator:
        return LocalEvaluator(self.model, self.masks, contract=self.contract)  # type: ignore[arg-type]  # it was made of one


def field_masks(field: ReceptiveField, grid: Grid) -> MaskSet:
    """The masks of the cells of a field; see `maskcover.receptive_fields`."""
    return receptive_fields(field.size, stride=field.stride, padding=field.padding, image_size=grid)


def _looked_up(tables: Sequence[torch.Tensor], pairs: IntArray) -> torch.Tensor:
    """The score of each row: of its cell, of a union of two, or of the whole image."""
    cells = len(tables[0]) - 2
    first, second = pairs.T
    single = (first == second) | (first < 0) | (second < 0)
    places = torch.from_numpy(np.where(single, np.maximum(first, second), cells) % (cells + 2)).to(tables[0].device)
    ends = [row for row in range(1, len(tables)) if tables[row] is not tables[row - 1]]
    runs = pairwise([0, *ends, len(tables)])
    return torch.cat([tables[low].index_select(0, places[low:high]) for low, high in runs])


def _distinct(images: Sequence[torch.Tensor]) -> list[torch.Tensor]:
    return list({id(image): image for image in images}.values())


def _content(image: torch.Tensor) -> bytes:
    array = on_host(image.detach())
    return hashlib.blake2b(np.ascontiguousarray(array).tobytes()).digest()
