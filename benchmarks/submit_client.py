"""Submits over HTTP as fast as the server answers: one program for us and for a peer, in a process of its own.

Reads one JSON object from stdin: port, path, headers, body, clients (connections kept open, one request each at a time),
seconds (after which no further request starts; those under way are waited for) and accepted (the status that counts).
Prints {"accepted", "refused": {status: count}, "seconds", "latencies_ms"}. Only the standard library.
"""

import json
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from typing import Any
from uuid import uuid4

ANSWER_SECONDS = 60


def submit(job: dict[str, Any], ends: float) -> list[tuple[int, float]]:
    """One client: the status and milliseconds of each request. Every request has an Idempotency-Key of its own."""
    connection = HTTPConnection("127.0.0.1", job["port"], timeout=ANSWER_SECONDS)
    body = json.dumps(job["body"])
    headers = {"Content-Type": "application/json", **job["headers"]}
    seen = []
    while (began := time.perf_counter()) < ends:
        connection.request("POST", job["path"], body, headers | {"Idempotency-Key": f"bench-{uuid4()}"})
        answer = connection.getresponse()
        answer.read()
        seen.append((answer.status, (time.perf_counter() - began) * 1000))
    connection.close()
    return seen


def main() -> None:
    job = json.load(sys.stdin)
    began = time.perf_counter()
    with ThreadPoolExecutor(job["clients"]) as pool:
        clients = [pool.submit(submit, job, began + job["seconds"]) for _ in range(job["clients"])]
        seen = [one for client in clients for one in client.result()]
    seconds = time.perf_counter() - began
    statuses = Counter(status for status, _ in seen)
    latencies = [latency for status, latency in seen if status == job["accepted"]]
    accepted = statuses.pop(job["accepted"], 0)
    json.dump({"accepted": accepted, "refused": statuses, "seconds": seconds, "latencies_ms": latencies}, sys.stdout)


if __name__ == "__main__":
    main()
