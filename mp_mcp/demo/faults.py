"""Faults that tests order: what a request meets instead of, or within, its right answer.

Never decides on its own to fail: without an order every answer is right.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from itertools import islice
from typing import Any

import anyio
from starlette.types import Message, Send

from mp_mcp.demo.error_shapes import SHAPES

LINE_FAULTS = (
    "terminated_early",
    "error_json_line",
    "malformed_line",
    "split_line",
    "duplicate_rows",
)
BYTE_FAULTS = ("cut", "broken_gzip", "stall")
ANSWER_FAULTS = ("status", "error_200", "redirect", "load_shed")
KINDS = (*LINE_FAULTS, *BYTE_FAULTS, *ANSWER_FAULTS, "broken_json", "delay")


class ConnectionCutError(Exception):
    """The answer ends here, without an end."""


@dataclass
class Fault:
    """One order; it is used up after `times` requests (None: never)."""

    path: str
    """Prefix of the request path."""
    fault: str
    times: int | None = 1
    query: dict[str, str] = field(default_factory=dict)
    """Only requests with these parameters, e.g. one day's window."""
    after: int | None = None
    """Lines, or bytes for the faults of bytes and `broken_json`, that come through first."""
    text: str = "terminated early"
    count: int = 3
    """How many rows `duplicate_rows` repeats, or into how many lines `split_line` splits."""
    status: int = 500
    body: Any = None
    """Text as it is, or any other value as JSON; None for the usual body of the status."""
    shape: str | None = None
    """One of the shapes of errors; None for that of the API."""
    error: str | None = None
    """The text of the error; None for the usual one of the status."""
    headers: dict[str, str] = field(default_factory=dict)
    content_type: str | None = None
    location: str = "/request_access/?next=/"
    seconds: float = 0.0
    """Wait so long first, or until it is taken back; `stall` waits within the answer."""
    taken_back: anyio.Event = field(default_factory=anyio.Event, init=False, repr=False)

    def meets(self, path: str, params: Mapping[str, Any]) -> bool:
        """Whether it applies to this request."""
        if self.times is not None and self.times <= 0:
            return False
        if not path.startswith(self.path):
            return False
        return all(str(params.get(name)) == str(value) for name, value in self.query.items())


def read_fault(order: dict[str, Any]) -> Fault:
    """The fault that a JSON order means; a wrong one is a ValueError or TypeError."""
    unknown = set(order) - {one.name for one in fields(Fault)}
    if unknown:
        raise ValueError(f"unknown fields of a fault: {sorted(unknown)}")
    if order.get("fault") not in KINDS:
        raise ValueError(f"unknown fault {order.get('fault')!r}; there are {', '.join(KINDS)}")
    if order.get("shape") not in (None, *SHAPES):
        raise ValueError(f"unknown shape {order['shape']!r}; there are {', '.join(SHAPES)}")
    if not isinstance(order.get("path"), str):
        raise TypeError("a fault needs the path (prefix) of the requests that it meets")
    return Fault(**order)


def take_fault(faults: list[Fault], path: str, params: Mapping[str, Any]) -> Fault | None:
    """The first fault that meets the request; one of its times is used."""
    for fault in faults:
        if fault.meets(path, params):
            if fault.times is not None:
                fault.times -= 1
            return fault
    return None


async def hold(fault: Fault) -> None:
    """Keep the request waiting for as long as the fault says."""
    with anyio.move_on_after(fault.seconds):
        await fault.taken_back.wait()


def broken_lines(fault: Fault, lines: Iterable[bytes]) -> Iterator[bytes]:
    """The lines of an export, with the fault after the first `after` of them."""
    rest = iter(lines)
    yield from islice(rest, 10 if fault.after is None else fault.after)
    if fault.fault == "terminated_early":
        yield fault.text.encode() + b"\n"
    elif fault.fault == "error_json_line":
        yield b'{"error":"An unknown error occurred."}\n'
    else:
        yield from _spoilt(fault, rest)
        yield from rest


def _spoilt(fault: Fault, rest: Iterator[bytes]) -> Iterator[bytes]:
    if fault.fault == "malformed_line":
        yield b'{"event":"Login","properties":{"time":17\n'
    elif fault.fault == "split_line":
        yield from (_split(line, fault.count) for line in islice(rest, 1))
    else:
        for line in islice(rest, fault.count):
            yield from (line, line)


def _split(line: bytes, count: int) -> bytes:
    text = line.decode()
    size = -(-len(text) // max(2, count))
    return "\n".join(text[start : start + size] for start in range(0, len(text), size)).encode()


def stalling(fault: Fault, send: Send) -> Send:
    """A `send` that goes silent for some time after so many bytes of the body."""
    left = 200 if fault.after is None else fault.after
    waited = False

    async def send_slowly(message: Message) -> None:
        nonlocal left, waited
        body = message.get("body", b"")
        if message["type"] == "http.response.body" and not waited and len(body) >= left:
            waited = True
            await send({**message, "body": body[:left], "more_body": True})
            await hold(fault)
            message = {**message, "body": body[left:]}
        elif message["type"] == "http.response.body":
            left -= len(body)
        await send(message)

    return send_slowly


def breaking(fault: Fault, send: Send) -> Send:
    """A `send` that cuts the connection, or garbles some bytes, after so many bytes of the body."""
    left = 200 if fault.after is None else fault.after

    async def send_broken(message: Message) -> None:
        nonlocal left
        if message["type"] != "http.response.body":
            await send(message)
            return
        body = message.get("body", b"")
        if fault.fault == "broken_gzip":
            garbled = bytes(byte ^ 0x5A for byte in body[left : left + 64])
            body = body[:left] + garbled + body[left + 64 :] if left >= 0 else body
            left = left - len(body) if left >= len(body) else -1
            await send({**message, "body": body})
            return
        if len(body) >= left or not message.get("more_body"):
            await send({**message, "body": body[:left], "more_body": True})
            raise ConnectionCutError
        left -= len(body)
        await send(message)

    return send_broken
