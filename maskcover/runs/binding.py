"""Reference scores of a run: kept at its start, compared when it continues; and its certification, to be served."""

from __future__ import annotations

import warnings
from os import PathLike
from pathlib import Path
from typing import Any

from maskcover.certification import Certified
from maskcover.engine.preparation import PreparedRun
from maskcover.errors import InvalidInput, MaskcoverWarning
from maskcover.runs.config import Config
from maskcover.runs.folder import Folder

NOT_KEPT = "the run kept no reference scores: hooks and flags of the model could not be compared"


def reference_entry(start: PreparedRun) -> dict[str, Any]:
    """The reference scores, for a run to keep."""
    return {} if start.reference is None else {"reference": start.reference.document()}


def changed_scores(config: Config, start: PreparedRun, *, same_images: bool = True) -> tuple[str, ...]:
    """The differences between the reference scores of the run and those of the present model, in words.

    The first image is compared only if it is known to be the same, or its digest can be compared.
    """
    before = config.reference
    if before is None or (start.reference is not None and start.reference.document() == before.document()):
        return ()  # an equal one was compared when the run was prepared
    comparable = same_images or before.pixels
    return before.differences(before.again(start.evaluator, start.example if comparable else None))


def expect_scored(path: object, config: Config, start: PreparedRun) -> None:
    """Raise `InvalidInput` if the reference scores changed, whatever the fingerprint says."""
    changed = changed_scores(config, start)
    if changed:
        raise InvalidInput(
            f"{path} holds a run of another configuration ({'; '.join(changed)}): the fingerprint is the same, so look "
            "for hooks, flags and attributes of the model, or files beside it; name another folder, or continue with "
            "the old configuration"
        )
    if config.reference is None and start.reference is not None:
        warnings.warn(f"{path}: {NOT_KEPT}", MaskcoverWarning, stacklevel=4)


def certified(out: str | PathLike[str]) -> Certified:
    """The certification of a run, for `defend(model, certified(out))` and `predict(model, images, certified(out))`.

    Raises:
        InvalidInput: the folder holds no run, or its files do not fit together.
    """
    folder = Folder(Path(out))
    config = folder.existing()
    return Certified(folder.masks(config), config.procedure, config.fingerprint, config.batch_size, config.reference)
