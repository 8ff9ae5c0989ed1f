"""Public names and schema files are frozen: what somebody wrote against them goes on working.

After a change that is meant, write the list anew: `python -m tests.test_frozen`, and read its difference in `git diff`.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import maskcover
import maskcover.data
import maskcover.defense
import maskcover.plot
import maskcover.runs
import maskcover.studies
import maskcover.testing
from maskcover.schemas import FILES

ROOT = Path(__file__).parent.parent
LIST = ROOT / "tests/frozen.json"
MODULES: tuple[Any, ...] = (
    maskcover, maskcover.data, maskcover.defense, maskcover.plot, maskcover.runs, maskcover.studies, maskcover.testing,
)  # fmt: skip
GONE = (
    "{} went from {}. A public name keeps working for one release with a MaskcoverWarning, and gets a row in "
    "docs/upgrade.md; only then write tests/frozen.json anew: python -m tests.test_frozen"
)
NEW = (
    "{} is new in {}. If it is meant to be public, give it a line in docs/reference/ and CHANGELOG.md, and write "
    "tests/frozen.json anew: python -m tests.test_frozen"
)
CHANGED = (
    "the schema {} changed. Files of before must still load (tests/golden), and a field with another meaning needs "
    "another schema number; then write tests/frozen.json anew: python -m tests.test_frozen"
)


def as_is() -> dict[str, Any]:
    """Public names by module, and digests of the schema files without regard to line ends."""
    schemas = {name: (ROOT / "maskcover/schemas" / name).read_text(encoding="utf-8") for name in sorted(FILES)}
    return {
        "names": {module.__name__: sorted(module.__all__) for module in MODULES},
        "schemas": {name: hashlib.sha256(text.encode()).hexdigest() for name, text in schemas.items()},
    }


def complaints(frozen: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """What changed, each with what to do."""
    before, after = frozen["names"], now["names"]
    modules = sorted(before.keys() | after.keys())
    pairs = [(module, set(before.get(module, ())), set(after.get(module, ()))) for module in modules]
    changed = sorted(name for name in frozen["schemas"] if now["schemas"].get(name) != frozen["schemas"][name])
    return [
        *(GONE.format(name, module) for module, old, new in pairs for name in sorted(old - new)),
        *(NEW.format(name, module) for module, old, new in pairs for name in sorted(new - old)),
        *(CHANGED.format(name) for name in changed),
        *(NEW.format(name, "maskcover.schemas") for name in sorted(now["schemas"].keys() - frozen["schemas"].keys())),
    ]


def test_public_names_and_schemas_are_those_of_the_list() -> None:
    assert complaints(json.loads(LIST.read_text(encoding="utf-8")), as_is()) == []


def test_every_change_is_seen_and_says_what_to_do() -> None:
    frozen = {"names": {"m": ["a", "b"]}, "schemas": {"s": "1", "t": "2"}}
    now = {"names": {"m": ["b", "c"]}, "schemas": {"s": "9", "u": "3"}}
    gone, new, changed, removed, added = complaints(frozen, now)
    assert gone.startswith("a went from m. ")
    assert new.startswith("c is new in m. ")
    assert changed.startswith("the schema s changed. ")
    assert removed.startswith("the schema t changed. ")
    assert added.startswith("u is new in maskcover.schemas. ")
    assert complaints(frozen, frozen) == []


if __name__ == "__main__":
    LIST.write_text(json.dumps(as_is(), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
