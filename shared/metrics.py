"""Prometheus metrics, right across several workers of one service (multiprocess mode by PROMETHEUS_MULTIPROC_DIR)."""

import os
from functools import lru_cache

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    REGISTRY,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
    multiprocess,
)

REQUESTS = Counter("http_requests", "Requests answered", ["method", "route", "status"])
SECONDS = Histogram(
    "http_request_seconds",
    "Time to answer",
    ["method", "route"],
    buckets=(0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30),
)
JOB_FAILURES = Counter("job_failures", "Failed runs of a job", ["job"])
CHANNEL_CALLS = Counter("channel_calls", "Calls to payment channels", ["channel", "call", "outcome"])
CHANNEL_MESSAGES = Counter("channel_messages", "Messages of payment channels", ["channel", "verdict"])
WEBHOOK_ATTEMPTS = Counter("webhook_attempts", "Attempts to push an event to a partner", ["outcome"])
RESEALED = Counter("resealed_values", "Sealed values brought under the current keys", ["column"])
GROUP_SIZE = Histogram("group_size", "Requests committed together", ["name"], buckets=(1, 2, 5, 10, 20, 50, 100, 200))
REPLICA_READS = Counter("replica_reads", "Reads that may be some seconds behind, by where they went", ["where"])
FOLLOWER_LAG = Gauge(
    "follower_lag_events", "Events not yet followed", ["source", "pool"], multiprocess_mode="mostrecent"
)

CONTENT_TYPE = CONTENT_TYPE_LATEST


@lru_cache(maxsize=4096)
def _request(method: str, route: str, status: int) -> tuple[Counter, Histogram]:
    """The counters of a kind of request, looked up once."""
    return REQUESTS.labels(method, route, str(status)), SECONDS.labels(method, route)


def count_request(method: str, route: str, status: int, seconds: float) -> None:
    """Count a request that was answered."""
    count, took = _request(method, route, status)
    count.inc()
    took.observe(seconds)


def render() -> bytes:
    """The metrics of all workers of this service, as text."""
    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        return generate_latest(REGISTRY)
    registry = CollectorRegistry()
    multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return generate_latest(registry)
