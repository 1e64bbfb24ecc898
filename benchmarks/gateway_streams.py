"""Many paced streams at once: how long until the first piece (one JSON line), or how many are held, and for how long."""

import argparse
import asyncio
import json
import statistics
import time

import uvloop

SPREAD_SECONDS = 5.0  # as long as a stream takes
BODY = b'{"model":"m","stream":true,"max_tokens":100,"messages":[{"role":"user","content":"Say something about the sea."}]}'
REQUEST = (
    b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    b"Authorization: Bearer sk-benchmark\r\nContent-Length: %d\r\n\r\n%b" % (len(BODY), BODY)
)


async def first_pieces(port: int, begin_after: float, stop_at: float, seen: list[float]) -> None:
    """One connection, one stream after another; each is read to its end. They begin one after another, as people do."""
    await asyncio.sleep(begin_after)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    while time.perf_counter() < stop_at:
        began = time.perf_counter()
        writer.write(REQUEST)
        await reader.readuntil(b"data: ")
        seen.append((time.perf_counter() - began) * 1000)
        await reader.readuntil(b"0\r\n\r\n")
    writer.close()


async def ttft(port: int, connections: int, seconds: float) -> None:
    seen: list[float] = []
    stop_at = time.perf_counter() + SPREAD_SECONDS + seconds
    waits = [SPREAD_SECONDS * number / connections for number in range(connections)]
    await asyncio.gather(*(first_pieces(port, wait, stop_at, seen) for wait in waits))
    ordered = sorted(seen)
    p99 = ordered[int(len(ordered) * 0.99)]
    print(json.dumps({"streams": len(seen), "p50_ms": statistics.median(seen), "p99_ms": p99}))


async def hold(port: int, connections: int) -> None:
    """Prints how many streams have begun, then waits until its input is closed."""
    begun = 0

    async def one() -> None:
        nonlocal begun
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=4096)
        writer.write(REQUEST)
        await reader.readuntil(b"\r\n\r\n")
        begun += 1
        kept.append((reader, writer))

    kept: list[object] = []
    for start in range(0, connections, 200):
        await asyncio.gather(*(one() for _ in range(start, min(connections, start + 200))))
    print(json.dumps({"begun": begun}), flush=True)
    await asyncio.to_thread(input)


def main() -> None:
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--port", type=int, required=True)
    arguments.add_argument("--connections", type=int, default=128)
    arguments.add_argument("--seconds", type=float, default=4)
    arguments.add_argument("--hold", action="store_true")
    chosen = arguments.parse_args()
    if chosen.hold:
        uvloop.run(hold(chosen.port, chosen.connections))
    else:
        uvloop.run(ttft(chosen.port, chosen.connections, chosen.seconds))


if __name__ == "__main__":
    main()
