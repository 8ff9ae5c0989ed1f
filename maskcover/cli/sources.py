"""Where a command's model and data come from, in words that a run can keep and read again."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from maskcover.cli.reading import read_model, read_numbers
from maskcover.defense import NumericContract
from maskcover.errors import InvalidInput
from maskcover.grid import Grid
from maskcover.runs.images import ImageFiles, Preprocessing, Sample, labelled_csv, labelled_folder

if TYPE_CHECKING:
    from maskcover.cells import IntArray


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

    def samples(self) -> tuple[Sample, ...]:
        """The labelled files."""
        folder = Path(self.data)
        found = labelled_csv(Path(self.labels), folder) if self.labels else labelled_folder(folder)
        return found[: self.limit]

    def images(self, samples: tuple[Sample, ...], grid: Grid) -> ImageFiles:
        """The files as the model takes them."""
        return image_files(samples, grid, self.mean, self.std)

    def ids(self, samples: tuple[Sample, ...]) -> list[str]:
        """The files' paths within the folder."""
        return [sample.path.relative_to(self.data).as_posix() for sample in samples]


def true_labels(samples: tuple[Sample, ...]) -> IntArray:
    """The labels of samples that have them."""
    return np.array([sample.label for sample in samples], dtype=np.int64)


def image_files(samples: tuple[Sample, ...], grid: Grid, mean: str, std: str) -> ImageFiles:
    """Files with the preprocessing that was typed."""
    if grid.ndim != 2:
        raise InvalidInput(f"image files have two dimensions; the masks are for {grid}")
    size = grid.shape[0], grid.shape[1]
    preprocessing = Preprocessing(size, read_numbers(mean, "--mean"), read_numbers(std, "--std"))
    return ImageFiles(tuple(sample.path for sample in samples), preprocessing)
