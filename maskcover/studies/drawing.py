"""Drawings of studies as PNG and SVG, by matplotlib without pyplot; equal studies give equal files."""

from __future__ import annotations

import warnings
from io import BytesIO

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from maskcover.plot import BARE, FRAME, HIDDEN, png
from maskcover.studies.study import Curve, Panel, Study
from maskcover.terminal import printable

# Okabe and Ito's colours, after those of the other drawings: for any kind of colour vision.
_COLOURS = (HIDDEN, BARE, "#009e73", "#cc79a7", "#e69f00", "#56b4e9", FRAME)
_MARKERS = "osD^vPX"
_LONGEST = 60  # characters of a name in a drawing
_MOST_MARKED = 30  # points of a line that are marked


def drawn(study: Study) -> tuple[bytes, bytes]:
    """The drawing of a study, as the bytes of a PNG and of an SVG.

    >>> from maskcover.studies import Curve, Panel, Study
    >>> panel = Panel("side, px", "images, %", (Curve("certified", (1, 2), (0.75, 0.5)),))
    >>> study = Study("sizes", "Sizes", "Figure 8", "the side", ({"side": 1}, {"side": 2}), (panel,))
    >>> [content[:5] for content in drawn(study)]
    [b'\\x89PNG\\r', b'<?xml']
    """
    # A name with $ is no formula; the same salt gives the same file.
    with (
        warnings.catch_warnings(),
        rc_context({"svg.hashsalt": "maskcover", "svg.fonttype": "none", "text.parse_math": False}),
    ):
        warnings.filterwarnings("ignore", message="Glyph .* missing")  # a name in letters that the font lacks
        figure = _figure(study)
        stream = BytesIO()
        figure.savefig(stream, format="svg", bbox_inches="tight", metadata={"Date": None, "Creator": None})
        return png(figure, dpi=110), stream.getvalue()


def draw_panel(panel: Panel, ax: Axes) -> Axes:
    """Draw the curves of a panel on axes, and return the axes."""
    if any(isinstance(x, str) for curve in panel.curves for x in curve.x):
        _bars(panel, ax)
    else:
        for number, curve in enumerate(panel.curves):
            _line(curve, number, panel, ax)
    if panel.percent:
        ax.set_ylim(0, 105)
    else:
        ax.set_ylim(bottom=0)
    ax.set_xlabel(panel.x_label)
    ax.set_ylabel(panel.y_label)
    ax.grid(color=FRAME, alpha=0.25)
    if len(panel.curves) > 1:
        ax.legend(frameon=False, fontsize=8)
    return ax


def _figure(study: Study) -> Figure:
    figure = Figure(figsize=(5.2 * len(study.panels), 4), layout="constrained")
    axes = figure.subplots(1, len(study.panels), squeeze=False)[0]
    for panel, ax in zip(study.panels, axes, strict=True):
        draw_panel(panel, ax)
    figure.suptitle(_shown(study.title), fontsize=11)
    return figure


def _line(curve: Curve, number: int, panel: Panel, ax: Axes) -> None:
    scale = 100 if panel.percent else 1
    xs = [100 * float(x) if panel.percent_x else float(x) for x in curve.x]
    marker = _MARKERS[number % len(_MARKERS)]
    style = {
        "line": {"marker": marker if len(xs) <= _MOST_MARKED else "", "markersize": 4, "linewidth": 1.5},
        "steps": {"drawstyle": "steps-pre", "linewidth": 1.5},
        "points": {"marker": marker, "markersize": 6, "linestyle": "none"},
    }[curve.style]
    colour = _COLOURS[number % len(_COLOURS)]
    ax.plot(xs, [scale * y for y in curve.y], color=colour, label=_shown(curve.name), **style)  # type: ignore[arg-type]


def _bars(panel: Panel, ax: Axes) -> None:
    """Groups of bars, one group for each x and one bar for each curve."""
    names = list(dict.fromkeys(str(x) for curve in panel.curves for x in curve.x))
    scale, width = 100 if panel.percent else 1, 0.8 / len(panel.curves)
    for number, curve in enumerate(panel.curves):
        places = [names.index(str(x)) + (number - (len(panel.curves) - 1) / 2) * width for x in curve.x]
        colour = _COLOURS[number % len(_COLOURS)]
        ax.bar(places, [scale * y for y in curve.y], width, color=colour, label=_shown(curve.name))
    ax.set_xticks(range(len(names)), [_shown(name) for name in names], rotation=20, ha="right", fontsize=8)


def _shown(name: str) -> str:
    """A name as a drawing shows it: on one line, of a bounded length, and never without an entry in the legend."""
    text = printable(name)
    text = text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
    return f" {text}" if text.startswith("_") else text
