"""`Reported`: the methods of a finished run that write a report about it."""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike

from maskcover.canonical import write_atomically
from maskcover.classifiers.evaluation import Images
from maskcover.notebooks import paragraph
from maskcover.report import Facts, to_html, to_markdown
from maskcover.runs.finished import FinishedRun
from maskcover.runs.own_images import image_sources
from maskcover.runs.reporting import facts_of

IMAGES = 9
"""Images that a report shows by default: three of the worst, the median and the best each."""


class Reported:
    """Mixin: reports about a finished run, as facts, HTML or Markdown."""

    __slots__ = ()

    def _repr_html_(self: FinishedRun) -> str:
        """The counts, for notebooks."""
        about = f"{self.path.name}: against {self.regions}, by {self.procedure.words}"
        return paragraph(about) + self.summary()._repr_html_()

    def facts(
        self: FinishedRun,
        *,
        images: Images | None = None,
        show: int = IMAGES,
        class_names: Sequence[str] | None = None,
    ) -> Facts:
        """The facts of a report about the run: claim, counts, curves, classes, images; see docs/how-to/report.md.

        Args:
            images: The images of the run in the order of `ids`, as the model takes them, or a `Dataset`; by default
                the data that the run names are opened again, without the model.
            show: Number of images to show, chosen by a fixed rule; 0 for data that may not leave.
            class_names: Names of the classes in the order of their numbers; by default those of the data.

        An image is shown only if its pixels have the digest that its row keeps.

        Raises:
            InvalidInput: there are no rows, rows contradict the predictions that they keep, or `images` has another
                length.

        >>> import tempfile
        >>> import numpy as np
        >>> import maskcover as mc
        >>> def brightness(images):
        ...     mean = images.mean(axis=(1, 2))
        ...     return np.stack([0.5 - mean, mean - 0.5], axis=1)
        >>> masks = mc.cover(mc.squares(size=3), image_size=12, grid=(3, 3))
        >>> with tempfile.TemporaryDirectory() as out:
        ...     summary = mc.run(brightness, np.ones((2, 12, 12)), [1, 0], masks, out, batch_size=4, fill=0.5)
        ...     facts = mc.open_run(out).facts()
        >>> facts.outcome
        'This is proved for 1 of 2 images (50.0 %; 95 % interval 1.2 % to 98.8 %).'
        """
        return facts_of(self, image_sources(self.parts, images), show, class_names)

    def write_html(
        self: FinishedRun,
        path: str | PathLike[str],
        *,
        images: Images | None = None,
        show: int = IMAGES,
        class_names: Sequence[str] | None = None,
    ) -> None:
        """Write the report as one self-contained HTML file, atomically; arguments and errors are those of `facts`.

        Raises:
            MissingExtra: jinja2 or Pillow is not installed.
        """
        facts = facts_of(self, image_sources(self.parts, images), show, class_names)
        write_atomically(path, to_html(facts).encode("utf-8"))

    def write_markdown(
        self: FinishedRun,
        path: str | PathLike[str],
        *,
        images: Images | None = None,
        show: int = IMAGES,
        class_names: Sequence[str] | None = None,
    ) -> None:
        """Write the report as Markdown, which tells of images but does not hold them; arguments as for `facts`."""
        facts = facts_of(self, image_sources(self.parts, images), show, class_names)
        write_atomically(path, to_markdown(facts).encode("utf-8"))
