"""No model hubs; and Hypothesis profiles: no deadlines on slow machines, the same examples at every run of the CI."""

from __future__ import annotations

import os

from hypothesis import Phase, settings

# Nothing here may reach for a model hub; read when its libraries are imported.
os.environ.setdefault("HF_HUB_OFFLINE", "1")

settings.register_profile("default", deadline=None, max_examples=40)
settings.register_profile("ci", settings.get_profile("default"), derandomize=True, database=None)
# For planted faults: that a test turns red matters, not the smallest example.
settings.register_profile("hasty", settings.get_profile("ci"), phases=(Phase.explicit, Phase.generate))
settings.register_profile("thorough", settings.get_profile("default"), max_examples=2000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE") or ("ci" if os.environ.get("CI") else "default"))
