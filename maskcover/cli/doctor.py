"""The command doctor: versions, devices and threads of this machine, and what is not installed."""

from __future__ import annotations

import importlib
import importlib.util
import os
import platform
from dataclasses import asdict, dataclass
from importlib import metadata
from typing import Any

from maskcover.cli.certifying import watched
from maskcover.cli.geometry import Json
from maskcover.cli.output import answer, working
from maskcover.errors import install_hint
from maskcover.system import available_cores

EXTRAS: dict[str, tuple[str, tuple[str, ...]]] = {
    "torch": ("models of torch", ("torch", "torchvision", "safetensors", "PIL")),
    "timm": ("timm:NAME", ("torch", "timm")),
    "torchvision": ("torchvision:NAME", ("torch", "torchvision")),
    "transformers": ("hf:FOLDER", ("torch", "transformers")),
    "onnx": ("onnx:FILE", ("onnx", "onnxruntime", "PIL")),
    "sklearn": ("models of scikit-learn", ("sklearn",)),
    "data": ("image files, data sets, runs", ("PIL", "pyarrow")),
    "remote": ("runs in s3://", ("fsspec", "s3fs", "pyarrow")),
    "report": ("reports as HTML", ("jinja2", "PIL", "pyarrow")),
    "pandas": ("tables of pandas", ("pandas", "pyarrow")),
    "plot": ("drawings", ("matplotlib", "PIL")),
    "metrics": ("metrics of torchmetrics", ("torch", "torchmetrics")),
    "search": ("searches for fewer masks", ("numba",)),
    "ray": ("the launcher ray", ("ray", "pyarrow")),
    "slurm": ("the launcher slurm", ("submitit", "pyarrow")),
}
"""Extras by name: what each is for, and the modules that it needs."""
_REQUIRED = ("numpy", "scipy", "shapely", "jsonschema", "typer", "rich", "tqdm")
_THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "CUDA_VISIBLE_DEVICES")


@dataclass(frozen=True, slots=True)
class Extra:
    """An extra: its name, what it is for, the modules that are missing here, and the command that installs them."""

    name: str
    purpose: str
    missing: tuple[str, ...]
    command: str


def doctor(as_json: Json = False) -> None:
    """Print what is here: versions, devices and threads, and for each missing extra the command that installs it."""
    with working("looking at this machine", shown=watched(as_json=as_json)):
        versions, devices = _versions(), _devices()
        extras = missing_extras()
    settings = {name: os.environ[name] for name in _THREADS if name in os.environ}
    document = {
        "python": platform.python_version(),
        "system": platform.platform(),
        "cores": available_cores(),
        "settings": settings,
        "versions": versions,
        "devices": devices,
        "missing": [asdict(extra) for extra in extras],
    }
    lines = [
        f"maskcover {versions.get('maskcover', 'is not installed; it is run from its sources')}",
        f"Python {platform.python_version()} on {platform.platform()}",
        f"{available_cores()} CPU cores for this process",
        *(f"{name}={value}" for name, value in settings.items()),
        *(f"device {device}" for device in devices),
        "packages: " + ", ".join(f"{name} {version}" for name, version in versions.items() if name != "maskcover"),
        *(
            f"not here: {extra.name} ({extra.purpose}) needs {', '.join(extra.missing)}; {extra.command}"
            for extra in extras
        ),
    ]
    answer(document, lines, as_json=as_json)


def missing_extras() -> list[Extra]:
    """The extras of which a module cannot be found here; nothing is imported."""
    gaps = {
        name: tuple(module for module in modules if importlib.util.find_spec(module) is None)
        for name, (_, modules) in EXTRAS.items()
    }
    return [Extra(name, EXTRAS[name][0], missing, install_hint(name)) for name, missing in gaps.items() if missing]


def _versions() -> dict[str, str]:
    """Versions of maskcover, of what it needs, and of what its extras need, where they are installed."""
    modules = dict.fromkeys(module for _, needed in EXTRAS.values() for module in needed)
    names = {"PIL": "pillow", "sklearn": "scikit-learn"}
    names_of_packages = ["maskcover", *_REQUIRED, *(names.get(module, module) for module in modules)]
    versions = {}
    for name in names_of_packages:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return versions


def _devices() -> list[str]:
    """The devices on which torch can compute here; "cpu" alone without torch."""
    try:
        torch: Any = importlib.import_module("torch")
    except ImportError:
        return ["cpu"]
    devices = [f"cpu, {torch.get_num_threads()} threads in torch"]
    if torch.cuda.is_available():
        devices += [f"cuda:{index}, {torch.cuda.get_device_name(index)}" for index in range(torch.cuda.device_count())]
    return [*devices, *(["mps"] if torch.backends.mps.is_available() else [])]
