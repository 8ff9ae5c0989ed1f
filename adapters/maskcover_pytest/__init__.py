"""A plug-in of pytest: every ``*.cover.json`` that pytest meets is a test that its claim holds.

It is a package of its own because importing `maskcover` imports numpy: pytest starts as fast as without it, and
nothing of maskcover is imported before such a file is collected and run. ``-p no:maskcover_pytest`` turns it off.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

SUFFIX = ".cover.json"


class ClaimFailed(Exception):
    """A claim that does not hold; its text is what is shown."""


class ClaimFile(pytest.File):
    """One certificate."""

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
        """One sentence instead of a traceback; anything unexpected keeps its own."""
        if isinstance(excinfo.value, ClaimFailed):
            return f"{self.path.name}: {excinfo.value}"
        return str(super().repr_failure(excinfo))

    def reportinfo(self) -> tuple[Path, int | None, str]:
        """Where the claim stands."""
        return self.path, None, f"{self.path.name}: covers"


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> ClaimFile | None:
    """Collect certificates by their name."""
    return ClaimFile.from_parent(parent, path=file_path) if file_path.name.endswith(SUFFIX) else None
