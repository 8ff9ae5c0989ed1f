"""A server of S3 for tests, and programs that use it from processes of their own."""

from __future__ import annotations

import os
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest


@contextmanager
def one_put_at_a_time() -> Iterator[None]:
    """As in S3, no other request comes between the look at a condition and the writing; moto's threads have no lock."""
    responses = pytest.importorskip("moto.s3.responses")
    lock, original = threading.Lock(), responses.S3Response.put_object

    def put_object(self: Any) -> Any:
        with lock:
            return original(self)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(responses.S3Response, "put_object", put_object)
        yield


@contextmanager
def s3_server() -> Iterator[str]:
    """A server of S3 in this process, also for processes that are started meanwhile; gives the URL of a new bucket."""
    pytest.importorskip("s3fs")
    fsspec, moto = pytest.importorskip("fsspec"), pytest.importorskip("moto.server")
    server = moto.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    names = {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}", "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
    }  # fmt: skip
    before = {name: os.environ.get(name) for name in names}
    os.environ.update(names)
    fsspec.filesystem("s3").clear_instance_cache()
    try:
        bucket = f"bucket-{secrets.token_hex(4)}"
        fsspec.filesystem("s3", use_listings_cache=False).mkdir(bucket)
        with one_put_at_a_time():
            yield f"s3://{bucket}"
    finally:
        fsspec.filesystem("s3").clear_instance_cache()
        server.stop()
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})
