"""Where a command's model and data come from, in words that a run can keep and read again."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from maskcover.cli.reading import read_model, read_numbers
from maskcover.data import Dataset, Prepared, Preprocessing, open_dataset
from maskcover.defense import NumericContract
from maskcover.errors import InvalidInput
from maskcover.grid import Grid
from maskcover.regions import Fit


@dataclass(frozen=True, slots=True)
class Source:
    """The options that say what is certified: model, data, preprocessing and numerics, as they were typed."""

    model: str
    data: str
    labels: str | None = None
    mean: str = "0"
    std: str = "1"
    fill: float | None = None
    batch_size: int | None = None
    dtype: str | None = None
    memory_format: str | None = None
    tf32: bool = False
    compiled: bool = False
    limit: int | None = None
    split: str | None = None
    classes: str | None = None
    sample: int | None = None
    seed: int = 0

    @classmethod
    def of(cls, document: dict[str, Any], where: Path) -> Source:
        """The source that a run kept."""
        names = {field.name for field in fields(cls)}
        if not {"model", "data"} <= document.keys() <= names:
            raise InvalidInput(f"{where} was not started by `maskcover certify --out`; use the Python function instead")
        return cls(**document)

    def document(self) -> dict[str, Any]:
        """For a run to keep."""
        return asdict(self)

    def options(self) -> dict[str, Any]:
        """What the model's adapter is told; nothing that was not asked for."""
        contract = NumericContract(self.dtype, self.tf32, self.memory_format, self.compiled, self.batch_size)  # type: ignore[arg-type]  # checked there
        told = {"fill": self.fill, "contract": None if contract == NumericContract() else contract}
        return {name: value for name, value in told.items() if value is not None}

    def load_model(self) -> Any:
        """The model."""
        return read_model(self.model)

    def dataset(self) -> Dataset:
        """The pictures, and their labels if there are any."""
        return open_dataset(
            self.data, split=self.split, labels=self.labels, classes=self.classes,
            limit=self.limit, sample=self.sample, seed=self.seed,
        )  # fmt: skip

    def images(self, dataset: Dataset, grid: Grid) -> Prepared:
        """The pictures as the model takes them."""
        if grid.ndim != 2:
            raise InvalidInput(f"pictures have two dimensions; the masks are for {grid}")
        fit = Fit((grid.shape[0], grid.shape[1]))
        return dataset.prepared(
            Preprocessing((fit,), read_numbers(self.mean, "--mean"), read_numbers(self.std, "--std"))
        )
