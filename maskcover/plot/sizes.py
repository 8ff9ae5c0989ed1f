"""The certified-size curve of a finished run."""

from __future__ import annotations

from matplotlib.axes import Axes

from maskcover.errors import InvalidInput
from maskcover.plot.figures import FRAME, HIDDEN, new_axes
from maskcover.runs import CertifiedSizes
from maskcover.terminal import counted


def draw_certified_sizes(sizes: CertifiedSizes, ax: Axes | None = None) -> Axes:
    """Draw the fraction of images certified over the size of the regions; the paper's Figure 8 for one defence.

    The line is what the rows certify. Where they cannot tell, the true curve lies in the shaded area above it.

    Args:
        sizes: The result of ``run.certified_size()``.
        ax: Where to draw; a new figure by default.

    Raises:
        InvalidInput: the masks cover regions of no size.

    >>> import numpy as np
    >>> sizes = CertifiedSizes("squares", 1, np.array([0, 3, 5]), np.array([0, 4, 5]), 6)
    >>> draw_certified_sizes(sizes).get_xlabel()
    'side in pixels'
    """
    if not sizes.limit:
        raise InvalidInput(f"the masks cover {sizes.family} of no size, so that there is no curve to draw")
    ax = new_axes(ax)
    places, low, high = sizes.curve()
    x = [0, *places.tolist()]
    least, most = ([100 * values[0], *(100 * values).tolist()] for values in (low, high))
    # The fraction at a size holds from the size before on.
    if not sizes.exact:
        ax.fill_between(x, least, most, step="pre", color=HIDDEN, alpha=0.25, linewidth=0, label="the rows cannot tell")
    ax.plot(x, least, color=HIDDEN, linewidth=1.5, drawstyle="steps-pre", label="certified")
    unit = "side" if sizes.family == "squares" else "area"
    ax.set(xlim=(0, sizes.limit + 1), ylim=(0, 105), xlabel=f"{unit} in pixels", ylabel="images, %")
    many = f"{sizes.patches} " if sizes.patches > 1 else ""
    ax.set_title(f"{many}{sizes.family}, {counted(len(sizes.largest), 'image')}")
    ax.grid(color=FRAME, alpha=0.25)
    if not sizes.exact:
        ax.legend(loc="lower left", frameon=False)
    return ax
