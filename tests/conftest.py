"""No model hubs; Hypothesis without deadlines, with the same examples at every run of the CI; and one thread.

Tests hold on every processor, however busy. To see that on one, MASKCOVER_TEST_MKLDNN=0 takes torch's other kernels,
MASKCOVER_TEST_THREADS=2 more threads, and MASKCOVER_TEST_CLOCK=wild a clock that says anything where it measures speed.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Iterator
from types import SimpleNamespace

import pytest
from hypothesis import Phase, settings

# Nothing here may reach for a model hub; read when its libraries are imported.
os.environ.setdefault("HF_HUB_OFFLINE", "1")
THREADS = int(os.environ.get("MASKCOVER_TEST_THREADS", "1"))
# Nets as small as those of tests are slower on many threads, by far where other workers want them; read at import, too.
os.environ.setdefault("OMP_NUM_THREADS", str(THREADS))

settings.register_profile("default", deadline=None, max_examples=40)
settings.register_profile("ci", settings.get_profile("default"), derandomize=True, database=None)
# For planted faults: that a test turns red matters, not the smallest example.
settings.register_profile("hasty", settings.get_profile("ci"), phases=(Phase.explicit, Phase.generate))
settings.register_profile("thorough", settings.get_profile("default"), max_examples=2000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE") or ("ci" if os.environ.get("CI") else "default"))


@pytest.fixture(scope="module")
def one_thread() -> Iterator[None]:
    """One thread, whatever tests before may have left; or as many as the environment says."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(THREADS)
    yield
    torch.set_num_threads(threads)


def wild_clock() -> Iterator[float]:
    """Seconds that grow by anything from a microsecond to ten seconds."""
    chance, now = random.Random(os.getpid()), time.perf_counter()  # noqa: S311 (a clock, not a secret)
    while True:
        now += 10 ** chance.uniform(-6, 1)
        yield now


@pytest.fixture(autouse=True, scope="session")
def other_machine() -> Iterator[None]:
    """The kernels and the clock that the environment asks for."""
    with pytest.MonkeyPatch.context() as patch:
        if os.environ.get("MASKCOVER_TEST_MKLDNN") == "0":
            import torch

            patch.setattr(torch.backends.mkldnn, "enabled", False)
        if os.environ.get("MASKCOVER_TEST_CLOCK") == "wild":
            import maskcover_torch.batches as measured

            patch.setattr(measured, "time", SimpleNamespace(perf_counter=wild_clock().__next__))
        yield
