"""Answers of tools, as their structured content, one of each kind of chart.

Never asks a tool: screens and pictures have to stay the same for ever.
"""

import math
from typing import Any

Answer = dict[str, Any]

DAYS = [f"2025-02-{day:02}" for day in range(1, 29)]
CITIES = ("San Francisco", "大阪", "Saint-Étienne", "São Paulo", "Zürich 🚀", "Łódź")


def _wave(place: int, base: float, height: float) -> int:
    return round(base + height * math.sin(place / 2.2))


SEGMENTATION: Answer = {
    "project": "1001",
    "time_zone": "UTC",
    "columns": ["date", "Purchase"],
    "rows": [[day, 0 if n == 1 else _wave(n, 1400, 350)] for n, day in enumerate(DAYS)],
    "row_count": 28,
    "truncated": False,
}
BREAKDOWN: Answer = SEGMENTATION | {
    "columns": ["date", *CITIES],
    "rows": [
        [day, *(_wave(n + 3 * c, 60 - 8 * c, 20 - 3 * c) for c in range(len(CITIES)))]
        for n, day in enumerate(DAYS[:14])
    ],
    "row_count": 14,
}
TOP_EVENTS: Answer = {
    "project": "1001",
    "columns": ["event", "count", "percent_change"],
    "rows": [
        ["Page View", 162345, 0.5429],
        ["Suporte: Olá 👋", 9512, 5.0],
        ["Report Exported", 6, -0.3333],
        ["Deleted", 0, None],
    ],
    "row_count": 4,
    "truncated": False,
}
FUNNEL: Answer = {
    "project": "1001",
    "columns": [
        *("step", "event", "count", "step_conv_ratio", "overall_conv_ratio"),
        *("avg_time", "avg_time_from_start"),
    ],
    "rows": [
        [1, "Signup", 8870, 1.0, 1.0, None, None],
        [2, "Plan Upgraded", 4991, 0.56268, 0.56268, 375089.954, 375089.954],
        [3, "Purchase", 312, 0.062513, 0.035175, 59.5, 375149.454],
    ],
    "row_count": 3,
    "truncated": False,
}
SEGMENTED_FUNNEL: Answer = FUNNEL | {
    "columns": ["segment", *FUNNEL["columns"]],
    "rows": [[name, *row] for name in ("$overall", "free", "team") for row in FUNNEL["rows"]],
    "row_count": 9,
}
RETENTION: Answer = {
    "project": "1001",
    "columns": [
        *("date", "users"),
        *(f"count_{n}" for n in range(6)),
        *(f"rate_{n}" for n in range(6)),
    ],
    "rows": [
        [
            *(day, 1200 - 100 * place),
            *(None if n > 5 - place else round((1200 - 100 * place) / (n + 1.2)) for n in range(6)),
            *(None if n > 5 - place else round(1 / (n + 1.2), 6) for n in range(6)),
        ]
        for place, day in enumerate(DAYS[:6])
    ],
    "row_count": 6,
    "truncated": False,
}
FREQUENCY: Answer = {
    "columns": ["date", *(f"at_least_{n}" for n in range(1, 25))],
    "rows": [
        ["2025-02-01", 42, 14, 1, *[0] * 21],
        ["2025-02-02", 0, *[0] * 23],
    ],
}
