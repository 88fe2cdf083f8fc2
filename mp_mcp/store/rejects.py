"""The slow path: what to do with export files that DuckDB refuses to read as they are.

Never loses a line in silence: it is repaired, joined with its neighbours, or counted and kept.
Python touches every line here, so this runs only after the fast path failed.
"""

import gzip
import json
import re
import zlib
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path
from typing import BinaryIO

from mp_mcp.errors import IncompleteExportError

_BOM = b"\xef\xbb\xbf"
_MOST_FRAGMENTS, _LONGEST_RECORD = 32, 16 << 20
# Escapes as a whole, so that `\\ud800` (an escaped backslash) is not taken for a surrogate.
_ESCAPE = re.compile(
    r"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
    r"|(?P<lone>u[dD][89a-fA-F][0-9a-fA-F]{2})|.)",
    re.DOTALL,
)
_FIRST_SECOND, _LAST_SECOND = -62135596800, 100000000000


@dataclass
class Repair:
    """Clean copies of the files, and what it took to make them."""

    files: list[Path] = field(default_factory=list)
    malformed: int = 0
    repaired: int = 0
    longest: int = 0


def is_gzip(path: Path) -> bool:
    """Whether the file is gzip, by its first bytes: names lie."""
    with path.open("rb") as file:
        return file.read(2) == b"\x1f\x8b"


def write_head(files: list[Path], rows: int, into: Path) -> None:
    """Copy the first lines, unread: DuckDB unpacks a whole gzip file even for a few rows of it."""
    with into.open("wb") as out:
        lines = chain.from_iterable(map(_lines, files))
        out.writelines(line.removesuffix(b"\n") + b"\n" for line in islice(lines, rows))


def repair(files: list[Path], *, complete: bool, rejects: Path | None) -> Repair:
    """Write a clean copy beside each file; lines that are no events go to `rejects`.

    `complete` means that the files claim to be whole exports.
    Raises: IncompleteExportError when a file was cut; then no copy is left behind.
    """
    done = Repair()
    try:
        with ExitStack() as stack:
            kept = stack.enter_context(rejects.open("wb")) if rejects else None
            for path in files:
                copy = path.with_name(path.name + ".clean.json")
                done.files.append(copy)
                _Cleaner(done, complete=complete, kept=kept).clean(path, copy)
    except IncompleteExportError:
        remove(done.files)
        raise
    return done


def without_halves(text: str) -> str:
    """JSON text whose escaped halves of surrogates, which are no characters, became U+FFFD."""
    if "\\u" not in text:
        return text
    return _ESCAPE.sub(lambda match: r"\ufffd" if match["lone"] else match[0], text)


def remove(files: list[Path]) -> None:
    """Delete the clean copies."""
    for path in files:
        path.unlink(missing_ok=True)


def _lines(path: Path) -> Iterator[bytes]:
    """Lines split at LF only, each with its own LF if it has one (no LF: the end of a file)."""
    with gzip.open(path) if is_gzip(path) else path.open("rb") as file:
        try:
            yield from file
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise IncompleteExportError(
                f"The compressed file {path.name} is damaged or ends early.",
                hint="Nothing of it was loaded. Fetch it again.",
            ) from error


class _Cleaner:
    """One file on its way; `pending` are fragments of one record."""

    def __init__(self, done: Repair, *, complete: bool, kept: BinaryIO | None) -> None:
        self._done = done
        self._complete = complete
        self._kept = kept
        self._pending: list[bytes] = []

    def clean(self, path: Path, copy: Path) -> None:
        line = b"\n"
        with copy.open("wb") as out:
            for line in _lines(path):
                for record in self._take(line.removeprefix(_BOM).strip(b" \t\r\n"), path):
                    out.write(record + b"\n")
                    self._done.longest = max(self._done.longest, len(record))
        if self._pending and self._complete and not line.endswith(b"\n"):
            raise _cut(path)
        self._give_up()

    def _take(self, line: bytes, path: Path) -> Iterator[bytes]:
        if not line:
            return
        value, clean = _decode(line, self._done)
        if isinstance(value, dict) and (not self._pending or "event" in value):
            self._give_up()
            yield from self._judge(line, value, clean, path)
        elif self._pending:
            yield from self._join(line, path)
        elif line.startswith(b"{"):
            self._pending = [line]
        else:
            self._refuse_trailer(line, path)
            self._reject(line)

    def _judge(
        self, line: bytes, value: dict[str, object], clean: bytes, path: Path
    ) -> Iterator[bytes]:
        if _is_event(value):
            yield clean
            return
        if self._complete and "event" not in value and "error" in value:
            raise _cut(path)
        self._reject(line)

    def _join(self, line: bytes, path: Path) -> Iterator[bytes]:
        self._refuse_trailer(line, path)
        self._pending.append(line)
        found: list[tuple[bytes, dict[str, object], bytes]] = []
        for glue in (b"\n", b""):
            whole = glue.join(self._pending)
            value, clean = _decode(whole, self._done if not found else Repair())
            if isinstance(value, dict):
                found.append((whole, value, clean))
        if found:
            self._pending = []
            # A key may have been split, too: then only one of them is an event.
            likely = next((one for one in found if _is_event(one[1])), found[0])
            yield from self._judge(*likely, path)
            return
        if len(self._pending) > _MOST_FRAGMENTS or sum(map(len, self._pending)) > _LONGEST_RECORD:
            self._give_up()

    def _refuse_trailer(self, line: bytes, path: Path) -> None:
        if self._complete and b"terminated early" in line.lower() and not line.startswith(b"{"):
            raise _cut(path)

    def _give_up(self) -> None:
        for line in self._pending:
            self._reject(line)
        self._pending = []

    def _reject(self, line: bytes) -> None:
        self._done.malformed += 1
        if self._kept is not None:
            self._kept.write(line + b"\n")


def _cut(path: Path) -> IncompleteExportError:
    return IncompleteExportError(
        f"The export {path.name} ended early.", hint="Nothing of it was loaded. Fetch it again."
    )


def _decode(line: bytes, done: Repair) -> tuple[object, bytes]:
    """The JSON value of a line and the text that DuckDB reads as the same value."""
    text = line.decode(errors="replace")
    text = without_halves(text)
    changed = text.encode() != line
    value = _parse(text, strict=True)
    if value is not None and not _repeats(value, text):
        # Fragments were joined by LF; what is left of it stands between values.
        clean = text.replace("\n", " ").encode()
    else:
        # Raw control characters, or a key twice at the top: only Python takes those.
        value = _parse(text, strict=False) if value is None else value
        clean = json.dumps(value, ensure_ascii=False).encode()
    if value is not None and changed:
        done.repaired += 1
    return value, clean


def _repeats(value: object, text: str) -> bool:
    """Whether `event` or `properties` may be there twice, which DuckDB refuses."""
    return isinstance(value, dict) and any(
        text.count(f'"{key}"') > 1 for key in ("event", "properties")
    )


def _parse(text: str, *, strict: bool) -> object:
    try:
        return json.loads(text, strict=strict)
    except (ValueError, RecursionError):
        return None


def _is_event(value: dict[str, object]) -> bool:
    properties = value.get("properties")
    return (
        value.get("event") is not None
        and isinstance(properties, dict)
        and _is_time(properties.get("time"))
    )


def _is_time(value: object) -> bool:
    if isinstance(value, str) and not re.fullmatch(r"-?\d+(\.\d+)?", value, re.ASCII):
        return False
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return False
    number = float(value) if isinstance(value, str) else value
    return _FIRST_SECOND * 1000 <= number <= _LAST_SECOND * 1000
