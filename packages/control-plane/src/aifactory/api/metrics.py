"""What Prometheus reads of this process: requests by domain, route and status, and how long they took."""

from functools import lru_cache

from prometheus_client import Histogram

BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
REQUESTS = Histogram(
    "aif_http_request_seconds",
    "Seconds from a request's authentication to its answer.",
    ("domain", "route", "status"),
    buckets=BUCKETS,
)

LOOP = Histogram(
    "aif_event_loop_late_seconds",
    "How late the event loop came back to whoever waited in it.",
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5),
)


@lru_cache(maxsize=4096)
def _series(domain: str, path: str, status: int) -> Histogram:
    return REQUESTS.labels(domain, path, str(status))


def observe(domain: str, path: str, status: int, seconds: float) -> None:
    """`path` is the route's, with its parameters unfilled, so that series stay few."""
    _series(domain, path, status).observe(seconds)


def observe_loop(late_seconds: float) -> None:
    LOOP.observe(late_seconds)
