"""The launcher for SLURM, by submitit's executor for processes of this machine."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

pytest.importorskip("submitit")

import maskcover_slurm

import maskcover as mc
from maskcover.runs import run_spec
from maskcover.runs.stores import place
from tests.runs.faults.patient import spec_of, write_data
from tests.runs.lookups import listing, rows

# submitit leaves the processes of local jobs to themselves, which Python complains about
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning", "ignore::ResourceWarning")
ROOT = Path(__file__).parents[2]
LOCAL = mc.Slurm(workers=2, cluster="local", hours=0.1)


@pytest.fixture(name="data")
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data set, and an environment in which jobs find the code."""
    code = os.pathsep.join([str(ROOT), str(ROOT / "adapters"), os.environ.get("PYTHONPATH", "")])
    monkeypatch.setenv("PYTHONPATH", code)
    monkeypatch.setenv("PATIENT_SECONDS", "0.005")
    monkeypatch.chdir(ROOT)
    write_data(tmp_path / "data.npz", 40)
    return tmp_path / "data.npz"


def test_jobs_share_a_run_by_leases(data: Path, tmp_path: Path) -> None:
    spec, notes = spec_of(data), tmp_path / "notes"
    run_spec(spec, tmp_path / "alone")
    notes.mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATIENT_NOTES", str(notes))
        maskcover_slurm.launch(LOCAL, spec, tmp_path / "out", False)
    assert rows(tmp_path / "out") == rows(tmp_path / "alone")
    assert listing(tmp_path / "out").keys() == listing(tmp_path / "alone").keys()
    assert len(list(notes.iterdir())) == 2, "two processes"
    assert list((tmp_path / "out.slurm").glob("*.out"))


def test_where_all_jobs_fail_the_reason_is_named_and_the_command_goes_on_later(data: Path, tmp_path: Path) -> None:
    spec = spec_of(data)
    gone = data.rename(tmp_path / "elsewhere.npz")
    with pytest.raises(mc.RunStopped, match=r"all 2 jobs ended before the run was finished; the last one: .*data\.npz"):
        maskcover_slurm.launch(LOCAL, spec, tmp_path / "out", False)
    gone.rename(data)
    maskcover_slurm.launch(LOCAL, spec, tmp_path / "out", False)
    assert len(rows(tmp_path / "out")) == 40


def test_a_job_that_is_preempted_is_the_same_job_again(data: Path) -> None:
    job = maskcover_slurm.Job(spec_of(data).document(), "RUN", ".")
    assert job.checkpoint().function is job


def test_jobs_are_told_of_an_object_store_by_its_name(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Asked(Exception):
        pass

    def submit(_: object, job: maskcover_slurm.Job) -> None:
        raise Asked(job.out)

    monkeypatch.setattr("submitit.AutoExecutor.submit", submit)
    settings = mc.Slurm(workers=1, cluster="local", logs=str(tmp_path / "logs"))
    with pytest.raises(Asked, match=r"^s3://bucket/RUN$"):
        maskcover_slurm.launch(settings, spec_of(data), Path("s3://bucket/RUN"), False)
    assert maskcover_slurm.logs_of(place("s3://bucket/RUN")) == Path.cwd() / "RUN.slurm"
