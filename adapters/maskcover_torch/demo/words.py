"""The results of the demo in words, for the tables and for the page."""

from __future__ import annotations

from collections.abc import Sequence

from maskcover.defense import Answer
from maskcover_torch.demo.results import PhotoStep


def class_name(names: Sequence[str], label: int) -> str:
    """The name of a label, "no label" for −1.

    >>> class_name(["cat", "dog"], 1), class_name(["cat", "dog"], -1)
    ('dog', 'no label')
    """
    return names[label] if label >= 0 else "no label"


def defended_words(names: Sequence[str], defended: Answer) -> str:
    """A defended label with the case of Algorithm 1, such as "espresso (disagreer, mask 3)"."""
    return str(defended).replace(str(defended.label), class_name(names, defended.label), 1)


def failing_words(names: Sequence[str], step: PhotoStep) -> str:
    """The pair of masks that fails a photo, and the network's label under it; empty if no pair fails."""
    failing = step.verdict.certificate.failing
    if failing is None or step.failing_label is None:
        return ""
    masks = f"mask {failing[0]}" if failing[0] == failing[1] else f"masks {failing[0]} and {failing[1]}"
    return f"with {masks} hidden: {class_name(names, step.failing_label)}"
