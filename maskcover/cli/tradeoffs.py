"""The commands about what is possible: frontier, bound."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from maskcover.cli.geometry import Json, document
from maskcover.cli.output import answer
from maskcover.cli.reading import read_sides, read_size

if TYPE_CHECKING:
    from maskcover.masks import MaskSet

Regions = Annotated[str, typer.Argument(help='What the attacker may overwrite, such as "rectangles(area=0.01)".')]
ImageSize = Annotated[str, typer.Option(help="Pixels: 224, or 480x640 for height x width.")]
Picture = Annotated[Path | None, typer.Option("--output", "-o", help="Draw it to this PNG.")]


def frontier(
    regions: Regions,
    image_size: ImageSize = "224",
    most_masks: Annotated[int, typer.Option(min=1, help="Where to stop.")] = 150,
    align: Annotated[int, typer.Option(min=1, help="Edges of masks lie at multiples of so many pixels.")] = 1,
    output: Picture = None,
    as_json: Json = False,
) -> None:
    """The trade-off of masks, two-mask evaluations and largest hidden area: verified covers, few masks to many."""
    from maskcover.covering import frontier as trade_off

    found = trade_off(regions, read_size(image_size), most_masks=most_masks, align=align)
    if output:
        from maskcover.plot import draw_frontier, save_drawing

        save_drawing(output, lambda ax: draw_frontier(found, ax))
    answer({"regions": found[0].regions, "frontier": list(map(document, found))}, _table(found), as_json=as_json)


def bound(
    regions: Regions,
    image_size: ImageSize = "224",
    max_mask_area: Annotated[str | None, typer.Option(help="Masks of at most 4902px, or 0.1 of the image.")] = None,
    max_mask_shape: Annotated[str | None, typer.Option(help="Or masks in boxes of at most 64x64.")] = None,
    time_limit: Annotated[float, typer.Option(min=0, help="Seconds to look for a better proof.")] = 10.0,
    output: Picture = None,
    as_json: Json = False,
) -> None:
    """How many masks every cover needs, with the placements that prove it."""
    from maskcover.covering import lower_bound

    shape = None if max_mask_shape is None else read_sides(max_mask_shape)
    found = lower_bound(
        regions, read_size(image_size), max_mask_area=max_mask_area, max_mask_shape=shape, time_limit=time_limit
    )
    if output:
        from maskcover.plot import draw_bound, save_drawing

        save_drawing(output, lambda ax: draw_bound(found, ax))
    witness = [[*box.start, *box.extents, weight] for box, weight in zip(found.placements, found.weights, strict=True)]
    said = {"regions": str(found.regions), "image_size": list(found.grid.shape), "at_least": found.masks}
    answer(said | {"denominator": found.denominator, "witness": witness}, [str(found)], as_json=as_json)


def _table(found: tuple[MaskSet, ...]) -> list[str]:
    rows = [
        f"{len(one):>7,}  {one.evaluations:>11,}  {one.largest_hidden_area:>11,} px"
        f"  {one.largest_hidden_area / one.grid.size:>7.2%}"
        for one in found
    ]
    return [f"{found[0].regions} on {found[0].grid}", "  masks  evaluations  largest hidden area", *rows]
