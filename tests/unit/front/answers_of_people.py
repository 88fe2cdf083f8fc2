"""Answers of tools for screens: SQL of every type, tables, a fetch, a status.

Never asks a tool: screens have to stay the same for ever.
"""

from typing import Any

Answer = dict[str, Any]

SQL: Answer = {
    "project": "1001",
    "columns": ["country", "users", "revenue", "avg_time", "first_seen", "user_id", "items", "vip"],
    "types": [
        *("VARCHAR", "BIGINT", "DOUBLE", "DOUBLE", "TIMESTAMP", "BIGINT", "VARCHAR[]", "BOOLEAN"),
    ],
    "rows": [
        ["BR", 1204, 48091.5, 12.25, "2025-02-01T09:14:03", 900001, ["book", "pen"], True],
        ["日本", 88, 4909.0199999999995, 3.5, "2025-02-01T23:59:59.123456", 900002, [], False],
        ["\x1b[31mred\x1b[0m", None, 0.0, None, None, 12345678, None, None],
        [
            "👩\u200d👩\u200d👧 family",
            1000000,
            1e15,
            0.0001,
            "2025-03-01T00:00:00",
            7,
            ["x" * 80],
            True,
        ],
    ],
    "row_count": 4,
    "truncated": False,
}
WIDE_SQL: Answer = {
    "project": "1001",
    "columns": [f"property_{number}" for number in range(30)] + ["empty"],
    "types": ["VARCHAR"] * 31,
    "rows": [[f"value {n} of row {row}" for n in range(30)] + [None] for row in range(3)],
    "row_count": 3,
    "truncated": True,
}
ONE_ROW: Answer = WIDE_SQL | {"rows": WIDE_SQL["rows"][:1], "row_count": 1, "truncated": False}
TABLES: Answer = {
    "project": "1001",
    "columns": [
        *("name", "kind", "rows", "columns", "first_day", "last_day", "days", "missing_days"),
        *("gaps", "stale_days", "events", "where", "fetched_at"),
    ],
    "rows": [
        [
            *("events", "events", 14657, 54, "2025-02-01", "2025-03-10", 38, 0),
            *(None, 0, None, None, "2026-11-26T17:55:20.223478"),
        ],
        [
            *("signups_of_brazil", "events", 911, 31, "2025-01-01", "2025-03-10", 66, 3),
            *("2025-01-05, 2025-01-07 to 2025-01-08", 2, "Signup"),
            *('properties["$country"] == "BR"', "2026-11-25T08:00:00.000001"),
        ],
        ["profiles", "profiles", 2001, 19, *[None] * 8, "2026-11-26T17:58:01.5"],
    ],
    "row_count": 3,
    "truncated": False,
}
FETCH: Answer = {
    "state": "done",
    "table": "events",
    "from_date": "2025-02-01",
    "to_date": "2025-03-10",
    "days": 38,
    "days_fetched": 38,
    "rows": 14657,
    "duplicates": 153,
    "reject_files": [],
    "new_columns": [f"$property_{number}" for number in range(24)],
    "job": "job-296408cfe6",
    "project": "1001",
}
STATUS: Answer = {
    "running": True,
    "pid": 22997,
    "version": "0.1.0",
    "uptime_s": 4512.0,
    "clients": ["mp pid 23265", "mp-mcp pid 23001 (Claude)"],
    "calls": [
        {
            "id": "12",
            "client": "mp-mcp pid 23001 (Claude)",
            "tool": "query_sql",
            "arguments": {"sql": "SELECT event, count(*) FROM events GROUP BY 1 ORDER BY 2 DESC"},
            "elapsed_s": 12.3,
        }
    ],
    "jobs": [],
    "budgets": [
        {"project": "1001", "api": "query", "used": 11, "limit": 60, "next_free_s": 3589.2},
        {"project": "1001", "api": "export", "used": 60, "limit": 60, "next_free_s": 45.0},
    ],
    "size_bytes": 12288,
    "state": "file",
}
