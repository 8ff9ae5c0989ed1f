"""Writers of judgements for CI systems: JUnit XML and SARIF 2.1.0."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote
from xml.etree import ElementTree as ET

from maskcover.canonical import write_atomically
from maskcover.certificate.claims import Judgement, Outcome

_UNPRINTABLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # what XML cannot hold
_RULES = {
    Outcome.REFUTED: ("MC001", "RefutedCover", "A region that the masks claim to cover lies inside none of them."),
    Outcome.UNREADABLE: ("MC002", "UnreadableClaim", "A file that should hold a claim is damaged or malformed."),
    Outcome.UNDECIDED: ("MC003", "UndecidedClaim", "A claim could be neither confirmed nor refuted."),
}
_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"


def write_junit(path: Path, judgements: Sequence[Judgement]) -> None:
    """Write one test case for each claim: refuted ones fail, unreadable and undecided ones are errors."""
    failed = [judgement for judgement in judgements if judgement.outcome is Outcome.REFUTED]
    errors = [judgement for judgement in judgements if judgement.outcome in (Outcome.UNREADABLE, Outcome.UNDECIDED)]
    counts = {"tests": str(len(judgements)), "failures": str(len(failed)), "errors": str(len(errors))}
    suite = ET.Element("testsuite", {"name": "maskcover verify", **counts, "skipped": "0"})
    for judgement in judgements:
        name = _plain(judgement.path.as_posix())
        case = ET.SubElement(suite, "testcase", {"classname": "maskcover.claims", "name": name})
        if judgement.outcome is not Outcome.HOLDS:
            kind = "failure" if judgement.outcome is Outcome.REFUTED else "error"
            attributes = {"type": judgement.outcome.name.lower(), "message": _plain(judgement.message)}
            ET.SubElement(case, kind, attributes).text = _plain(judgement.message)
    suites = ET.Element("testsuites", counts)
    suites.append(suite)
    write_atomically(path, ET.tostring(suites, encoding="utf-8", xml_declaration=True))


def write_sarif(path: Path, judgements: Sequence[Judgement]) -> None:
    """Write one result for each claim that does not hold, with the witness in its message."""
    from maskcover import __version__

    driver = {
        "name": "maskcover",
        "version": __version__,
        "rules": [
            {"id": rule, "name": name, "shortDescription": {"text": text}, "defaultConfiguration": {"level": "error"}}
            for rule, name, text in _RULES.values()
        ],
    }
    results = [_result(judgement) for judgement in judgements if judgement.outcome is not Outcome.HOLDS]
    run = {"tool": {"driver": driver}, "results": results, "columnKind": "unicodeCodePoints"}
    document = {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}
    write_atomically(path, json.dumps(document, indent=2).encode() + b"\n")


def _result(judgement: Judgement) -> dict[str, Any]:
    location = {"artifactLocation": {"uri": _uri(judgement.path)}, "region": {"startLine": 1}}
    return {
        "ruleId": _RULES[judgement.outcome][0],
        "ruleIndex": list(_RULES).index(judgement.outcome),
        "level": "error",
        "message": {"text": judgement.message},
        "locations": [{"physicalLocation": location}],
    }


def _uri(path: Path) -> str:
    """The path relative to the current folder, which CI systems take for the repository, if it lies inside it."""
    full = path.absolute()
    if full.is_relative_to(Path.cwd()):
        return quote(full.relative_to(Path.cwd()).as_posix())
    return full.as_uri()


def _plain(text: str) -> str:
    return _UNPRINTABLE.sub("?", text)
