"""One GET on loopback, without a client library: readiness is asked for every few milliseconds while starting."""

import asyncio

_TIMEOUT_SECONDS = 3.0
_LIMIT_BYTES = 4 * 1024 * 1024


async def get(port: int, path: str) -> tuple[int, bytes]:
    """Status and body; (0, b"") when nobody answers."""
    try:
        async with asyncio.timeout(_TIMEOUT_SECONDS):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            try:
                writer.write(f"GET {path} HTTP/1.0\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n".encode())
                answer = await reader.read(_LIMIT_BYTES)
                while chunk := await reader.read(_LIMIT_BYTES):
                    answer += chunk
            finally:
                writer.close()
    except (OSError, TimeoutError):
        return 0, b""
    head, _, body = answer.partition(b"\r\n\r\n")
    words = head.split(b" ", 2)
    return (int(words[1]), body) if len(words) > 1 and words[1].isdigit() else (0, b"")
