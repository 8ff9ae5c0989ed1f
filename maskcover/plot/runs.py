"""Drawings of runs: their fractions side by side."""

from __future__ import annotations

from collections.abc import Mapping

from matplotlib.axes import Axes

from maskcover.plot.figures import BARE, FRAME, HIDDEN, new_axes
from maskcover.runs import Summary

_COLOURS = {"undefended": FRAME, "defended": BARE, "certified": HIDDEN}


def draw_runs(summaries: Mapping[str, Summary], ax: Axes | None = None) -> Axes:
    """Draw the fractions of some runs side by side, with their exact 95 % intervals.

    Args:
        summaries: The summaries by the names to show.
        ax: Where to draw; a new figure by default.
    """
    ax = new_axes(ax)
    for place, name in enumerate(_COLOURS):
        for number, summary in enumerate(summaries.values()):
            figures = summary.document()[name]
            at, value = number + (place - 1) * 0.2, figures["share"]
            ax.plot([at], [value], "o", color=_COLOURS[name], label=name if number == 0 else None)
            if figures["low"] is not None:
                ax.plot([at, at], [figures["low"], figures["high"]], color=_COLOURS[name])
    ax.set_xticks(range(len(summaries)), list(summaries), rotation=20, ha="right", parse_math=False)
    ax.set_ylim(0, 1)
    ax.yaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
    ax.set_ylabel("fraction of images")
    ax.set_xlim(-0.5, len(summaries) - 0.5)
    ax.legend(frameon=False, loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=len(_COLOURS))
    return ax
