"""What a pool of Ray makes of the items that its workers give; without a cluster."""

from __future__ import annotations

from typing import Any

import pytest

ray = pytest.importorskip("ray")

from maskcover_ray.pool import Needs, Problem, RayPool, Worker, _Started  # noqa: E402 (skipped without Ray)

from maskcover.runs.driving import Begun, Erred, Lost, Made, News, Refused  # noqa: E402
from maskcover.runs.leases import Holder  # noqa: E402

NODES = {name: Worker(name, "10.0.0.1", 7, Holder.this()) for name in ("node-a", "node-b")}
ERROR, OTHER = Problem("OSError: busy", refuses=False), Problem("InvalidInput: other weights", refuses=True)


@pytest.fixture(name="pool")
def make_pool(monkeypatch: pytest.MonkeyPatch) -> RayPool[int]:
    monkeypatch.setattr(ray, "get", lambda item: item)
    return RayPool(lambda keys: iter([(key, None) for key in keys]), Needs(1, 0), None)


def heard(pool: RayPool[int], node: str | None, item: Any) -> News:
    """The news of an attempt of a worker on a node that gives this item."""
    number = len(pool._started) + 100
    pool._started[number] = _Started(iter([item]), None if node is None else NODES[node])
    news = pool._news_of(number)
    assert news.attempt == number
    assert (number in pool._started) == isinstance(news, Begun | Made)
    return news


def test_an_error_leaves_its_node_in(pool: RayPool[int]) -> None:
    assert isinstance(heard(pool, None, NODES["node-a"]), Begun)
    for _ in range(4):
        assert [type(heard(pool, "node-a", ERROR)) for _ in range(2)] == [Erred, Erred]
        assert isinstance(heard(pool, "node-a", (3, "rows")), Made)
    assert pool.refused == {}


def test_a_node_that_gives_nothing_but_errors_is_left_out(pool: RayPool[int]) -> None:
    kinds = [type(heard(pool, node, ERROR)) for node in ("node-a", "node-b", "node-a", "node-b", "node-a")]
    assert kinds == [Erred, Erred, Erred, Erred, Refused]
    assert pool.refused == {"node-a": "OSError: busy"}


def test_a_worker_of_another_model_is_left_out_at_once(pool: RayPool[int]) -> None:
    news = heard(pool, "node-b", OTHER)
    assert isinstance(news, Refused)
    assert news.reason == "InvalidInput: other weights"
    assert pool.refused == {"node-b": "InvalidInput: other weights"}


def test_an_error_of_a_worker_that_is_not_known_is_a_loss(pool: RayPool[int]) -> None:
    assert isinstance(heard(pool, None, OTHER), Lost)
    assert pool.refused == {}
