"""Numbers, dates and durations as people read them."""

from typing import Any

import pytest

from mp_mcp.front import human


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (0.25, "0.25 s"),
        (59.6, "1 min"),
        (61, "1 min 1 s"),
        (3600, "1 h"),
        (375089.954, "4 d 8 h"),
        (-90, "-1 min 30 s"),
    ],
)
def test_durations_have_their_two_largest_units(seconds: float, text: str) -> None:
    assert human.duration(seconds) == text


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 B"), (999, "999 B"), (12288, "12.3 kB"), (5.2e9, "5.2 GB"), (7e12, "7,000 GB")],
)
def test_sizes_have_a_unit(count: float, text: str) -> None:
    assert human.size(count) == text


@pytest.mark.parametrize(
    ("name", "cells", "texts"),
    [
        ("count", [1234567, None, 5], ["1,234,567", None, "5"]),
        ("sum", [4909.0199999999995, 5, None], ["4,909.02", "5.00", None]),
        ("tiny", [1e-9, 2.5], ["1e-09", "2.5"]),
        ("long", [0.123456789012], ["0.123456789012"]),
        ("overall_conv_ratio", [0.56257, None], ["56.3%", None]),
        ("rate_3", [0.0, 1], ["0.0%", "100.0%"]),
        ("avg_time", [90.0, "Infinity"], ["1 min 30 s", "Infinity"]),
        ("date", ["2025-02-01", "$average", "2025-02-01T13:00"], None),
        ("funnel_id", [100101054], [100101054]),
        ("$zip", [10115], [10115]),
        ("flag", [True, False], [True, False]),
        ("fetched_at", ["2026-11-26T17:55:20.223478"], ["2026-11-26 17:55:20"]),
        ("cached_at", ["2026-11-26T17:55:20Z"], ["2026-11-26 17:55:20 UTC"]),
        ("note", ["2026-11-26Tno:ti:me", "x" * 40], ["2026-11-26Tno:ti:me", "x" * 40]),
    ],
)
def test_a_column_is_spelled_by_its_name_and_values(
    name: str, cells: list[Any], texts: list[Any] | None
) -> None:
    expected = texts or ["2025-02-01 Sat", "$average", "2025-02-01T13:00"]
    assert human.column(name, cells, ours=True) == expected


def test_in_sql_a_name_says_nothing_about_the_unit() -> None:
    assert human.column("avg_time", [90.0], ours=False) == ["90"]
    assert human.column("date", ["2025-02-01"], ours=False) == ["2025-02-01"]
