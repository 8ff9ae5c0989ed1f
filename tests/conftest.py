"""No model hubs; Hypothesis without deadlines, with the same examples at every run of the CI; and one thread."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from hypothesis import Phase, settings

# Nothing here may reach for a model hub; read when its libraries are imported.
os.environ.setdefault("HF_HUB_OFFLINE", "1")

settings.register_profile("default", deadline=None, max_examples=40)
settings.register_profile("ci", settings.get_profile("default"), derandomize=True, database=None)
# For planted faults: that a test turns red matters, not the smallest example.
settings.register_profile("hasty", settings.get_profile("ci"), phases=(Phase.explicit, Phase.generate))
settings.register_profile("thorough", settings.get_profile("default"), max_examples=2000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE") or ("ci" if os.environ.get("CI") else "default"))


@pytest.fixture(scope="module")
def one_thread() -> Iterator[None]:
    """Nets as small as those of tests are slower on many threads, by far on a busy machine."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
