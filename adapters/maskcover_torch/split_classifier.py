"""`split`: a network whose front end runs once an image, and whose head runs once a masked prediction (PatchCURE).

Masks hide cells of the grid between the two. A region of pixels can change the cells whose receptive fields it meets.
These cells are ``through(R, classifier.receptive_field(224), source=224)``; masks that cover them defend against R.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, NoReturn

import numpy as np
import numpy.typing as npt
import torch

from maskcover.cells import BoolArray, IntArray
from maskcover.classifiers import Answers
from maskcover.classifiers.evaluation import Images
from maskcover.classifiers.occlusion import Fill as FillValue
from maskcover.classifiers.occlusion import occlusion_of
from maskcover.covering import cover
from maskcover.defense import Procedure
from maskcover.errors import InvalidInput
from maskcover.grid import Grid, ImageSize
from maskcover.masks import Mask, MaskSet, Views
from maskcover.regions import ReceptiveField, RegionSet, parse_regions, through
from maskcover.regions.cell_frame import CellFrame, parts_of
from maskcover_torch.attacks import AttackReport, attack_by_gradient
from maskcover_torch.attacks.cells import SplitScores
from maskcover_torch.batches import fastest_first
from maskcover_torch.classifier import TorchClassifier
from maskcover_torch.evaluator import AsPixels, TorchEvaluator, fill_of, loaded
from maskcover_torch.fields import Ruler, channels_of, state_of
from maskcover_torch.heads import EvidenceMean, TwoParts
from maskcover_torch.module import DefendedModule
from maskcover_torch.numerics import FORMATS, contracted, pinned


def split(
    model: torch.nn.Module,
    at: str,
    *,
    field: ReceptiveField | None = None,
    layout: str | None = None,
    **options: Any,
) -> SplitClassifier:
    """A classifier whose masks hide cells behind one layer of a network, instead of pixels.

    Args:
        model: Takes images (n, channels, height, width); in evaluation mode.
        at: The name of the layer whose output is the cells; all of the head must read the image through it alone.
        field: The receptive field of the cells; by default it is measured. A field that is given is tested.
        layout: How the layer arranges its output; see `maskcover_torch.cells.Cells`.
        **options: As for `TorchClassifier`. `fill` is what a hidden cell becomes: 0, one number, or one for each
            channel of the cells.

    Returns:
        A classifier for `certify`, with masks on the grid of its cells: see `SplitClassifier.cover`.

    Raises:
        InvalidInput: there is no such layer; or, once an image is there, some cell depends on the whole image, or the
            head reads more than the cells.

    Source: C. Xiang et al., "PatchCURE: improving certifiable robustness, model utility, and computation efficiency of
    adversarial patch defenses", USENIX Security 2024.

    >>> net = torch.nn.Sequential(torch.nn.Conv2d(1, 2, 4, stride=4), torch.nn.Flatten(), torch.nn.Linear(72, 3)).eval()
    >>> classifier = split(net, "0")
    >>> classifier.receptive_field(24), classifier.cells(24)
    (ReceptiveField(size=4, stride=4, padding=0), (6, 6))
    >>> print(classifier.cover("squares(size=3)", 24, grid=(2, 2)).regions)
    through(squares(size=3), ReceptiveField(4, 4), source=(24, 24))
    """
    return SplitClassifier(TwoParts(model, at, layout), field=field, **options)


class SplitClassifier(TorchClassifier):
    """A network in two parts, whose masks hide cells; made by `split`, which says what the arguments are."""

    def __init__(self, parts: TwoParts | EvidenceMean, *, field: ReceptiveField | None = None, **options: Any) -> None:
        if "output" in options:
            raise InvalidInput("a split classifier takes no output=; wrap the model so that it returns its scores")
        super().__init__(parts, **options)
        if not isinstance(self.occlusion, FillValue):
            raise InvalidInput(f"a split classifier hides cells, not tokens; got fill={self.occlusion}: name a number")
        if self.contract.compiled:
            raise InvalidInput("a split classifier ends a pass at its layer, which torch.compile cannot; leave it out")
        if field is not None and not isinstance(field, ReceptiveField):
            raise InvalidInput(f"field is a maskcover.ReceptiveField, such as ReceptiveField(17, 8); got {field!r:.60}")
        self.parts = parts
        self._field = field
        self._fields: dict[object, ReceptiveField] = {}

    def receptive_field(self, size: ImageSize | Grid, channels: int | None = None) -> ReceptiveField:
        """The field of the cells on images of a size: measured or tested once for each size and state of the model."""
        height, width = Grid.of(size).shape
        key = (height, width), self.contract, state_of(self.parts)
        if key not in self._fields:
            ruler = self._ruler((height, width), channels or channels_of(self.parts))
            field = self._field or ruler.measured()
            ruler.expect_inside(field)
            self._fields[key] = field
        return self._fields[key]

    def _ruler(self, size: tuple[int, int], channels: int) -> Ruler:
        # Each image goes through the front end alone.
        contract = replace(self.contract, batch_size=1)
        return Ruler(_Front(contracted(self.parts, contract)), size, channels, contract)

    def cells(self, size: ImageSize | Grid) -> tuple[int, int]:
        """(rows, columns) of the cells on images of a size."""
        height, width = Grid.of(size).shape
        return self.receptive_field(size).output((height, width))

    def regions(self, regions: RegionSet | str, size: ImageSize | Grid) -> RegionSet:
        """The cells that regions of pixels can change, on images of a size, as a region set of the cells' grid."""
        return through(parse_regions(regions), self.receptive_field(size), source=Grid.of(size).shape)

    def cover(self, regions: RegionSet | str, size: ImageSize | Grid, **budget: Any) -> MaskSet:
        """Masks on the grid of the cells that cover regions of pixels; budgets as for `maskcover.cover`."""
        return cover(self.regions(regions, size), image_size=self.cells(size), **budget)

    def evaluator(self, masks: MaskSet, example: Any = None, batch_size: int | None = None) -> SplitEvaluator:
        """The classifier with masks of its cells; if there is an example, field and head are tested first."""
        contract = replace(self.contract, batch_size=self.contract.batch_size or batch_size)
        evaluator = SplitEvaluator(self.parts, masks, occlusion=self.occlusion, contract=contract)
        if example is not None:
            self._expect_parts(evaluator.load(example).pixels)
        return evaluator

    def choices(self, masks: MaskSet, example: Any, most: int) -> list[TorchClassifier]:
        """The classifier in several ways to compute the head, the fastest first; see `TorchClassifier.choices`."""
        if self.batch_size is not None:
            return []
        cells = self.evaluator(masks, example).load(example).cells
        return [self._under(contract) for contract in fastest_first(self.parts, self.contract, cells, most)]

    def scores(self, images: Sequence[Any], hidden: npt.NDArray[np.bool_]) -> Any:
        """Scores (n, classes) of n images, with their cells hidden where True: bool (n, rows, columns)."""
        masks = MaskSet.from_array(hidden) if hidden.any() else MaskSet.from_boxes([(0, 0, 1, 1)], hidden.shape[1:])
        contract = replace(self.contract, batch_size=len(images))
        evaluator = SplitEvaluator(self.parts, masks, occlusion=self.occlusion, contract=contract)
        rows = np.arange(len(images)) if hidden.any() else np.full(len(images), -1)
        return evaluator.scores([evaluator.load(image) for image in images], np.stack([rows, rows], axis=1))

    def defended(
        self, masks: MaskSet, *, procedure: Procedure, preprocessing: str, batch_size: int | None = None
    ) -> torch.nn.Module:
        """The `SplitModule` of this model; `batch_size` is used if the contract has none."""
        contract = replace(self.contract, batch_size=self.contract.batch_size or batch_size)
        return SplitModule(
            self.parts, masks, procedure=procedure, preprocessing=preprocessing, fill=self.fill, contract=contract
        )

    def bounded(self, pixels: Any) -> NoReturn:  # noqa: ARG002  # it is the protocol's
        """Raises: interval bounds are of whole networks."""
        raise InvalidInput("interval bounds are of whole networks, which hide pixels; leave split_at out")

    def attacked(self, images: Images, labels: npt.ArrayLike, masks: MaskSet, **options: Any) -> AttackReport:
        """Attack the defended classifier; see `maskcover_torch.attacks.attack_by_gradient`."""
        return attack_by_gradient(self, images, labels, masks, **options)

    def masked_scores(self, masks: MaskSet, views: Views) -> SplitScores:
        """The scores of the head with gradients, which guide attacks; see `maskcover_torch.attacks.masked`."""
        if masks.regions is None:
            raise InvalidInput("an attack on a split classifier needs masks that name their regions: see `cover`")
        drawn, _ = self.drawn(masks, parse_regions(masks.regions))
        return SplitScores(self, masks, drawn, views)

    def drawn(self, masks: MaskSet, regions: RegionSet) -> tuple[MaskSet, RegionSet]:
        """The masks and the regions on images: a mask there has the pixels that reach no cell outside it.

        A region of pixels lies inside such a mask exactly when all cells that it reaches lie inside the mask of cells.
        """
        self.expect_regions(regions)
        way = CellFrame.of(regions)
        if way is None:
            raise InvalidInput(f"an attack on a split classifier takes one region set through its field; got {regions}")
        rows, columns = (
            np.stack([axis.touched(pixel, pixel + 1) for pixel in range(side)])
            for axis, side in zip(way.field.axes(way.sides), way.sides, strict=True)
        )

        def on_images(cells: MaskSet) -> MaskSet:
            shown = (~np.asarray(cells)).astype(int)
            hidden = [(rows.astype(int) @ some @ columns.T.astype(int)) == 0 for some in shown]
            return MaskSet(Grid(way.sides), tuple(map(Mask.from_array, hidden)))

        return on_images(masks).with_levels(*map(on_images, masks.levels)), way.base

    def expect_regions(self, regions: RegionSet, example: Any = None) -> None:
        """Raise `InvalidInput` unless regions are drawn on images, and go through a field with all that cells see.

        Regions that are drawn on the cells themselves are refused: a square of cells is no square of pixels.
        """
        for part in parts_of(regions):
            way = CellFrame.of(part)
            if way is None:
                raise InvalidInput(
                    f"masks of a split classifier hide cells, and regions are drawn on images of pixels: expected "
                    f"classifier.regions({str(part)!r}, size), which takes them through the receptive field of its "
                    f"cells; got {part}"
                )
            if isinstance(example, LoadedCells) and tuple(example.pixels.shape[1:]) != way.sides:
                raise InvalidInput(
                    f"the regions are for images of {Grid(way.sides)} before {way.field}; got images of "
                    f"{Grid(tuple(example.pixels.shape[1:]))}"
                )
            own = self.receptive_field(way.sides)
            if not way.encloses(own):
                raise InvalidInput(
                    f"the regions go through {way.field}, but the cells of this model see {own}; use that"
                )

    def _expect_parts(self, pixels: torch.Tensor) -> None:
        """Test the field of the cells, on this image too, and what the head reads."""
        channels, height, width = pixels.shape
        field = self.receptive_field((height, width), channels)
        self._ruler((height, width), channels).expect_some_inside(field, pixels)
        with pinned(self.contract, pixels.device):
            contracted(self.parts, self.contract).expect_whole(pixels[None])  # type: ignore[operator]  # both kinds have it


@dataclass(frozen=True, slots=True, eq=False)
class LoadedCells(AsPixels):
    """A loaded image: its pixels, and its cells (channels, rows, columns). As a tensor it is its pixels."""

    pixels: torch.Tensor
    cells: torch.Tensor


class SplitEvaluator(TorchEvaluator):
    """A split classifier with masks of its cells, in the form that the engine uses.

    The front end computes each image once, alone, when it is loaded. Probes overwrite hidden cells.
    """

    _shape: tuple[int, ...] | None = None
    """The shape of all images: the field of the cells is that of images of one size."""

    def load(self, image: Any) -> LoadedCells:  # type: ignore[override]  # it is kept with its cells
        """Check an image, and compute its cells."""
        source = image.pixels if isinstance(image, LoadedCells) else image
        size = tuple(source.shape[1:]) if isinstance(source, torch.Tensor | np.ndarray) else ()
        pixels = loaded(source, size, self._place, (0.0,))
        with pinned(self.contract, self._device):
            self.expect_as_before()
            batch = pixels[None].contiguous(memory_format=FORMATS[self._layout])
            cells = self._computed.front(batch)[0]  # type: ignore[operator]  # both kinds of parts have it
        if tuple(cells.shape[1:]) != self.masks.grid.shape:
            own = Grid(tuple(cells.shape[1:]))
            raise InvalidInput(
                f"the masks are for {self.masks.grid} cells, but images of {Grid(size)} have {own} at the layer of the "
                "split; make masks with classifier.cover(regions, size)"
            )
        fill = fill_of(self._occlusion)
        if len(fill) not in (1, len(cells)):
            raise InvalidInput(f"fill has {len(fill)} values; the cells have {len(cells)} channels")
        self._shape = self._shape or tuple(pixels.shape)
        if tuple(pixels.shape) != self._shape:
            raise InvalidInput(f"expected images of shape {self._shape}, as the first; got {tuple(pixels.shape)}")
        return LoadedCells(pixels, cells.clone(memory_format=torch.contiguous_format))

    def reloaded(self, image: LoadedCells) -> LoadedCells:
        """The image with its cells computed anew; see `maskcover.certification.binding.reloaded`."""
        return self.load(image)

    def submit(self, images: Sequence[Any], pairs: IntArray) -> Callable[[], Answers]:
        """See `maskcover.classifiers.Evaluator`."""
        return super().submit([image.cells for image in images], pairs)

    def scores(self, images: Sequence[Any], pairs: IntArray) -> npt.NDArray[np.generic]:
        """See `maskcover.classifiers.Evaluator`."""
        return super().scores([image.cells for image in images], pairs)

    def overwritten(self, image: Any, hidden: BoolArray | None, value: float | None) -> Any:
        """See `maskcover.classifiers.Evaluator`; cells are overwritten."""
        cells = super().overwritten(image.cells, hidden, value)
        return None if cells is None else LoadedCells(image.pixels, cells)

    def mixed(self, image: Any, other: Any, fraction: float) -> Any:
        """A weighted mean of the cells of two loaded images; `fraction` is the weight of the first."""
        return LoadedCells(image.pixels, fraction * image.cells + (1 - fraction) * other.cells)


class SplitModule(DefendedModule):
    """A split classifier with a defence, as a torch module; made by `defend`."""

    def _new_evaluator(self) -> TorchEvaluator:
        return SplitEvaluator(self.model, self.masks, occlusion=occlusion_of(self.fill), contract=self.contract)


class _Front(torch.nn.Module):
    """The front end of a network in two parts, as a module."""

    def __init__(self, parts: torch.nn.Module) -> None:
        super().__init__()
        self.parts = parts
        self.training = parts.training

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """The cells (n, channels, rows, columns)."""
        cells: torch.Tensor = self.parts.front(images)  # type: ignore[operator]  # both kinds of parts have it
        return cells


__all__ = ["LoadedCells", "SplitClassifier", "SplitEvaluator", "SplitModule", "split"]
