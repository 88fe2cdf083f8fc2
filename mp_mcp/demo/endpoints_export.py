"""The raw export: lines of whole days, as they were stored.

Never removes duplicates, never promises an order and never marks the end.
"""

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta, tzinfo
from itertools import chain, islice

from starlette.responses import Response, StreamingResponse

from mp_mcp.demo.events import Event, line_of
from mp_mcp.demo.expressions import Expression, ExpressionError
from mp_mcp.demo.faults import LINE_FAULTS, broken_lines
from mp_mcp.demo.rows import passing
from mp_mcp.demo.segments import Segment, gzip_lines, gzip_stream, plain_stream
from mp_mcp.demo.wire import Call, WireError, endpoint

MAX_LIMIT = 100_000
GZIP_ABOVE = 1400
CHUNK = 64 * 1024


@endpoint("export", "/export")
def export(call: Call) -> Response:
    """All events of the days as JSON lines; filtered when that is asked."""
    first, last = call.days()
    if last > call.project.story.today:
        raise WireError(400, "to_date cannot be later than today")
    names = call.strings("event")
    where = call.expression("where")
    in_ms = call.choice("time_in_ms", ("true", "false", "1", "0"), "false") in ("true", "1")
    has_limit = call.params.get("limit") not in (None, "")
    limit = call.integer("limit", MAX_LIMIT, high=MAX_LIMIT) if has_limit else None
    broken = call.fault is not None and call.fault.fault in LINE_FAULTS
    shifted = call.world.switches.shifted_time and call.project.zone is not UTC
    if not (names or where or has_limit or broken or shifted):
        return _whole_days(call, _segments(call, first, last, in_ms))
    # The days of another zone reach into those of UTC beside them.
    margin = timedelta(days=1 if shifted else 0)
    events = _events(call, first - margin, last + margin, names, where)
    if shifted:
        events = _in_project_time(events, call.project.zone, first, last)
    lines: Iterable[bytes] = (line_of(event, in_ms) for event in islice(events, limit))
    if broken and call.fault is not None:
        lines = broken_lines(call.fault, lines)
    return _filtered(call, lines)


def _segments(call: Call, first: date, last: date, in_ms: bool) -> Iterator[Segment]:
    project = call.project
    for day in project.story.days_between(first, last):
        yield from project.day_files.segments(day, late=call.world.switches.late, in_ms=in_ms)


def _events(
    call: Call, first: date, last: date, names: list[str] | None, where: Expression | None
) -> Iterator[Event]:
    history = call.project.history
    for day in history.story.days_between(first, last):
        events: Iterable[Event] = history.exported(day, late=call.world.switches.late)
        if names:
            events = (event for event in events if event.name in names)
        yield from passing(history, events, where)


def _in_project_time(
    events: Iterable[Event], zone: tzinfo, first: date, last: date
) -> Iterator[Event]:
    """The events of the project's own days, with epochs shifted as if its clock showed UTC."""
    for event in events:
        moment = datetime.fromtimestamp(event.properties["time"] / 1000, zone)
        offset = moment.utcoffset() or timedelta()
        if first <= moment.date() <= last:
            shifted = event.properties["time"] + int(offset.total_seconds()) * 1000
            yield event._replace(properties={**event.properties, "time": shifted})


def _whole_days(call: Call, segments: Iterator[Segment]) -> Response:
    """The files as they are; only so many are made first as the choice of encoding needs."""
    leading: list[Segment] = []
    length = 0
    for segment in segments:
        leading.append(segment)
        length += segment.length
        if length > GZIP_ABOVE:
            break
    pieces = chain(leading, segments)
    if length > GZIP_ABOVE and _accepts_gzip(call):
        return _stream(gzip_stream(pieces), gzipped=True)
    return _stream(plain_stream(pieces), gzipped=False)


def _filtered(call: Call, lines: Iterable[bytes]) -> Response:
    chunks = _chunks(lines)
    try:
        head = next(chunks, b"")
    except ExpressionError as error:
        raise WireError(400, str(error), plain=True) from error
    text = chain([head], _with_late_error(chunks))
    if len(head) > GZIP_ABOVE and _accepts_gzip(call):
        return _stream(gzip_lines(text), gzipped=True)
    return _stream(text, gzipped=False)


def _accepts_gzip(call: Call) -> bool:
    return "gzip" in call.request.headers.get("accept-encoding", "")


def _stream(body: Iterable[bytes], *, gzipped: bool) -> Response:
    headers = {"Content-Encoding": "gzip"} if gzipped else {}
    return StreamingResponse(body, media_type="text/plain", headers=headers)


def _chunks(lines: Iterable[bytes]) -> Iterator[bytes]:
    pending: list[bytes] = []
    size = 0
    for line in lines:
        pending.append(line)
        size += len(line)
        if size >= CHUNK:
            yield b"".join(pending)
            pending.clear()
            size = 0
    if pending:
        yield b"".join(pending)


def _with_late_error(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """An expression that fails on a later row can only be told within the lines."""
    try:
        yield from chunks
    except ExpressionError:
        yield b'{"error":"An unknown error occurred."}\n'
