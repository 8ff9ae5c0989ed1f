"""One row an image: what a run keeps of a verdict, and how it lies in a Parquet file."""

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
    """What was found of one image.

    Args:
        id: The sample's id.
        label: The true label.
        undefended, defended: Labels of the bare classifier and of the defence; −1 where there is none, or an alert.
        case: How the defence came to its label; empty for an error.
        verdict: "certified", "not_certified" or "error".
        reason: Why there is an error; else empty.
        share: The share of the attacker's placements that was seen to be certified; 0 for an error.
        lead: The smallest lead of the predictions that the certificate stands on (see `maskcover.classifiers.leads`).
        failing: Two masks under which the image was seen not to get its label; none if it certifies.
        evaluations: Masked predictions that were made.
        pixels: The digest of the image as the classifier was given it (see `pixel_digest`); empty if there is none:
            the image could not be read or is no array, or the row is of a run of before there were digests.
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
        """The row for the digest of a shard, in which what is not known of the pixels does not stand."""
        return {name: value for name, value in asdict(self).items() if name != "pixels" or value}


def row_of(
    sample: str, label: int, found: Verdict | Failed, masks: MaskSet, regions: RegionSet, pixels: str = ""
) -> Row:
    """The row of a verdict, or of an image that could not be decided."""
    if isinstance(found, Failed):
        return Row(sample, label, UNDECIDED, UNDECIDED, "", "error", _text(found), 0.0, 0.0, None, 0, pixels)
    certificate, answer = found.certificate, found.defended
    return Row(
        sample,
        label,
        found.undefended,
        found.answer,
        answer.case.value,
        found.name,
        found.error or "",
        0.0 if found.error else _share(found, masks, regions),
        found.lead,
        certificate.failing,
        found.evaluations,
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
    return [Row(**(one | {"failing": one["failing"] and tuple(one["failing"])})) for one in documents]


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


def _text(found: Failed) -> str:
    """The reason, as UTF-8 can hold it: the name of a file may hold half a character."""
    return str(found).encode("utf-8", "backslashreplace").decode()


def _share(verdict: Verdict, masks: MaskSet, regions: RegionSet) -> float:
    from maskcover.covering.placements import covered_fraction

    if verdict.certificate.certified:
        return 1.0
    good = tuple(masks[number] for number in verdict.certificate.good)
    return float(covered_fraction(MaskSet(masks.grid, good), regions)) if good else 0.0
