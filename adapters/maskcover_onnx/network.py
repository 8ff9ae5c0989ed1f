"""`Network`: an ONNX network as a function from arrays to scores, with everything that could vary pinned."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import onnxruntime

from maskcover.classifiers.decisions import OwnLabels
from maskcover.errors import InvalidInput
from maskcover_onnx.devices import CUDA, Providers, name_of
from maskcover_onnx.files import Content

_DTYPES = {"tensor(float)": np.float32, "tensor(float16)": np.float16, "tensor(double)": np.float64}
_LABELS = ("tensor(int64)", "tensor(int32)")
_CHANNELS = (1, 3)
_SAME = 1e-2  # of the largest score: more than TF32 rounds, less than other weights change


class Network:
    """An ONNX network with one input of images (n, channels, height, width), or (n, height, width, channels).

    Args:
        content: The content of the network's files.
        providers: Execution providers of onnxruntime, in order. A missing one is an error, since onnxruntime would go
            on without it.
        output: The name of the output that holds the scores, if there are several outputs.
        decision: The name of the output with the labels that the network itself decides on; by default the output of
            whole numbers (n,), if there is one; "" for none. `OwnLabels` compares them with the scores.
        given: The user's session of the same file; on the first batch its scores must be the same.

    A call with images returns scores (n, classes). `batch_size` is the batch size of the export, None if the first
    axis is dynamic. `layout` follows from the sizes of the input; it is "chw" if they do not tell.

    Raises:
        InvalidInput: not a network, or a network that does not take images.
    """

    def __init__(
        self,
        content: Content,
        providers: Providers,
        output: str | None = None,
        decision: str | None = None,
        given: onnxruntime.InferenceSession | None = None,
    ) -> None:
        absent = [name for name in map(name_of, providers) if name not in onnxruntime.get_available_providers()]
        if absent:
            here = ", ".join(onnxruntime.get_available_providers())
            raise InvalidInput(f"onnxruntime has no {', '.join(absent)} here; it has {here}")
        self._session = _opened(content, providers)
        _expect_used(self._session, name_of(providers[0]))
        self._input, self._dtype, (self.batch_size, *self._sides) = _image_input(self._session)
        self.layout = _layout(self._sides)
        self._output = _one_output(self._session, output)
        self._decision = _decision(self._session, decision)
        self._own = OwnLabels(
            f"the output {self._decision} of the network",
            'Give a network that decides on its largest score, or say decision="" if that output is not the label',
        )
        self._content, self._given = content.identity, given

    @property
    def device(self) -> str:
        """The device on which the network runs, for people."""
        return "cuda" if CUDA in self._session.get_providers() else "cpu"

    def size_of_images(self, layout: Literal["hwc", "chw"]) -> tuple[int, int] | None:
        """The height and width of the input; None if it takes images of any size."""
        height, width = self._sides[1:] if layout == "chw" else self._sides[:2]
        return None if height is None or width is None else (height, width)

    @property
    def identity(self) -> dict[str, str]:
        """Entries for the fingerprint: digests of the files, the outputs used, the library and the device."""
        return {
            **self._content,
            "output": self._output,
            **({"decision": self._decision} if self._decision else {}),
            "providers": " ".join(self._session.get_providers()),
            "library": f"onnxruntime {onnxruntime.__version__}",
            "device": f"{platform.machine()} {platform.processor()}".strip(),
        }

    def __call__(self, images: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Scores (n, classes) of images."""
        if images.dtype.kind != "f":
            raise InvalidInput(f"expected images of floats; got {images.dtype}")
        sides = images.shape[1:]
        if len(sides) != 3 or any(fixed not in (None, side) for fixed, side in zip(self._sides, sides, strict=True)):
            sizes = ", ".join("any" if side is None else str(side) for side in self._sides)
            raise InvalidInput(f"the network takes images of {sizes}; got images of {sides}")
        inputs = {self._input: images.astype(self._dtype, copy=False)}
        names = [self._output, *([self._decision] if self._decision else [])]
        scores, *labels = map(np.asarray, self._session.run(names, inputs))
        if self._given is not None:
            _expect_same(self._given, self._output, inputs, scores)
            self._given = None
        return self._own.agreed(scores, labels[0].reshape(-1)) if labels else scores


def _expect_same(
    session: onnxruntime.InferenceSession, output: str, inputs: dict[str, Any], scores: npt.NDArray[Any]
) -> None:
    """Refuse a session whose file has changed since, or whose weights were replaced in memory.

    Sums may be rounded differently, since the session may use several threads.
    """
    try:
        answer = np.asarray(session.run([output], inputs)[0])
        scale = float(np.abs(scores[np.isfinite(scores)]).max(initial=0.0))
        same = answer.shape == scores.shape and np.allclose(answer, scores, rtol=0, atol=_SAME * scale, equal_nan=True)
    except Exception:  # onnxruntime's errors have no root but Exception
        same = False
    if not same:
        raise InvalidInput(
            "the session gives other scores than its file does now: the file has changed since, or the session has "
            "other weights; give the file itself, as onnx:FILE"
        )


def _opened(content: Content, providers: Providers) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.use_deterministic_compute = True
    # One thread: how work is split among several decides how sums are rounded.
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    try:
        if content.beside:
            names, files = list(content.beside), list(content.beside.values())
            options.add_external_initializers_from_files_in_memory(names, files, list(map(len, files)))
        return onnxruntime.InferenceSession(content.network, options, providers=list(providers))
    except Exception as error:  # onnxruntime's errors have no root but Exception
        raise InvalidInput(f"onnxruntime cannot open the network: {error}") from error


def _expect_used(session: onnxruntime.InferenceSession, provider: str) -> None:
    """Refuse a session that does not use its first provider: onnxruntime goes on silently where a driver is missing."""
    used = session.get_providers()
    if provider not in used:
        raise InvalidInput(f"onnxruntime cannot use {provider} here, and would compute by {', '.join(used)}")


def _image_input(session: onnxruntime.InferenceSession) -> tuple[str, Any, list[int | None]]:
    """The name, dtype and shape of the input; None for an axis of any length."""
    inputs = session.get_inputs()
    if len(inputs) != 1 or len(inputs[0].shape) != 4 or inputs[0].type not in _DTYPES:
        listed = ", ".join(f"{entry.name} {entry.type} {entry.shape}" for entry in inputs)
        raise InvalidInput(f"expected one input of float images (n, channels, height, width); got {listed}")
    shape = [axis if isinstance(axis, int) else None for axis in inputs[0].shape]
    return inputs[0].name, _DTYPES[inputs[0].type], shape


def _layout(sides: Sequence[int | None]) -> Literal["hwc", "chw"]:
    """The layout: channels are the axis of length 1 or 3, else the one that is not as long as the other two."""
    first, middle, last = sides
    if first in _CHANNELS or last in _CHANNELS:
        return "chw" if first in _CHANNELS else "hwc"
    return "hwc" if None not in sides and first == middle != last else "chw"


def _one_output(session: onnxruntime.InferenceSession, output: str | None) -> str:
    names: list[str] = [entry.name for entry in session.get_outputs()]
    floats: list[str] = [entry.name for entry in session.get_outputs() if entry.type in _DTYPES]
    if output is None and (len(names) == 1 or len(floats) == 1):
        return (floats or names)[0]
    if output not in names:
        raise InvalidInput(f"the network has the outputs {', '.join(names)}; say which holds the scores with output=")
    return output


def _decision(session: onnxruntime.InferenceSession, name: str | None) -> str:
    """The name of the output that holds labels; empty if there is none."""
    single = [
        entry
        for entry in session.get_outputs()
        if len(entry.shape) == 1 or (len(entry.shape) == 2 and entry.shape[1] == 1)
    ]
    there: list[str] = [entry.name for entry in single if entry.type in _LABELS]
    texts: list[str] = [entry.name for entry in single if entry.type == "tensor(string)"]
    if name is None and (texts or len(there) > 1):
        raise InvalidInput(
            f"the network gives its own labels, which cannot be compared with its scores ({', '.join(texts + there)}); "
            'name the output of whole numbers that it decides by with decision=, or say decision="" if none is'
        )
    if name is None:
        return there[0] if there else ""
    if name and name not in there:
        listed = ", ".join(there) or "none"
        raise InvalidInput(f"the network has no output {name} of labels, one whole number an image; it has {listed}")
    return name
