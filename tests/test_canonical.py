"""Strict JSON: one byte form, a digest of it, a reader that refuses, and writes that happen whole or not at all."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import stat
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maskcover.canonical import canonical_bytes, digest, read_strict, write_atomically
from maskcover.errors import DiskFull, InvalidInput, MaskFileError

ROOT = str(Path(__file__).parent.parent)
DOCUMENTS = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**20), 10**20) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=12,
)


@given(DOCUMENTS)
def test_canonical_bytes_read_back_as_the_document(document: object) -> None:
    assert read_strict(canonical_bytes(document).decode("ascii")) == document


@given(st.dictionaries(st.text(max_size=4), st.integers(), max_size=6))
def test_the_order_of_keys_does_not_change_the_bytes(document: dict[str, int]) -> None:
    assert canonical_bytes(dict(reversed(document.items()))) == canonical_bytes(document)


def test_the_digest_is_the_sha256_of_the_canonical_bytes() -> None:
    assert digest([1, "é"]) == "sha256:" + hashlib.sha256(b'[1,"\\u00e9"]').hexdigest()


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_numbers_that_json_lacks_have_no_bytes(value: float) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        canonical_bytes([value])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"a": 1, "a": 1}', "the key 'a' stands twice"),
        ('[{"b": {"a": 1, "c": 2, "a": 3}}]', "the key 'a' stands twice"),
        ("[1.0]", "whole numbers only; found 1.0"),
        ("[1e3]", "whole numbers only; found 1e3"),
        ("[NaN]", "whole numbers only; found NaN"),
        ("[-Infinity]", "whole numbers only; found -Infinity"),
        ("[1" + "0" * 100 + ".5]", "whole numbers only"),
        ("[" + "9" * 5000 + "]", "not a JSON document"),
        ("", "not a JSON document"),
        ("[1, 2", "not a JSON document"),
        ("[01]", "not a JSON document"),
        ("{} {}", "not a JSON document"),
        ("\ufeff{}", "not a JSON document"),
        ("[" * 100_000, "not a JSON document"),
    ],
)
def test_the_strict_reader_refuses_what_json_leaves_open(text: str, message: str) -> None:
    with pytest.raises(MaskFileError, match=message):
        read_strict(text)


@pytest.mark.parametrize("text", ["[1.5]", "[-2e-3]", "[0.0]", "[7]"])
def test_fractions_are_read_where_they_are_allowed(text: str) -> None:
    assert read_strict(text, fractions=True) == json.loads(text)


@pytest.mark.parametrize("text", ["[NaN]", "[-Infinity]", "[1e999]", "[-1e999]", "[-0]"])
def test_numbers_that_are_not_finite_are_refused_among_fractions_too(text: str) -> None:
    with pytest.raises(MaskFileError, match="expected finite numbers only; found"):
        read_strict(text, fractions=True)


def test_a_write_replaces_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "file.json"
    for text in ("old", "new é\n"):
        write_atomically(path, text.encode())
    assert path.read_bytes() == "new é\n".encode()
    assert list(tmp_path.iterdir()) == [path]


def test_a_written_file_has_the_rights_of_any_new_file(tmp_path: Path) -> None:
    usual = tmp_path / "usual"
    usual.touch()
    write_atomically(tmp_path / "written", b"x")
    assert (tmp_path / "written").stat().st_mode == usual.stat().st_mode


def _broken(*_: object, **__: object) -> None:
    raise OSError(28, "No space left on device")


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file.json"
    path.write_text("old")
    monkeypatch.setattr("pathlib.Path.replace", _broken)
    with pytest.raises(InvalidInput, match=r"cannot write .*No space left"):
        write_atomically(path, b"new")
    assert (path.read_text(), os.listdir(tmp_path)) == ("old", ["file.json"])  # noqa: PTH208 (Path is broken here)


def test_a_disk_that_is_full_while_writing_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "file.json"
    path.write_text("old")
    # In a process of its own: no file of it may grow beyond 1,000 bytes.
    script = (
        "import resource, signal, sys; from maskcover.canonical import write_atomically\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN); resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "write_atomically(sys.argv[1], bytes(100_000))"
    )
    command = [sys.executable, "-B", "-c", script, str(path)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ | {"PYTHONPATH": ROOT})
    assert "InvalidInput: cannot write" in ended.stderr
    assert "File too large" in ended.stderr
    assert (path.read_text(), list(tmp_path.iterdir())) == ("old", [path])


def test_only_a_new_file_is_written_if_that_is_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "file.json"
    assert write_atomically(path, b"first", only_new=True)
    assert not write_atomically(path, b"second", only_new=True)
    assert (path.read_bytes(), list(tmp_path.iterdir())) == (b"first", [path])
    assert write_atomically(path, b"third")
    assert path.read_bytes() == b"third"


def test_a_new_file_has_one_name_and_the_usual_rights(tmp_path: Path) -> None:
    usual = tmp_path / "usual"
    usual.touch()
    write_atomically(tmp_path / "written", b"x", only_new=True)
    assert (tmp_path / "written").stat().st_mode == usual.stat().st_mode
    assert (tmp_path / "written").stat().st_nlink == 1


def test_of_many_that_write_a_new_file_at_once_one_succeeds(tmp_path: Path) -> None:
    for attempt in range(20):
        path, together = tmp_path / f"{attempt}.json", threading.Barrier(8)

        def write(number: int, path: Path = path, together: threading.Barrier = together) -> bool:
            together.wait()
            return write_atomically(path, b"%d" % number * 10_000, only_new=True)

        with ThreadPoolExecutor(8) as pool:
            written = list(pool.map(write, range(8)))
        assert written.count(True) == 1
        assert path.read_bytes() == b"%d" % written.index(True) * 10_000
    assert len(list(tmp_path.iterdir())) == 20


def test_writing_from_many_threads_leaves_the_rights_of_new_files_alone(tmp_path: Path) -> None:
    umask = os.umask(0o027)
    try:
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda number: write_atomically(tmp_path / str(number), b"x"), range(400)))
        assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o640}
        assert os.umask(0o027) == 0o027
    finally:
        os.umask(umask)


@pytest.mark.parametrize("only_new", [False, True])
def test_a_new_file_that_cannot_be_put_in_place_leaves_nothing(
    only_new: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pathlib.Path.hardlink_to" if only_new else "pathlib.Path.replace", _broken)
    with pytest.raises(InvalidInput, match=r"cannot write .*No space left"):
        write_atomically(tmp_path / "file.json", b"new", only_new=only_new)
    assert list(tmp_path.iterdir()) == []


def test_an_interrupted_write_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("pathlib.Path.replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_atomically(tmp_path / "file.json", json.dumps({}).encode())
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput) as refused:
        write_atomically(tmp_path / "claims" / "x.json", b"new")
    assert str(refused.value).endswith(f"there is no folder {tmp_path / 'claims'}; make it, or name another file")


@pytest.mark.parametrize("name", ["missing/file.json", "folder"])
def test_a_place_that_cannot_be_written_is_an_error(name: str, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(InvalidInput, match="cannot write"):
        write_atomically(tmp_path / name, b"new")
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]


def test_content_and_name_are_on_the_disk_before_a_write_returns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The content before the name: after a power cut there is the old file or the new one."""
    happened: list[str] = []
    fsync, replace = os.fsync, Path.replace

    def synced(number: int) -> None:
        happened.append("folder" if stat.S_ISDIR(os.fstat(number).st_mode) else f"{os.fstat(number).st_size} bytes")
        fsync(number)

    def replaced(path: Path, target: Path) -> Path:
        happened.append("name")
        return replace(path, target)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(Path, "replace", replaced)
    write_atomically(tmp_path / "file.json", b"content")
    assert happened == ["7 bytes", "name", "folder"]
    happened.clear()
    write_atomically(tmp_path / "new.json", b"content", only_new=True)
    assert happened == ["7 bytes", "folder"]


def test_a_folder_that_cannot_be_synced_is_no_error_but_a_file_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def odd(number: int) -> None:
        if stat.S_ISDIR(os.fstat(number).st_mode):
            raise OSError(errno.EINVAL, "Invalid argument")

    monkeypatch.setattr(os, "fsync", odd)
    assert write_atomically(tmp_path / "file.json", b"x")

    def broken(_: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "fsync", broken)
    with pytest.raises(InvalidInput, match="Input/output error"):
        write_atomically(tmp_path / "file.json", b"y")
    assert (tmp_path / "file.json").read_bytes() == b"x"


@pytest.fixture(params=[errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK])
def no_links(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder as that of a USB stick."""

    def refused(*_: object) -> None:
        raise OSError(request.param, os.strerror(request.param))

    monkeypatch.setattr(os, "link", refused)


@pytest.fixture
def no_locks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Processes that keep no lock out, as between machines."""

    def refused(*_: object) -> None:
        raise OSError(errno.ENOTSUP, os.strerror(errno.ENOTSUP))

    monkeypatch.setattr("fcntl.flock", refused)


@pytest.mark.usefixtures("no_links")
def test_without_hard_links_a_new_file_is_written_once_all_the_same(tmp_path: Path) -> None:
    path = tmp_path / "file.json"
    assert write_atomically(path, b"first", only_new=True)
    assert not write_atomically(path, b"second", only_new=True)
    assert (path.read_bytes(), list(tmp_path.iterdir())) == (b"first", [path])
    dangling = tmp_path / "link"
    dangling.symlink_to("nowhere")
    assert not write_atomically(dangling, b"third", only_new=True)


@pytest.mark.usefixtures("no_links")
def test_without_hard_links_one_of_many_succeeds_and_a_reader_sees_no_half(tmp_path: Path) -> None:
    for attempt in range(5):
        path, together, seen = tmp_path / f"{attempt}.json", threading.Barrier(9), set[int]()

        def write(number: int, path: Path = path, together: threading.Barrier = together) -> bool:
            together.wait()
            return write_atomically(path, b"%d" % number * 100_000, only_new=True)

        def read(_: int, path: Path = path, together: threading.Barrier = together, seen: set[int] = seen) -> bool:
            together.wait()
            while not seen:
                seen |= {len(path.read_bytes())} if path.exists() else set()
            return False

        with ThreadPoolExecutor(9) as pool:
            looked = pool.submit(read, 0)
            written = list(pool.map(write, range(8)))
        assert not looked.result()
        assert (written.count(True), seen) == (1, {100_000})
        assert path.read_bytes() == b"%d" % written.index(True) * 100_000


def test_a_full_disk_is_an_error_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number, kind in ((errno.ENOSPC, DiskFull), (errno.EDQUOT, DiskFull), (errno.EACCES, InvalidInput)):

        def broken(*_: object, number: int = number) -> None:
            raise OSError(number, os.strerror(number))

        monkeypatch.setattr("pathlib.Path.replace", broken)
        with pytest.raises(InvalidInput, match="cannot write") as refused:
            write_atomically(tmp_path / "file.json", b"x")
        assert type(refused.value) is kind


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="named pipes in folders are of POSIX")
def test_a_pipe_is_written_to_and_stays_a_pipe(tmp_path: Path) -> None:
    """As /dev/stdout is: a file must not take its place."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reading = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    assert write_atomically(pipe, b"content")
    assert (os.read(reading, 100), pipe.is_fifo()) == (b"content", True)
    os.close(reading)


@pytest.mark.usefixtures("no_links")
@pytest.mark.parametrize("locks", [True, False])
def test_without_hard_links_one_of_many_writes_a_new_file(
    locks: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not locks:  # as between machines

        def refused(*_: object) -> None:
            raise OSError(errno.ENOTSUP, os.strerror(errno.ENOTSUP))

        monkeypatch.setattr("fcntl.flock", refused)
    for number in range(10):
        path = tmp_path / f"{number}.json"
        contents = [f"{writer} ".encode() * 1000 for writer in range(8)]
        with ThreadPoolExecutor(8) as pool:
            written = list(pool.map(lambda content: write_atomically(path, content, only_new=True), contents))  # noqa: B023
        assert [content for content, was in zip(contents, written, strict=True) if was] == [path.read_bytes()]
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"{number}.json" for number in range(10)]


@pytest.mark.usefixtures("no_links")
def test_without_hard_links_a_claim_of_a_process_that_was_killed_is_no_hindrance(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("maskcover.canonical._PAUSE", 0.0)
    (tmp_path / ".run.json.0.claim").touch()
    assert write_atomically(tmp_path / "run.json", b"mine", only_new=True)
    assert not write_atomically(tmp_path / "run.json", b"theirs", only_new=True)
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("run.json", b"mine")]


@pytest.mark.usefixtures("no_links", "no_locks")
def test_without_hard_links_a_process_that_seemed_lost_replaces_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first process sleeps before it gives the file its name; meanwhile the second one takes over."""
    monkeypatch.setattr("maskcover.canonical._PAUSE", 0.0)
    path, asleep, written = tmp_path / "run.json", threading.Event(), threading.Event()
    rename = Path.rename

    def slow(self: Path, target: Path) -> Path:
        if threading.current_thread() is not threading.main_thread():
            asleep.set()
            assert written.wait(60)
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", slow)
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(write_atomically, path, b"first", only_new=True)
        assert asleep.wait(60)
        second = write_atomically(path, b"second", only_new=True)
        assert path.read_bytes() == b"second"
        written.set()
        assert (first.result(), second) == (False, True)
    assert [(entry.name, entry.read_bytes()) for entry in tmp_path.iterdir()] == [("run.json", b"second")]


@pytest.mark.usefixtures("no_links", "no_locks")
def test_without_hard_links_a_claim_that_was_removed_is_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process that took over is killed before the file has its name: the first one starts again."""
    monkeypatch.setattr("maskcover.canonical._PAUSE", 0.0)
    path, others = tmp_path / "run.json", tmp_path / ".run.json.1.claim"
    rename, names = Path.rename, list[str]()

    def taken_over(self: Path, target: Path) -> Path:
        names.append(self.name)
        if len(names) == 1:
            others.touch()
            self.unlink()
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", taken_over)
    assert write_atomically(path, b"first", only_new=True)
    assert names == [".run.json.0.claim", ".run.json.2.claim"]
    assert [(entry.name, entry.read_bytes()) for entry in tmp_path.iterdir()] == [("run.json", b"first")]


@pytest.mark.usefixtures("no_links", "no_locks")
def test_without_hard_links_a_claim_is_waited_for_and_longer_each_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, claim, looks = tmp_path / "run.json", tmp_path / ".run.json.0.claim", list[float]()

    def wait(seconds: float) -> None:
        looks.append(seconds)
        if len(looks) == 99:  # one more, and the claim would be taken over
            claim.rename(path)

    monkeypatch.setattr("time.sleep", wait)
    claim.write_bytes(b"theirs")
    assert not write_atomically(path, b"mine", only_new=True)
    assert (path.read_bytes(), len(looks)) == (b"theirs", 99)
    for number, waits in ((0, 100), (1, 200), (3, 800)):
        looks.clear()
        path.unlink()
        looks.extend([0.0] * 100)  # no renaming any more
        (tmp_path / f".run.json.{number}.claim").touch()
        assert write_atomically(path, b"mine", only_new=True)
        assert len(looks) - 100 == waits
        assert [entry.name for entry in tmp_path.iterdir()] == ["run.json"]


@pytest.mark.usefixtures("no_links")
def test_without_hard_links_a_folder_that_is_gone_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="cannot write"):
        write_atomically(tmp_path / "gone" / "run.json", b"x", only_new=True)
