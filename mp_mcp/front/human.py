"""Numbers, dates and durations as people read them; for terminals only.

Never changes what a number says: separators and units come, digits do not go, but for the noise
after the twelfth and the decimals of a percentage.
"""

from collections.abc import Sequence
from typing import Any

RATIOS = (
    *("percent_change", "step_conv_ratio", "overall_conv_ratio"),
    *("conversion_rate", "share"),
)
DURATIONS = ("avg_time", "avg_time_from_start")
NAMES = {"id", "ids", "pid", "year", "zip", "port", "version", "code", "project", "number", "day"}
"""Words of columns whose numbers are names: nobody counts with them."""

UNITS = (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1))
MOST_DECIMALS = 4


def column(name: str, cells: Sequence[Any], *, ours: bool) -> list[Any]:
    """A column's cells, numbers and times as texts.

    Only in columns that are `ours` does the name say the unit: in SQL it is the person's own.
    """
    meaning = _meaning(name) if ours else ""
    if meaning:
        return [_measured(meaning, cell) for cell in cells]
    if _is_name(name):
        return list(cells)
    decimals = _decimals(cells)
    return [_cell(cell, decimals) for cell in cells]


def value(name: str, cell: Any) -> Any:
    """One field of ours."""
    return column(name, [cell], ours=True)[0]


def is_number(cell: Any) -> bool:
    """Whether it is one; a truth value is none."""
    return isinstance(cell, int | float) and not isinstance(cell, bool)


def are_times(cells: Sequence[Any]) -> bool:
    """Whether all of them are days or times, as ISO writes them."""
    known = [cell for cell in cells if cell is not None]
    return bool(known) and all(isinstance(c, str) and _is_time(c) for c in known)


def duration(seconds: float) -> str:
    """`4 d 8 h`, `2 min 5 s`, `0.3 s`: the two largest units."""
    if seconds < 0:
        return "-" + duration(-seconds)
    if seconds < 10:
        return f"{seconds:.3g} s"
    left = round(seconds)
    largest = next(place for place, (_, size) in enumerate(UNITS) if left >= size)
    parts = []
    for unit, size in UNITS[largest : largest + 2]:
        count, left = divmod(left, size)
        if count:
            parts.append(f"{count} {unit}")
    return " ".join(parts)


def size(count: float) -> str:
    """Bytes: `12.3 kB`."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000 or unit == "GB":
            return f"{count:.3g} {unit}" if count < 1000 else f"{count:,.0f} {unit}"
        count /= 1000
    raise AssertionError("the last unit returns")


def percent(share: float) -> str:
    """A fraction in percent."""
    return f"{share * 100:,.1f}%"


def number(count: float) -> str:
    """With thousands separators, and without the noise of floating point."""
    return f"{count:,}" if isinstance(count, int) else f"{count:,.12g}"


def day(text: str) -> str:
    """`2025-02-01` as `2025-02-01 Sat`."""
    from datetime import date

    try:
        return f"{text} {date.fromisoformat(text):%a}" if len(text) == 10 else text
    except ValueError:
        return text


def _meaning(name: str) -> str:
    if name in RATIOS or (name.startswith("rate_") and name[5:].isdecimal()):
        return "ratio"
    if name in DURATIONS or name.endswith("_s"):
        return "duration"
    if name.endswith(("_bytes", "bytes")):
        return "size"
    return "day" if name == "date" else ""


def _measured(meaning: str, cell: Any) -> Any:
    if meaning == "day":
        return day(cell) if isinstance(cell, str) else cell
    if not is_number(cell):
        return cell
    return {"ratio": percent, "duration": duration, "size": size}[meaning](cell)


def _cell(cell: Any, decimals: int | None) -> Any:
    if isinstance(cell, str):
        return _time(cell)
    if not is_number(cell):
        return cell
    # Whole numbers of a column of fractions stand under each other as well.
    return number(cell) if decimals is None else f"{cell:,.{decimals}f}"


def _decimals(cells: Sequence[Any]) -> int | None:
    """Decimals that all the fractions of a column fit into, None when there is no such number."""
    texts = [f"{cell:.12g}" for cell in cells if isinstance(cell, float)]
    if not texts or any("e" in text or "n" in text for text in texts):
        return None
    most = max(len(text.partition(".")[2]) for text in texts)
    return most if most <= MOST_DECIMALS else None


def _time(text: str) -> str:
    """`2026-11-26T17:55:20.223478` without the T, and without what is less than a second."""
    if len(text) < 19 or not _is_time(text):
        return text
    rest = text[19:].lstrip(".0123456789")
    return f"{text[:10]} {text[11:19]}{' UTC' if rest == 'Z' else rest}"


def _is_time(text: str) -> bool:
    """`2025-02-01`, or with a time of the day after it."""
    if not 10 <= len(text) <= 32 or text[4] + text[7] != "--":
        return False
    digits, clock = text[:4] + text[5:7] + text[8:10], text[10:19]
    is_clock = not clock or (len(clock) == 9 and clock[0] in "T " and clock[3] + clock[6] == "::")
    return (digits + clock[1:3] + clock[4:6] + clock[7:9]).isdecimal() and is_clock


def _is_name(name: str) -> bool:
    return not NAMES.isdisjoint(name.lower().replace("$", "").split("_"))
