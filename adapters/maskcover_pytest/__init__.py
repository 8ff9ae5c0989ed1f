"""A plug-in for pytest: every ``*.cover.json`` that pytest collects is a test that its claim holds.

It is a package of its own so that pytest starts as fast as without it: nothing of maskcover, which needs numpy, is
imported before such a file is run. ``-p no:maskcover_pytest`` turns it off.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

SUFFIX = ".cover.json"


class ClaimFailed(Exception):
    """The error of a claim that does not hold; pytest shows its text."""


class ClaimFile(pytest.File):
    """A certificate file, as pytest collects it."""

    def collect(self) -> Iterator[pytest.Item]:
        """The one claim of the file."""
        yield ClaimItem.from_parent(self, name="covers")


class ClaimItem(pytest.Item):
    """The claim of a certificate, judged from the file alone by maskcover and by the independent checker."""

    def runtest(self) -> None:
        """Fail, with the region that the masks miss, unless the claim holds."""
        from maskcover.certificate.claims import Outcome, judge

        judgement = judge(self.path)
        if judgement.outcome is not Outcome.HOLDS:
            raise ClaimFailed(f"{judgement.outcome.name.lower()}: {judgement.message}")

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: object = None) -> str:  # noqa: ARG002  # pytest's own
        """The failure as one sentence; an unexpected error keeps its traceback."""
        if isinstance(excinfo.value, ClaimFailed):
            return f"{self.path.name}: {excinfo.value}"
        return str(super().repr_failure(excinfo))

    def reportinfo(self) -> tuple[Path, int | None, str]:
        """The file and the name of the claim, for reports."""
        return self.path, None, f"{self.path.name}: covers"


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> ClaimFile | None:
    """Collect certificates by their name."""
    return ClaimFile.from_parent(parent, path=file_path) if file_path.name.endswith(SUFFIX) else None
