"""The answers of `maskcover report` to another question about a run, and the command compare."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from maskcover.cli.geometry import Json
from maskcover.cli.output import answer
from maskcover.errors import InvalidInput

if TYPE_CHECKING:
    from maskcover.runs import OpenedRun, Summary

OtherRegions = Annotated[
    str | None,
    typer.Option(help='Answer for other regions, without the model, such as "squares(size=40)"; see docs/how-to/runs.'),
]
OtherProcedure = Annotated[
    str | None,
    typer.Option(help='Answer for another defence, such as "challenger_masking()", as far as rows can tell.'),
]
OtherRule = Annotated[
    str | None, typer.Option(help='Answer for another rule of the run\'s defence: "all-pairs", "rows".')
]
OtherMargin = Annotated[
    float | None, typer.Option(min=0.0, help="Answer with this margin: predictions with a smaller one do not count.")
]
Sizes = Annotated[
    str | None,
    typer.Option(help='Print the largest patch that images withstand, for "squares" (side) or "rectangles" (area).'),
]
_NAMED = 10  # images without an answer that are named


def answer_again(
    run: OpenedRun, regions: str | None, procedure: str | None, rule: str | None, min_margin: float | None
) -> tuple[Summary, dict[str, Any], list[str]]:
    """The summary of a run for another question, with what a document and people are told of the question."""
    question = {"regions": regions, "procedure": procedure, "rule": rule, "min_margin": min_margin}
    arguments: dict[str, Any] = {name: value for name, value in question.items() if value is not None}
    answers, summary = run.answers(**arguments), run.summary(**arguments)
    document: dict[str, Any] = {
        "regions": answers.regions, "procedure": str(answers.procedure), "min_margin": answers.min_margin,
    }  # fmt: skip
    margin = f", with margins above {answers.min_margin:g}" if answers.min_margin else ""
    lines = [f"  asked again, without the model: against {answers.regions}, by {answers.procedure.words}{margin}"]
    if not answers.complete:
        unknown = [name for name, answered in zip(run.ids, answers.answered.tolist(), strict=True) if not answered]
        document["unknown"] = unknown
        named = ", ".join(unknown[:_NAMED]) + (" …" if len(unknown) > _NAMED else "")
        lines += [f"  no answer for {named}", f"  {run.why_unknown(answers.answered)}"]
    return summary, {"asked": document}, lines


def sizes_of(run: OpenedRun, family: str | None, patches: int) -> tuple[dict[str, Any], list[str]]:
    """The certified-size curve of a run, for a document and for people; nothing if no family is named."""
    if family is None:
        return {}, []
    sizes = run.certified_size(family, patches=patches)
    at, low, high = sizes.curve()
    curve = {"size": at.tolist(), "at_least": low.tolist(), "at_most": high.tolist()}
    document = {"family": family, "patches": patches, "limit": sizes.limit, "exact": sizes.exact, "curve": curve}
    by_image = dict(zip(run.ids, sizes.largest.tolist(), strict=True))
    return {"certified_sizes": document | {"largest": by_image}}, str(sizes).split("\n")


def compare(
    runs: Annotated[
        list[Path], typer.Argument(help="The folders of two runs or more, made by `maskcover certify --out`.")
    ],
    regions: OtherRegions = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Draw the fractions to this PNG.")] = None,
    as_json: Json = False,
) -> None:
    """Compare runs image by image: right without and with the defence, certified; with exact tests and intervals."""
    from maskcover.runs import compare as compared
    from maskcover.runs import open_run

    if len(runs) < 2:
        raise InvalidInput("compare takes the folders of at least two runs, such as: maskcover compare RUN OTHER")
    opened = [open_run(path) for path in runs]
    pairs = [compared(first, second, regions=regions) for first, second in combinations(opened, 2)]
    if output:
        from maskcover.plot import draw_runs, save_drawing

        save_drawing(output, lambda ax: draw_runs({str(run.path): run.summary(regions) for run in opened}, ax))
    answer({"comparisons": [pair.document() for pair in pairs]}, [str(pair) for pair in pairs], as_json=as_json)
