"""A small HTTP server for tests, on a real socket: it answers, hangs, drips or breaks as told."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit


@dataclass(frozen=True)
class Request:
    method: str
    target: str
    headers: Mapping[str, str]
    form: Mapping[str, str]
    """Of the query string and the body together."""

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    @property
    def query(self) -> str:
        return self.form.get("query", "")


Handler = Callable[[Request], "bytes | AsyncIterator[bytes]"]


@dataclass
class Server:
    url: str
    requests: list[Request] = field(default_factory=list)

    def asked(self, metric: str = "istio_") -> list[Request]:
        """What was asked about a metric: not what the source wants to know for itself."""
        return [request for request in self.requests if metric in request.query]


def answer(
    body: bytes | str = b"",
    status: int = 200,
    content_type: str = "application/json",
    headers: Mapping[str, str] | None = None,
) -> bytes:
    """A whole HTTP response."""
    data = body.encode() if isinstance(body, str) else body
    lines = {"Content-Type": content_type, "Content-Length": str(len(data)), **(headers or {})}
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return f"HTTP/1.1 {status} Status\r\n{head}\r\n".encode() + data


def vector(*samples: tuple[Mapping[str, str], str], **more: Any) -> str:
    """The body of an instant query's answer: labels and value of each series."""
    result = [{"metric": dict(labels), "value": [1.5, value]} for labels, value in samples]
    return json.dumps(
        {"status": "success", "data": {"resultType": "vector", "result": result}, **more}
    )


def matrix(*series: tuple[Mapping[str, str], Sequence[tuple[float, str]]]) -> str:
    """The body of a range query's answer: labels and samples of each series."""
    result = [{"metric": dict(labels), "values": values} for labels, values in series]
    return json.dumps({"status": "success", "data": {"resultType": "matrix", "result": result}})


@asynccontextmanager
async def serving(handler: Handler, tls: ssl.SSLContext | None = None) -> AsyncIterator[Server]:
    """A server on 127.0.0.1 and what it was asked."""
    tasks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            while first := await reader.read(1):
                if first == _HANDSHAKE:
                    writer.write(answer("this port speaks plain HTTP", 400, "text/plain"))
                    break
                request = await _read(first, reader)
                server.requests.append(request)
                if not await _respond(handler(request), writer):
                    break
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # the client or the test has ended the connection
        finally:
            tasks.discard(task)
            writer.close()

    listener = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
    port = listener.sockets[0].getsockname()[1]
    server = Server(f"{'https' if tls else 'http'}://127.0.0.1:{port}")
    try:
        yield server
    finally:
        listener.close()
        ended = list(tasks)
        for task in ended:
            task.cancel()
        await asyncio.gather(*ended, return_exceptions=True)
        await asyncio.sleep(0)


_HANDSHAKE = b"\x16"
"""The first byte of a TLS connection."""


async def _read(first: bytes, reader: asyncio.StreamReader) -> Request:
    method, target, _ = (first + await reader.readline()).decode().split(" ")
    headers: dict[str, str] = {}
    while line := (await reader.readline()).decode().strip():
        name, _, value = line.partition(":")
        headers[name.lower()] = value.strip()
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    pairs = parse_qsl(urlsplit(target).query, True) + parse_qsl(body.decode(), True)
    return Request(method, target, headers, dict(pairs))


async def _respond(response: bytes | AsyncIterator[bytes], writer: asyncio.StreamWriter) -> bool:
    """Whether the connection can be used again: not after a response in pieces, or of nothing."""
    if isinstance(response, bytes):
        writer.write(response)
        await writer.drain()
        return bool(response)
    async for piece in response:
        writer.write(piece)
        await writer.drain()
    return False
