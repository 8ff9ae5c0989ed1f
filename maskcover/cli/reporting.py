"""The files that `maskcover report` writes, and the facts that it adds to its JSON."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from maskcover.cli.several import is_labels, label_facts
from maskcover.errors import InvalidInput

Html = Annotated[
    Path | None, typer.Option(help="Also write the report as one HTML file, for people who file or print it.")
]
Markdown = Annotated[Path | None, typer.Option(help="Also write the report as a Markdown file.")]
Images = Annotated[
    int | None,
    typer.Option(
        min=0,
        help="Number of images in the report, chosen by a rule; 0 for data that may not leave. By default 9; none in "
        "JSON.",
    ),
]
ClassNames = Annotated[
    str | None,
    typer.Option(
        "--classes", help="A file with the names of the classes, for the report; by default those of the data."
    ),
]


def written_reports(
    run: Path,
    html: Path | None,
    markdown: Path | None,
    images: int | None,
    classes: str | None,
    *,
    as_json: bool,
    other_question: bool,
) -> tuple[dict[str, Any], list[str]]:
    """Write the files that are named, and return what the command adds to its answer: to the document, and lines.

    Args:
        run: The folder of the run.
        html, markdown: The files to write.
        images: Number of images to show.
        classes: A file with the names of the classes, as for certify. The one that the run names is not read: a run
            from elsewhere must not choose what is shown of this machine.
        as_json: Whether the answer is JSON, which holds the facts of the report.
        other_question: Whether the command asks about other regions, defences or margins than those of the run.
    """
    from maskcover.canonical import write_atomically
    from maskcover.data.classes import read_classes
    from maskcover.report import to_html, to_markdown
    from maskcover.runs import open_run

    targets = {html: to_html, markdown: to_markdown}
    files = {path: page for path, page in targets.items() if path is not None}
    if html is not None and html == markdown:
        raise InvalidInput(f"--html and --markdown name the same file, {html}; name two")
    if files and other_question:
        raise InvalidInput(
            "a report is about the claim of the run itself; leave out --regions, --procedure, --rule, --min-margin "
            "and --sizes, or certify again with --reuse"
        )
    if not files and not as_json:
        if images is not None:
            raise InvalidInput("--images goes with a report: add --html FILE, --markdown FILE or --json")
        return {}, []
    for path in files:
        if path.resolve().is_relative_to(run.resolve()) and path.suffix.lower() not in (".html", ".htm", ".md"):
            raise InvalidInput(f"{path} lies in the run's folder, whose own files must stay; name a file .html or .md")
    show = images if images is not None else 9 if files else 0
    listed = read_classes(classes)
    names = None if listed is None or not listed.names else listed.own
    facts = label_facts(run) if is_labels(run) else open_run(run).facts(show=show, class_names=names)
    for path, page in files.items():
        write_atomically(path, page(facts).encode("utf-8"))
    return {"facts": facts.document()}, [f"  wrote {path}" for path in files]
