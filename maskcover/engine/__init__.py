"""The engine: it prepares and probes a classifier, then asks it for the predictions that decisions wait for."""

from maskcover.engine.preparation import fingerprint
from maskcover.engine.probes import ProbeReport, probe
from maskcover.engine.queue import Failed, run_queries

__all__ = ["Failed", "ProbeReport", "fingerprint", "probe", "run_queries"]
