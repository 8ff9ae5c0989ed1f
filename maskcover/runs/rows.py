"""Rows of a run: one for each image, made of its verdict and kept in Parquet files."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from types import ModuleType
from typing import Any, Literal, cast

from maskcover.classifiers import UNDECIDED
from maskcover.defense import Verdict
from maskcover.engine import Failed
from maskcover.errors import MissingExtra, install_hint
from maskcover.masks import MaskSet
from maskcover.regions import RegionSet


@dataclass(frozen=True, slots=True)
class Row:
    """The result for one image, as a run keeps it.

    Args:
        id: The sample's id.
        label: The true label.
        undefended, defended: Labels of the bare classifier and of the defence; −1 for no label, or for an alert.
        case: The case of the defence that led to its label; empty for an error.
        verdict: "certified", "not_certified" or "error".
        reason: The reason for an error; else empty.
        share: The fraction of the attacker's placements that is certified; 0 for an error.
        lead: The smallest margin of the predictions behind the certificate (see `maskcover.classifiers.margins`).
        failing: Two masks under which the image did not get its label; none if it certifies.
        evaluations: Number of masked predictions.
        pixels: The digest of the image as the classifier got it (see `pixel_digest`); empty if there is none: the
            image could not be read or is no array, or the row is of a run from before there were digests.
    """

    id: str
    label: int
    undefended: int
    defended: int
    case: str
    verdict: Literal["certified", "not_certified", "error"]
    reason: str
    share: float
    lead: float
    failing: tuple[int, int] | None
    evaluations: int
    pixels: str = ""

    @property
    def certified(self) -> bool:
        """Whether no attack within the regions changes the defended label, which is the true one."""
        return self.verdict == "certified"

    @property
    def wrong(self) -> bool:
        """Whether it does not certify and has another label than the true one without the defence as well."""
        return self.verdict == "not_certified" and self.undefended != self.label

    def document(self) -> dict[str, Any]:
        """The row as JSON for the digest of a shard; `pixels` is left out if it is empty."""
        return {name: value for name, value in asdict(self).items() if name != "pixels" or value}


def row_of(
    sample: str, label: int, outcome: Verdict | Failed, masks: MaskSet, regions: RegionSet, pixels: str = ""
) -> Row:
    """The row of a verdict, or of an image that could not be decided."""
    if isinstance(outcome, Failed):
        return Row(sample, label, UNDECIDED, UNDECIDED, "", "error", _text(outcome), 0.0, 0.0, None, 0, pixels)
    certificate, answer = outcome.certificate, outcome.defended
    return Row(
        sample,
        label,
        outcome.undefended,
        outcome.answer,
        answer.case.value,
        outcome.name,
        outcome.error or "",
        0.0 if outcome.error else _certified_fraction(outcome, masks, regions),
        outcome.margin,
        certificate.failing,
        outcome.evaluations,
        pixels,
    )


def table_of(rows: list[Row], metadata: dict[str, str]) -> Any:
    """The rows as a `pyarrow.Table`."""
    arrow = pyarrow()
    documents = [asdict(row) | {"failing": row.failing and list(row.failing)} for row in rows]
    return arrow.Table.from_pylist(documents, schema=_schema(arrow).with_metadata(metadata))


def rows_of(table: Any) -> list[Row]:
    """The rows of a table of `table_of`."""
    documents = table.to_pylist()
    return [
        Row(**(document | {"failing": document["failing"] and tuple(document["failing"])})) for document in documents
    ]


def pyarrow() -> ModuleType:
    """The module, or an error that names the extra."""
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise MissingExtra(f"runs are kept as Parquet, by pyarrow; {install_hint('runs')}") from error
    return cast("ModuleType", pyarrow)


def _schema(arrow: ModuleType) -> Any:
    whole, text, real = arrow.int64(), arrow.string(), arrow.float64()
    kinds = {"id": text, "label": whole, "undefended": whole, "defended": whole, "case": text, "verdict": text}
    kinds |= {"reason": text, "share": real, "lead": real, "failing": arrow.list_(whole), "evaluations": whole}
    kinds |= {"pixels": text}
    return arrow.schema(kinds)


def _text(failure: Failed) -> str:
    """The reason in characters that UTF-8 can encode: the name of a file may hold half a character."""
    return str(failure).encode("utf-8", "backslashreplace").decode()


def _certified_fraction(verdict: Verdict, masks: MaskSet, regions: RegionSet) -> float:
    from maskcover.covering.placements import covered_fraction

    if verdict.certificate.certified:
        return 1.0
    certifying = tuple(masks[number] for number in verdict.certificate.certifying)
    return float(covered_fraction(MaskSet(masks.grid, certifying), regions)) if certifying else 0.0
