"""A model server that does nothing but answer fast: what every gateway of the benchmark carries to.

`stream` true: 100 chunks, a usage chunk when asked for, `[DONE]`, each in a turn of the loop of its own, or `--pace-ms` apart.
"""

import argparse
import asyncio

import uvloop

CHUNKS = 100
WHOLE = (
    b'{"id":"chatcmpl-1","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":{"role":'
    b'"assistant","content":"' + b"word " * 16 + b'"},"finish_reason":"length"}],"usage":{"prompt_tokens":12,'
    b'"completion_tokens":16,"total_tokens":28}}'
)
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (len(WHOLE), WHOLE)
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"


def event(choices: bytes, usage: bytes) -> bytes:
    data = b'data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"m","choices":%b,"usage":%b}\n\n'
    data %= (choices, usage)
    return b"%x\r\n%b\r\n" % (len(data), data)


CHUNK = event(b'[{"index":0,"delta":{"content":"word "},"finish_reason":null}]', b"null")
USAGE = event(b"[]", b'{"prompt_tokens":12,"completion_tokens":100,"total_tokens":112}')
END = b"e\r\ndata: [DONE]\n\n\r\n0\r\n\r\n"


class Server(asyncio.Protocol):
    pace_seconds = 0.0

    def connection_made(self, transport):
        self.transport, self.pending, self.loop = transport, b"", asyncio.get_running_loop()

    def data_received(self, data):
        self.pending += data
        while (end := self.pending.find(b"\r\n\r\n")) >= 0:
            head = self.pending[:end].lower()
            _, said, rest = head.partition(b"content-length:")
            size = int(rest.split(b"\r\n", 1)[0]) if said else 0
            if len(self.pending) < end + 4 + size:
                return
            body, self.pending = self.pending[end + 4 : end + 4 + size], self.pending[end + 4 + size :]
            if b'"stream":true' not in body.replace(b" ", b""):
                self.transport.write(ANSWER)
                continue
            self.transport.write(HEAD)
            self.next(CHUNKS, b'"include_usage"' in body)

    def next(self, left, tells):
        if self.transport.is_closing():
            return
        if left:
            self.transport.write(CHUNK)
            later = (left - 1, tells)
            if self.pace_seconds:
                self.loop.call_later(self.pace_seconds, self.next, *later)
            else:
                self.loop.call_soon(self.next, *later)
        else:
            self.transport.write((USAGE if tells else b"") + END)


async def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--port", type=int, required=True)
    arguments.add_argument("--pace-ms", type=float, default=0)
    chosen = arguments.parse_args()
    Server.pace_seconds = chosen.pace_ms / 1000
    server = await asyncio.get_running_loop().create_server(Server, "127.0.0.1", chosen.port, backlog=4096)
    print("ready", flush=True)
    await server.serve_forever()


uvloop.run(main())
