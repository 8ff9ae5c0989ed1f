"""Orders: the configuration and the masks of a run, for processes that make its shards without its folder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from maskcover.errors import InvalidInput
from maskcover.masks import MaskSet
from maskcover.runs.config import Config
from maskcover.runs.documents import ODD
from maskcover.runs.folder import Folder


@dataclass(frozen=True, slots=True, eq=False)
class Order:
    """The configuration of a run with its masks; a process that has them makes shards like those of all others.

    Args:
        config: The configuration, as in run.json.
        masks: Its masks; None in a folder that lacks them, as where a run was stopped at its very start.
    """

    config: Config
    masks: MaskSet | None

    @classmethod
    def there(cls, folder: Folder) -> Order | None:
        """The order of the run in a folder; None if there is no run yet."""
        config = folder.config()
        if config is None:
            return None
        return cls(config, folder.masks(config) if folder.has_masks else None)

    def document(self) -> dict[str, Any]:
        """The order as JSON, sealed by the digest of run.json."""
        return {
            "config": self.config.sealed().document,
            "masks": None if self.masks is None else self.masks.to_json(),
        }

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Order:
        """The order in a document.

        Raises:
            InvalidInput: the document is damaged or was edited.
        """
        try:
            config = Config.checked(document["config"])
            masks = None if document["masks"] is None else MaskSet.from_json(document["masks"])
        except ODD as error:
            raise InvalidInput(f"the order of a run cannot be read ({error}); send it as `order` gave it") from error
        if masks is not None and masks.digest != config.document["masks"]:
            raise InvalidInput("the order of a run has other masks than its configuration; send it as `order` gave it")
        return cls(config, masks)
