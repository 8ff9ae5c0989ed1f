"""`Network`: an ONNX network as a function from arrays to scores, with everything that could vary pinned."""

from __future__ import annotations

import hashlib
import platform
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime

from maskcover.errors import InvalidInput
from maskcover_onnx.devices import CUDA, Providers, name_of

_DTYPES = {"tensor(float)": np.float32, "tensor(float16)": np.float16, "tensor(double)": np.float64}


class Network:
    """An ONNX network with one input of images (n, channels, height, width).

    Args:
        content: The bytes of the file.
        providers: Of onnxruntime, in order. One that is not there is an error: onnxruntime would go on without it.
        output: Name of the scores among several outputs.

    Called with images it gives scores (n, classes). `batch_size` is that of the export, None if the first axis is
    dynamic.

    Raises:
        InvalidInput: not a network, or not one of images.
    """

    def __init__(self, content: bytes, providers: Providers, output: str | None = None) -> None:
        absent = [name for name in map(name_of, providers) if name not in onnxruntime.get_available_providers()]
        if absent:
            here = ", ".join(onnxruntime.get_available_providers())
            raise InvalidInput(f"onnxruntime has no {', '.join(absent)} here; it has {here}")
        self._session = _opened(content, providers)
        _expect_used(self._session, name_of(providers[0]))
        self._input, self._dtype, self.batch_size = _image_input(self._session)
        self._output = _one_output(self._session, output)
        self._digest = "sha256:" + hashlib.sha256(content).hexdigest()

    @property
    def device(self) -> str:
        """Where it computes, for people."""
        return "cuda" if CUDA in self._session.get_providers() else "cpu"

    @property
    def identity(self) -> dict[str, str]:
        """The digest of the file, and what runs it."""
        return {
            "weights": self._digest,
            "output": self._output,
            "providers": " ".join(self._session.get_providers()),
            "library": f"onnxruntime {onnxruntime.__version__}",
            "device": f"{platform.machine()} {platform.processor()}".strip(),
        }

    def __call__(self, images: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Scores (n, classes) of images (n, channels, height, width)."""
        if images.dtype.kind != "f":
            raise InvalidInput(f"expected images of floats as the network takes them; got {images.dtype}")
        found: list[Any] = self._session.run([self._output], {self._input: images.astype(self._dtype, copy=False)})
        return np.asarray(found[0])


def _opened(content: bytes, providers: Providers) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.use_deterministic_compute = True
    # One thread: how work is split among several decides how sums are rounded.
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(content, options, providers=list(providers))
    except Exception as error:  # onnxruntime's errors have no root but Exception
        raise InvalidInput(f"onnxruntime cannot open the network: {error}") from error


def _expect_used(session: onnxruntime.InferenceSession, provider: str) -> None:
    """Onnxruntime goes on without a provider that it was built for and that finds no driver or no GPU."""
    used = session.get_providers()
    if provider not in used:
        raise InvalidInput(f"onnxruntime cannot use {provider} here, and would compute by {', '.join(used)}")


def _image_input(session: onnxruntime.InferenceSession) -> tuple[str, Any, int | None]:
    inputs = session.get_inputs()
    if len(inputs) != 1 or len(inputs[0].shape) != 4 or inputs[0].type not in _DTYPES:
        found = ", ".join(f"{one.name} {one.type} {one.shape}" for one in inputs)
        raise InvalidInput(f"expected one input of float images (n, channels, height, width); got {found}")
    first = inputs[0].shape[0]
    return inputs[0].name, _DTYPES[inputs[0].type], first if isinstance(first, int) else None


def _one_output(session: onnxruntime.InferenceSession, output: str | None) -> str:
    names: list[str] = [one.name for one in session.get_outputs()]
    if output is None and len(names) == 1:
        return names[0]
    if output not in names:
        raise InvalidInput(f"the network has the outputs {', '.join(names)}; say which holds the scores with output=")
    return output
