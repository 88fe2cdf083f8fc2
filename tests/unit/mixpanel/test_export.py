import asyncio
import gzip
import json
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from pathlib import Path

import anyio
import httpx
import pytest

from mp_mcp.errors import (
    DiskFullError,
    IncompleteExportError,
    MixpanelError,
    StoreError,
)
from mp_mcp.mixpanel.export import TRIES, WRITTEN_AT_ONCE, export_window
from mp_mcp.mixpanel.http import Http, make_client
from mp_mcp.mixpanel.models import Credentials, ExportedFile, Target, Window

from .conftest import Script, Wire, streamed, unspent

pytestmark = pytest.mark.anyio


def utc_now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)


WINDOW = Window(date(2025, 1, 1), date(2025, 1, 2))
EVENTS = b"".join(
    json.dumps({"event": "Login", "properties": {"time": 1735732800 + n}}).encode() + b"\n"
    for n in range(100)
)
PACKED = gzip.compress(EVENTS)


async def download(wire: Wire, folder: Path) -> ExportedFile:
    return await export_window(
        wire.http, folder, WINDOW, events=(), where=None, on_bytes=lambda _count: None
    )


def names_in(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


async def test_compressed_bytes_reach_the_disk_untouched(script: Script, tmp_path: Path) -> None:
    wire = script(streamed(PACKED[:7], PACKED[7:]))
    counts: list[int] = []
    before = utc_now()
    exported = await export_window(
        wire.http,
        tmp_path,
        WINDOW,
        events=("Login", 'Say "hi"'),
        where='properties["plan"] == "pro"',
        on_bytes=counts.append,
    )
    assert exported == ExportedFile(
        tmp_path / "events-2025-01-01-2025-01-02.ndjson.gz",
        len(PACKED),
        WINDOW,
        exported.asked_at,
    )
    assert before <= exported.asked_at <= utc_now()
    assert exported.path.read_bytes() == PACKED
    assert counts == [7, len(PACKED) - 7]
    assert wire.query == {
        "project_id": "42",
        "from_date": "2025-01-01",
        "to_date": "2025-01-02",
        "event": '["Login", "Say \\"hi\\""]',
        "where": 'properties["plan"] == "pro"',
    }
    assert names_in(tmp_path) == [exported.path.name]


async def test_plain_bytes_get_a_name_without_gz(script: Script, tmp_path: Path) -> None:
    wire = script(streamed(EVENTS))
    exported = await download(wire, tmp_path)
    assert exported.path.name == "events-2025-01-01-2025-01-02.ndjson"
    assert exported.path.read_bytes() == EVENTS
    assert set(wire.query) == {"project_id", "from_date", "to_date"}


async def test_days_without_events_are_an_empty_file(script: Script, tmp_path: Path) -> None:
    exported = await download(script(streamed()), tmp_path)
    assert (exported.path.suffix, exported.bytes) == (".ndjson", 0)
    assert exported.path.read_bytes() == b""


async def test_a_body_of_many_megabytes_is_written_whole(script: Script, tmp_path: Path) -> None:
    body = EVENTS * (3 * WRITTEN_AT_ONCE // len(EVENTS))
    pieces = [body[start : start + 65_536] for start in range(0, len(body), 65_536)]
    exported = await download(script(streamed(*pieces)), tmp_path)
    assert exported.path.read_bytes() == body


BROKEN = {
    "connection reset": streamed(EVENTS, error=httpx.ReadError("reset")),
    "chunked body cut": streamed(EVENTS, error=httpx.RemoteProtocolError("incomplete")),
    "trailer": streamed(EVENTS + b"terminated early\n"),
    "trailer without line end": streamed(EVENTS + b"export terminated early"),
    "nothing but the trailer": streamed(b"Terminated Early"),
    "error line": streamed(EVENTS + b'{"error": "internal"}\n'),
    "nothing but an error": streamed(b'{"request": "/x", "error": "internal"}'),
    "cut inside an event": streamed(EVENTS[:-9]),
    "gzip cut": streamed(PACKED[:-1]),
    "gzip damaged": streamed(PACKED[:50] + b"\0\0\0\0" + PACKED[54:]),
    "trailer inside gzip": streamed(gzip.compress(EVENTS + b"terminated early")),
}


@pytest.mark.parametrize("symptom", BROKEN)
async def test_a_broken_export_starts_again_from_zero(
    script: Script, tmp_path: Path, symptom: str
) -> None:
    wire = script(BROKEN[symptom], streamed(PACKED))
    exported = await download(wire, tmp_path)
    assert exported.path.read_bytes() == PACKED
    assert [int(pause) for pause in wire.sleeps] == [1]


@pytest.mark.parametrize("symptom", BROKEN)
async def test_an_export_that_always_breaks_leaves_nothing(
    script: Script, tmp_path: Path, symptom: str
) -> None:
    wire = script(BROKEN[symptom])
    with pytest.raises(IncompleteExportError, match="2025-01-01 to 2025-01-02 broke off 3 times"):
        await download(wire, tmp_path)
    assert len(wire.requests) == TRIES
    assert names_in(tmp_path) == []


async def test_a_refused_export_is_asked_once_and_writes_nothing(
    script: Script, tmp_path: Path
) -> None:
    wire = script(httpx.Response(400, text="to_date cannot be later than today"))
    with pytest.raises(MixpanelError) as caught:
        await download(wire, tmp_path)
    assert "time zone" in str(caught.value.hint)
    assert len(wire.requests) == 1
    assert names_in(tmp_path) == []


async def test_a_full_disk_is_named(script: Script, tmp_path: Path) -> None:
    (tmp_path / "events-2025-01-01-2025-01-02.part").symlink_to("/dev/full")
    with pytest.raises(DiskFullError):
        await download(script(streamed(EVENTS)), tmp_path)
    assert names_in(tmp_path) == []


async def test_a_missing_folder_is_named(script: Script, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="No such file"):
        await download(script(streamed(EVENTS)), tmp_path / "gone")


async def test_a_cancelled_export_leaves_nothing(script: Script, tmp_path: Path) -> None:
    came = anyio.Event()

    class Endless(httpx.AsyncByteStream):
        closed = False

        async def __aiter__(self) -> AsyncIterator[bytes]:
            yield EVENTS
            came.set()
            await anyio.sleep_forever()

        async def aclose(self) -> None:
            self.closed = True

    body = Endless()
    transport = httpx.MockTransport(lambda _request: httpx.Response(200, stream=body))
    http = Http(make_client(transport), Target(Credentials("oauth", "tok"), "42"), unspent())
    with anyio.fail_after(5):
        async with anyio.create_task_group() as group:
            group.start_soon(
                lambda: export_window(
                    http, tmp_path, WINDOW, events=(), where=None, on_bytes=lambda _count: None
                )
            )
            await came.wait()
            group.cancel_scope.cancel()
    assert names_in(tmp_path) == []
    assert body.closed


@pytest.mark.parametrize("ending", [b"5\r\nabc", b""])
async def test_a_connection_that_closes_inside_a_chunked_body_is_a_broken_export(
    script: Script, tmp_path: Path, ending: bytes
) -> None:
    connections = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        writer.write(b"%x\r\n%s\r\n" % (len(EVENTS), EVENTS))
        writer.write(ending if connections < 3 else b"0\r\n\r\n")
        await writer.drain()
        writer.close()

    async def no_sleep(_seconds: float) -> None:
        pass

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server, make_client() as client:
        host, port = server.sockets[0].getsockname()
        target = Target(Credentials("oauth", "tok"), "42", base_url=f"http://{host}:{port}")
        with anyio.fail_after(10):
            exported = await export_window(
                Http(client, target, unspent(), sleep=no_sleep),
                tmp_path,
                WINDOW,
                events=(),
                where=None,
                on_bytes=lambda _count: None,
            )
    assert exported.path.read_bytes() == EVENTS
    assert connections == 3
