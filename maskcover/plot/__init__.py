"""Drawings of mask sets, witnesses, certified placements and certified sizes; they need the extra `plot`.

Figures are made without pyplot, so there is no display and no global state. Every function draws on given axes, or on
those of a new figure. No other part of maskcover imports this package.
"""

from maskcover.errors import MissingExtra, install_hint

try:
    from maskcover.plot.choosing import draw_choice
    from maskcover.plot.defense import (
        draw_detection,
        draw_one_mask_labels,
        draw_pairs,
        draw_placements,
        save_explanation,
    )  # fmt: skip
    from maskcover.plot.figures import BARE, FRAME, HIDDEN, percent_down, png, save_drawing
    from maskcover.plot.geometry import draw_bound, draw_frontier, draw_masks, draw_tiling, draw_witness, save
    from maskcover.plot.runs import draw_runs
    from maskcover.plot.sizes import draw_certified_sizes
except ImportError as error:
    raise MissingExtra(f"drawings need matplotlib ({error}); {install_hint('plot')}") from error

__all__ = [
    "BARE",
    "FRAME",
    "HIDDEN",
    "draw_bound",
    "draw_certified_sizes",
    "draw_choice",
    "draw_detection",
    "draw_frontier",
    "draw_masks",
    "draw_one_mask_labels",
    "draw_pairs",
    "draw_placements",
    "draw_runs",
    "draw_tiling",
    "draw_witness",
    "percent_down",
    "png",
    "save",
    "save_drawing",
    "save_explanation",
]
