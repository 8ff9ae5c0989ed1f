"""The drawing of a choice: the certified fraction of each candidate against its cost."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

from maskcover.choosing import Assessment, Choice
from maskcover.choosing.budget import WORDS
from maskcover.choosing.ranking import cost_measure
from maskcover.plot.figures import BARE, FRAME, HIDDEN, new_axes


def draw_choice(choice: Choice, ax: Axes | None = None) -> Axes:
    """Draw the certified fraction against the cost: all candidates with 95 % intervals, the Pareto front, the winner.

    The fractions are those of the images that chose, so that the winner's is optimistic.

    Args:
        choice: The result of `maskcover.choose`.
        ax: Where to draw; a new figure by default.

    >>> import numpy as np
    >>> import maskcover as mc
    >>> def brightness(images):
    ...     mean = images.mean(axis=(1, 2))
    ...     return np.stack([0.5 - mean, mean - 0.5], axis=1)
    >>> images = np.stack([np.zeros((12, 12)), np.ones((12, 12))])
    >>> texts = ["grid(2, 2)", "grid(3, 3)"]
    >>> choice = mc.choose(brightness, images, [0, 1], "squares(size=3)", candidates=texts, fill=0.5)
    >>> draw_choice(choice).get_xlabel()
    'masked predictions an image when serving'
    """
    ax = new_axes(ax)
    measure, over = cost_measure(choice.budget)
    efficient = choice.front

    def points(assessments: tuple[Assessment, ...]) -> tuple[list[float], list[float]]:
        costs = [assessment.cost(measure, over) for assessment in assessments]
        return costs, [100 * assessment.certified_fraction for assessment in assessments]

    costs, fractions = points(choice.ranking)
    intervals = [assessment.certified_interval for assessment in choice.ranking]
    below = [fraction - 100 * low for fraction, (low, _) in zip(fractions, intervals, strict=True)]
    above = [100 * high - fraction for fraction, (_, high) in zip(fractions, intervals, strict=True)]
    ax.errorbar(costs, fractions, yerr=[below, above], fmt="o", color=FRAME, markersize=4, linewidth=0.8, zorder=1)
    ax.plot(*points(efficient), color=HIDDEN, marker="o", drawstyle="steps-post", label="Pareto front")
    ax.plot(*points((choice.winner,)), color=BARE, marker="D", linestyle="", label=f"chosen: {choice.winner.candidate}")
    if choice.budget is not None:
        ax.axvline(choice.budget.amount, color=BARE, linestyle="--", linewidth=1, label=str(choice.budget))
    ax.set(xscale="log", xlabel=WORDS[measure], ylabel="certified, % of the images that chose")
    ax.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    ax.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    ax.xaxis.set_minor_formatter(NullFormatter())
    ax.set_title(f"{choice.regions}, {len(choice.images):,} images")
    ax.grid(color=FRAME, alpha=0.25)
    ax.legend(loc="lower right", frameon=False)
    return ax
