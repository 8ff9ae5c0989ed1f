"""The wheel without extras in a clean environment of each Python: `nox`, or `nox -s wheel-3.13` for one."""

from __future__ import annotations

from pathlib import Path

import nox

nox.options.sessions = ["wheel"]
nox.options.error_on_missing_interpreters = False


@nox.session(python=["3.11", "3.12", "3.13", "3.14"])
def wheel(session: nox.Session) -> None:
    """Build the wheel, install it alone, and try the core by tests/core_alone.py, away from the sources."""
    dist = Path(session.create_tmp()).resolve() / "dist"
    session.install("hatchling>=1.27")
    session.run("python", "-m", "hatchling", "build", "-t", "wheel", "-d", str(dist))
    # Only the wheel below: what it does not ask for must not be there by chance.
    session.run("python", "-m", "pip", "uninstall", "-q", "-y", "hatchling", "pathspec", "pluggy", "trove-classifiers")
    (built,) = dist.glob("*.whl")
    session.install(str(built))
    check = Path("tests/core_alone.py").resolve()
    session.cd(dist)
    session.run("python", "-I", str(check))
