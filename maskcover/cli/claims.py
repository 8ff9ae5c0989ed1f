"""The commands verify and check: claims in files and folders, checked from the files alone, and reports for CI."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from maskcover.cli.geometry import Json, Regions, document, witness
from maskcover.cli.output import HOLDS, answer, failure, printable
from maskcover.errors import InvalidInput

if TYPE_CHECKING:
    from maskcover.certificate.claims import Judgement

Claims = Annotated[
    list[Path], typer.Argument(help="Mask-set files, *.cover.json certificates, or folders that hold some.")
]
Junit = Annotated[Path | None, typer.Option(help="Write the outcomes to this file, as JUnit XML.")]
Sarif = Annotated[Path | None, typer.Option(help="Write the claims that do not hold to this file, as SARIF 2.1.0.")]


def verify(
    paths: Claims,
    regions: Regions = None,
    multiplicity: Annotated[int, typer.Option(min=1, help="Require every region to lie inside at least N masks.")] = 1,
    junit: Junit = None,
    sarif: Sarif = None,
    as_json: Json = False,
) -> None:
    """Check exactly that masks cover what they claim; exit 1 with a region that they miss if not.

    Certificates are judged twice, by maskcover and by the independent checker. In a folder, mask sets that claim
    nothing are skipped. With several claims the exit code is that of the worst: 1 refuted, then 2 unreadable, then 3
    undecided, then 0.
    """
    from maskcover.certificate.claims import judge, judge_all, worst

    single = len(paths) == 1 and not paths[0].is_dir()
    if (regions is not None or multiplicity > 1) and not single:
        raise InvalidInput(
            "--regions and --multiplicity are for one file; each of several files is checked against its own claim"
        )
    judgements = (judge(paths[0], regions, multiplicity),) if single else judge_all(paths)
    _write(judgements, junit, sarif)
    if single:
        _answer_one(judgements[0], as_json=as_json)
    else:
        _answer_all(judgements, as_json=as_json)
    if code := worst(judgements):
        raise typer.Exit(code)


def check(file: Annotated[Path, typer.Argument(help="A certificate file, *.cover.json.")]) -> None:
    """Check a certificate by the independent checker alone.

    The checker is one file, maskcover/certificate/check.py, that needs nothing but Python: copy it to any machine and
    run python check.py FILE there. This command prints the same line and has the same exit code.
    """
    from maskcover.certificate.check import main

    raise typer.Exit(main([str(file)]))


def _write(judgements: tuple[Judgement, ...], junit: Path | None, sarif: Path | None) -> None:
    from maskcover.cli.reports import write_junit, write_sarif

    if junit:
        write_junit(junit, judgements)
    if sarif:
        write_sarif(sarif, judgements)


def _answer_one(judgement: Judgement, *, as_json: bool) -> None:
    if judgement.report is None:
        outcome = judgement.outcome
        failure(outcome.name.lower(), judgement.message, outcome.value, as_json=as_json)
    else:
        answer(_figures(judgement), [judgement.message], as_json=as_json)


def _answer_all(judgements: tuple[Judgement, ...], *, as_json: bool) -> None:
    held = sum(judgement.outcome == HOLDS for judgement in judgements)
    rows, lines = list[dict[str, Any]](), list[str]()
    for judgement in judgements:
        path, outcome = str(judgement.path), judgement.outcome.name.lower()
        lines.append(f"{outcome:10} {printable(path)}: {judgement.message}")
        rows.append({"path": path, "outcome": outcome, "message": judgement.message} | _figures(judgement))
    summary = f"{held} of {len(judgements)} claims hold"
    answer({"claims": rows, "total": len(judgements), "hold": held}, [*lines, summary], as_json=as_json)


def _figures(judgement: Judgement) -> dict[str, Any]:
    """The figures of a judgement, for JSON."""
    if judgement.report is None:
        return {}
    figures = {"covers": judgement.report.covers, "witness": witness(judgement.report)} | document(
        judgement.report.masks
    )
    figures["regions"] = str(judgement.report.regions)
    return figures if judgement.checked is None else figures | {"checker": judgement.checked}
