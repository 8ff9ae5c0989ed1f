"""Reference scores in a run: kept when it starts, compared when it goes on, and what it certified, to be served."""

from __future__ import annotations

import warnings
from os import PathLike
from pathlib import Path
from typing import Any

from maskcover.certification import Certified
from maskcover.engine.preparation import PreparedRun
from maskcover.errors import InvalidInput, MaskcoverWarning
from maskcover.runs.folder import Config, Folder

NOT_KEPT = "the run kept no reference scores: hooks, flags and the like of the model could not be compared"


def reference_told(start: PreparedRun) -> dict[str, Any]:
    """The reference scores, for a run to keep."""
    return {} if start.reference is None else {"reference": start.reference.document()}


def changed_scores(config: Config, start: PreparedRun, *, same_images: bool = True) -> tuple[str, ...]:
    """How what evaluates now scores the reference batch otherwise than the run did when it started.

    The first image is compared only if it can be seen to be that of then, or is known to be.
    """
    before = config.reference
    if before is None or (start.reference is not None and start.reference.document() == before.document()):
        return ()  # an equal one was compared when the run was made ready
    comparable = same_images or before.pixels
    return before.differences(before.again(start.evaluator, start.example if comparable else None))


def expect_scored(path: Path, config: Config, start: PreparedRun) -> None:
    """Raise `InvalidInput` if a run would go on with a model that scores otherwise, whatever its fingerprint says."""
    changed = changed_scores(config, start)
    if changed:
        raise InvalidInput(
            f"{path} holds a run of another configuration ({'; '.join(changed)}): the fingerprint is the same, so look "
            "for hooks, flags and attributes of the model, or files beside it; name another folder, or go on with the "
            "old configuration"
        )
    if config.reference is None and start.reference is not None:
        warnings.warn(f"{path}: {NOT_KEPT}", MaskcoverWarning, stacklevel=4)


def certified(out: str | PathLike[str]) -> Certified:
    """What a run certified, for `defend(model, certified(out))` and `predict(model, images, certified(out))`.

    Raises:
        InvalidInput: no run, or one whose files do not fit together.
    """
    folder = Folder(Path(out))
    config = folder.existing()
    return Certified(folder.masks(config), config.procedure, config.fingerprint, config.batch_size, config.reference)
