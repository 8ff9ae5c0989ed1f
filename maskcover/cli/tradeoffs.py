"""The commands about what is possible: frontier, bound."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from maskcover.cli.geometry import Json, document
from maskcover.cli.output import answer
from maskcover.errors import InvalidInput
from maskcover.typed import read_sides, read_size

if TYPE_CHECKING:
    from maskcover.masks import MaskSet

Regions = Annotated[str, typer.Argument(help='What the attacker may overwrite, such as "rectangles(area=0.01)".')]
ImageSize = Annotated[str, typer.Option(help="Image size in pixels: 224, or 480x640 for height x width.")]
Drawing = Annotated[Path | None, typer.Option("--output", "-o", help="Draw the result to this PNG.")]


def frontier(
    regions: Regions,
    image_size: ImageSize = "224",
    most_masks: Annotated[int, typer.Option(min=1, help="Stop at this number of masks.")] = 150,
    align: Annotated[int, typer.Option(min=1, help="Put the edges of masks at multiples of N pixels.")] = 1,
    output: Drawing = None,
    as_json: Json = False,
) -> None:
    """List verified covers from few masks to many: their number, two-mask evaluations and largest hidden area."""
    from maskcover.covering import frontier as trade_off

    covers = trade_off(regions, read_size(image_size), most_masks=most_masks, align=align)
    if output:
        from maskcover.plot import draw_frontier, save_drawing

        save_drawing(output, lambda ax: draw_frontier(covers, ax))
    answer({"regions": covers[0].regions, "frontier": list(map(document, covers))}, _table(covers), as_json=as_json)


def bound(
    regions: Regions,
    image_size: ImageSize = "224",
    max_mask_area: Annotated[
        str | None, typer.Option(help="Masks hide at most this: 4902px, or 0.1 (of the image).")
    ] = None,
    max_mask_shape: Annotated[
        str | None, typer.Option(help="Or: each mask lies in a box of at most this size, such as 64x64.")
    ] = None,
    any_shape: Annotated[
        bool, typer.Option("--any-shape", help="Masks may have any form; needs --max-mask-area.")
    ] = False,
    time_limit: Annotated[float, typer.Option(min=0, help="Seconds to look for a better proof.")] = 10.0,
    output: Drawing = None,
    as_json: Json = False,
) -> None:
    """Compute how many masks every cover needs at least, with the placements that prove it."""
    from maskcover.covering import lower_bound

    shape = None if max_mask_shape is None else read_sides(max_mask_shape)
    if any_shape:
        _bound_of_any_shape(regions, read_size(image_size), max_mask_area, shape, time_limit, output, as_json=as_json)
        return
    least = lower_bound(
        regions, read_size(image_size), max_mask_area=max_mask_area, max_mask_shape=shape, time_limit=time_limit
    )
    if output:
        from maskcover.plot import draw_bound, save_drawing

        save_drawing(output, lambda ax: draw_bound(least, ax))
    witness = [[*box.start, *box.extents, weight] for box, weight in zip(least.placements, least.weights, strict=True)]
    figures = {"regions": str(least.regions), "image_size": list(least.grid.shape), "at_least": least.masks}
    answer(
        figures | {"denominator": least.denominator, "witness": witness, "spans": least.spans},
        [str(least)],
        as_json=as_json,
    )


def _bound_of_any_shape(
    regions: str,
    size: int | tuple[int, ...],
    area: str | None,
    shape: tuple[int, ...] | None,
    time_limit: float,
    output: Path | None,
    *,
    as_json: bool,
) -> None:
    """Answer for masks of any form, whose proof is a weight for each shape and cannot be drawn."""
    from maskcover.covering import lower_bound

    if output:
        raise InvalidInput("the proof for masks of any form is a table of weights, not a drawing; leave out --output")
    least = lower_bound(regions, size, max_mask_area=area, max_mask_shape=shape, any_shape=True, time_limit=time_limit)
    witness = [[[*extents, weight] for extents, weight in weights] for weights in least.weights]
    figures = {"regions": str(least.regions), "image_size": list(least.grid.shape), "at_least": least.masks}
    answer(figures | {"values": list(map(str, least.values)), "witness": witness}, [str(least)], as_json=as_json)


def _table(covers: tuple[MaskSet, ...]) -> list[str]:
    rows = [
        f"{len(masks):>7,}  {masks.evaluations:>11,}  {masks.largest_hidden_area:>11,} px"
        f"  {masks.largest_hidden_area / masks.grid.size:>7.2%}"
        for masks in covers
    ]
    return [f"{covers[0].regions} on {covers[0].grid}", "  masks  evaluations  largest hidden area", *rows]
