"""Judging files that claim something: certificates and mask sets, each from the file alone, in folders too.

A certificate is judged twice, by `verify` and by the independent checker; neither is believed against the other.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path

from maskcover.certificate.certificate import SUFFIX, CoverCertificate
from maskcover.certificate.check import check
from maskcover.covering import CoverReport, verify
from maskcover.errors import InvalidInput, MaskcoverError
from maskcover.masks import MaskSet
from maskcover.schemas import CERTIFICATE, MASK_SET


class Outcome(IntEnum):
    """The outcome for a claim; the values are exit codes: 0 holds, 1 refuted, 2 bad input, 3 could not decide."""

    HOLDS = 0
    REFUTED = 1
    UNREADABLE = 2
    UNDECIDED = 3


_WORST_FIRST = (Outcome.REFUTED, Outcome.UNREADABLE, Outcome.UNDECIDED, Outcome.HOLDS)


@dataclass(frozen=True, slots=True)
class Judgement:
    """The outcome for one file, with a message of one line.

    Args:
        path: The file.
        outcome: The outcome.
        message: The reason, in one line.
        report: The report of `verify`; None if the file could not be read.
        checked: The line of the independent checker, for certificates that it judged.
    """

    path: Path
    outcome: Outcome
    message: str
    report: CoverReport | None = None
    checked: str | None = None


def judge(path: Path, regions: str | None = None, multiplicity: int = 1) -> Judgement:
    """Judge a certificate or a mask-set file from the file alone; against other regions if they are named.

    A certificate says nothing of a multiplicity above 1: its masks are judged, without its evidence.

    Whatever goes wrong is an outcome, never an exception: one bad file must not hide another.
    """
    try:
        content = _content(path)
        if path.name.endswith(SUFFIX) or _schema(content) == CERTIFICATE.schema:
            certificate = CoverCertificate.from_bytes(content, str(path))
            if regions is None and multiplicity == 1:
                return _judge_certificate(path, certificate, content)
            return _judge_masks(path, certificate.masks, regions, multiplicity)
        return _judge_masks(path, MaskSet.load(path), regions, multiplicity)
    except MaskcoverError as error:
        return Judgement(path, Outcome.UNREADABLE, str(error))
    except Exception as error:
        return Judgement(path, Outcome.UNDECIDED, f"{path}: could not decide: {type(error).__name__}: {error}")


def judge_all(paths: Iterable[Path]) -> tuple[Judgement, ...]:
    """Judge files, and all claims in folders.

    Raises:
        InvalidInput: there is nothing to judge; an empty folder proves nothing.
    """
    listed = tuple(paths)
    claims = tuple(dict.fromkeys(claim for path in listed for claim in (claims_in(path) if path.is_dir() else [path])))
    if not claims:
        places = ", ".join(map(str, listed))
        raise InvalidInput(f"no claims in {places}; expected *{SUFFIX} files, or mask sets that claim regions")
    return tuple(map(judge, claims))


def claims_in(folder: Path) -> Iterator[Path]:
    """Every certificate, and every mask set that claims regions, below a folder, sorted; hidden folders are skipped.

    A damaged file counts as a claim if its name, or its content, is like that of a file of maskcover.
    """
    for path in sorted(folder.rglob("*.json")):
        hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
        if not hidden and path.is_file() and (path.name.endswith(SUFFIX) or _is_claim(path)):
            yield path


def worst(judgements: Iterable[Judgement]) -> Outcome:
    """The outcome to report for several: refuted before unreadable before undecided before holds.

    >>> worst([Judgement(Path("a"), Outcome.HOLDS, ""), Judgement(Path("b"), Outcome.UNDECIDED, "")])
    <Outcome.UNDECIDED: 3>
    """
    return min((judgement.outcome for judgement in judgements), key=_WORST_FIRST.index, default=Outcome.UNREADABLE)


def _judge_masks(path: Path, masks: MaskSet, regions: str | None, multiplicity: int) -> Judgement:
    report = verify(masks, regions, multiplicity=multiplicity)
    return Judgement(path, Outcome.HOLDS if report else Outcome.REFUTED, str(report), report)


def _judge_certificate(path: Path, certificate: CoverCertificate, content: bytes) -> Judgement:
    """The judgement of both judges on a certificate; if they contradict each other, that is a fault of maskcover."""
    report = verify(certificate.masks, certificate.regions)
    code, line = check(content)
    if code == Outcome.UNREADABLE or (code == Outcome.HOLDS and not report):
        fault = f"{path}: internal error, please report it: verify says {str(report)!r}, the checker says {line!r}"
        return Judgement(path, Outcome.UNDECIDED, fault, report, line)
    if not report:
        return Judgement(path, Outcome.REFUTED, str(report), report, line)
    endings = {
        Outcome.HOLDS: "the independent checker agrees",
        Outcome.REFUTED: f"but the evidence in the file is false, so make it anew: {line}",
        Outcome.UNDECIDED: f"by maskcover alone, the independent checker {line}",
    }
    outcome = Outcome.REFUTED if code == Outcome.REFUTED else Outcome.HOLDS
    return Judgement(path, outcome, f"{report}; {endings[Outcome(code)]}", report, line)


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise InvalidInput(f"cannot read {path}: {reason}; expected a mask set or a cover certificate") from error


def _schema(content: bytes) -> object:
    """The schema that a document names; None if it is no document."""
    try:
        document = json.loads(content)
    except (ValueError, RecursionError):
        return None
    return document.get("schema") if isinstance(document, dict) else None


def _is_claim(path: Path) -> bool:
    """Whether a file without the name of a certificate is one of maskcover's, and claims something."""
    try:
        content = path.read_bytes()
        if not any(schema.encode() in content for schema in (CERTIFICATE.schema, MASK_SET.schema)):
            return False
        document = json.loads(content)
    except (OSError, ValueError, RecursionError):
        return True
    schema = document.get("schema") if isinstance(document, dict) else None
    return schema == CERTIFICATE.schema or (schema == MASK_SET.schema and document.get("regions") is not None)
