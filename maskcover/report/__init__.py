"""Reports about a run as HTML, Markdown and JSON, from one value: `Facts`. No run, model or image file is read here.

`maskcover.runs.reporting` makes the facts. HTML needs the extra `report`; Markdown and JSON need nothing.
"""

from maskcover.report.facts import ClassFacts, CurveFacts, Entries, Facts, FingerprintFacts, ImageFacts, Rate
from maskcover.report.html import to_html
from maskcover.report.markdown import to_markdown
from maskcover.report.words import claim_sentence, region_words

__all__ = [
    "ClassFacts",
    "CurveFacts",
    "Entries",
    "Facts",
    "FingerprintFacts",
    "ImageFacts",
    "Rate",
    "claim_sentence",
    "region_words",
    "to_html",
    "to_markdown",
]
