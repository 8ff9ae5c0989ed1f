"""What is released: one version everywhere, a citation, and what wheel and archive hold."""

from __future__ import annotations

import subprocess
import sys
import tarfile
import zipfile
from email import message_from_bytes
from importlib.util import find_spec
from pathlib import Path

import pytest
import yaml

import maskcover

ROOT = Path(__file__).parent.parent
FORBIDDEN = (".pyc", ".pth", ".pt", ".onnx", ".safetensors", ".part", ".orig")
WEIGHTS = "maskcover_torch/demo/clothes.pt"  # the network of the demo


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel and the archive of the sources."""
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "hatchling", "build", "-d", str(folder)]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    return folder


def test_the_citation_has_the_version_and_the_licence_of_the_project() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["version"] == maskcover.__version__
    assert citation["license"] == "Apache-2.0"
    assert citation["references"][0]["authors"][0]["family-names"] == "Xiang"


def test_the_template_of_an_issue_asks_for_what_security_md_says() -> None:
    template = yaml.safe_load((ROOT / ".github/ISSUE_TEMPLATE/certified-but-broken.yml").read_text(encoding="utf-8"))
    fields = {field["id"]: field for field in template["body"] if "id" in field}
    assert {"attack", "certified", "defended", "doctor"} <= {
        name for name, field in fields.items() if field.get("validations", {}).get("required")
    }
    assert template["name"] in (ROOT / "SECURITY.md").read_text(encoding="utf-8")


def test_the_wheel_says_what_it_is_and_holds_nothing_else(built: Path) -> None:
    (path,) = built.glob("*.whl")
    with zipfile.ZipFile(path) as wheel:
        names = wheel.namelist()
        (metadata,) = (name for name in names if name.endswith(".dist-info/METADATA"))
        fields = message_from_bytes(wheel.read(metadata))
    assert path.name.endswith("-py3-none-any.whl")
    assert [name for name in names if name != WEIGHTS and (name.endswith(FORBIDDEN) or "/tests/" in name)] == []
    assert any(name.endswith("/licenses/LICENSE") for name in names)
    assert fields["Version"] == maskcover.__version__
    assert fields["Requires-Python"] == ">=3.11"
    plain = {requirement.split(">")[0] for requirement in fields.get_all("Requires-Dist", []) if ";" not in requirement}
    assert plain == {"numpy", "scipy", "shapely", "jsonschema", "typer", "rich", "tqdm"}


def test_the_archive_holds_what_its_tests_and_pages_need(built: Path) -> None:
    (path,) = built.glob("*.tar.gz")
    with tarfile.open(path) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    needed = {
        "pyproject.toml", "README.md", "LICENSE", "CHANGELOG.md", "SECURITY.md", "CITATION.cff", "noxfile.py",
        "mkdocs.yml", "docs/upgrade.md", "tests/frozen.json", "maskcover/py.typed", "proofs/README.md",
    }  # fmt: skip
    assert needed - names == set()
    assert f"adapters/{WEIGHTS}" in names
    others = names - {f"adapters/{WEIGHTS}"}
    assert [name for name in others if name.endswith(FORBIDDEN) or name.startswith((".venv", ".git/", "site/"))] == []


@pytest.mark.skipif(find_spec("twine") is None, reason="twine is not installed")
def test_twine_accepts_both(built: Path) -> None:
    files = [str(path) for path in sorted(built.iterdir())]
    ran = subprocess.run(
        [sys.executable, "-m", "twine", "check", "--strict", *files], capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert ran.stdout.count("PASSED") == 2
