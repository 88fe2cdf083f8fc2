"""What is drawn on the axes of a picture, for each shape.

Never imports matplotlib: it gets its axes from `picture.py`. Never joins two times with a line
where steps between them are missing.
"""

from collections.abc import Sequence
from typing import Any

from mp_mcp.charts.shape import WHOLE, Bars, Heat, Series, Shape, Steps
from mp_mcp.charts.times import Scale

COLOURS = ("#1f6feb", "#d9480f", "#2b8a3e", "#862e9c", "#b8860b", "#0b7285", "#c2255c", "#495057")
BLUE = COLOURS[0]
MOST_LINES = len(COLOURS)
MOST_BARS = 30
MOST_GROUPS = 31
MOST_FUNNELS = 8
MOST_TIMES = 8
MOST_LONG_TIMES = 5
"""Labels of times that stand beside each other without touching, also beside a legend."""

SHORT_TIMES = ("%Y", "%b {day}")

MOST_MARKS = 31
"""Of a line; a longer one has marks only where a value stands alone."""

LONGEST = 28
NOTHING = float("nan")
UNITS = ((1e12, "T"), (1e9, "bn"), (1e6, "M"), (1e3, "k"))


def draw(shape: Shape, axes: Any) -> None:
    """Draw a shape on empty axes."""
    match shape:
        case Series():
            _series(shape, axes)
        case Bars():
            _bars(shape, axes)
        case Heat():
            _heat(shape, axes)
        case Steps():
            _steps(shape, axes)


def short(text: str, most: int = LONGEST) -> str:
    """A label that leaves room for the chart, on one line."""
    line = "".join(c if c.isprintable() else " " for c in text)
    return line if len(line) <= most else line[: most - 1] + "…"


def _series(series: Series, axes: Any) -> None:
    scale = series.scale
    for (name, values), colour in zip(series.lines, COLOURS, strict=False):
        places, known = _broken(scale, values)
        marks = range(len(known)) if len(values) <= MOST_MARKS else _alone(known)
        axes.plot(
            places,
            known,
            color=colour,
            label=short(name),
            marker="o",
            markevery=[*marks],
            markersize=3,
        )
    left_out = len(series.lines) - MOST_LINES
    if len(series.lines) > 1:
        title = f"the first {MOST_LINES} of {len(series.lines)}" if left_out > 0 else None
        axes.legend(
            loc="center left", bbox_to_anchor=(1.01, 0.5), frameon=False, title=title, fontsize=9
        )
    shown = [value for _, values in series.lines[:MOST_LINES] for value in values if value]
    _from_zero(axes.set_ylim, min(shown, default=0), max(shown, default=0))
    _time_axis(scale, axes)
    axes.set_xlabel(f"{short(series.times[0])} to {short(series.times[-1])}")
    axes.grid(axis="y", color="#dddddd", linewidth=0.8)
    _count_axis(axes.yaxis, shown)
    if len(series.lines) == 1:
        axes.set_ylabel(short(series.lines[0][0]))


def _broken(scale: Scale, values: Sequence[float | None]) -> tuple[list[float], list[float]]:
    """Places and values, with a break before each that comes after missing steps."""
    places: list[float] = []
    known: list[float] = []
    for place, value in zip(scale.places, values, strict=True):
        if scale.is_regular and places and place - places[-1] > 1:
            places.append(place - 1)
            known.append(NOTHING)
        places.append(place)
        known.append(NOTHING if value is None else value)
    return places, known


def _alone(known: Sequence[float]) -> list[int]:
    """Where a value has no neighbour to be joined with: a line alone would not show it."""
    is_there = [False, *(value == value for value in known), False]
    return [n for n in range(len(known)) if is_there[n : n + 3] == [False, True, False]]


def _time_axis(scale: Scale, axes: Any) -> None:
    """Labels at equal distances, on whole steps where there are steps."""
    last, pattern = scale.places[-1], _pattern(scale)
    most = MOST_TIMES if pattern in SHORT_TIMES else MOST_LONG_TIMES
    every = -(-(round(last) + 1) // most) if scale.is_regular else last / (most - 1)
    ticks = [n * every for n in range(most) if n * every <= last + every / 1000]
    moments = [*map(scale.at, ticks)]
    axes.set_xticks(ticks, [f"{m:{pattern.replace('{day}', str(m.day))}}" for m in moments])
    room = max(0.3 if scale.is_regular else 0, last / 80)
    axes.set_xlim(-room, last + room)


def _pattern(scale: Scale) -> str:
    """How to write a time: without what all of them share."""
    last = scale.at(scale.places[-1])
    if scale.in_months:
        return "%Y" if scale.step % 12 == 0 else "%b %Y"
    if (last - scale.first).days < MOST_TIMES and not _is_daily(scale):
        return "%m-%d %H:%M"
    return "%b {day}" if last.year == scale.first.year else "%Y-%m-%d"


def _is_daily(scale: Scale) -> bool:
    return scale.is_regular and scale.step % 86_400 == 0


def _bars(bars: Bars, axes: Any) -> None:
    names, values = bars.names[:MOST_BARS], bars.values[:MOST_BARS]
    drawn = axes.barh(range(len(names)), values, color=BLUE)
    axes.bar_label(drawn, [_number(value) for value in values], padding=3, fontsize=9)
    axes.set_yticks(range(len(names)), [short(name) for name in names])
    axes.invert_yaxis()
    _from_zero(axes.set_xlim, 0, max(values) * 1.05)
    _count_axis(axes.xaxis, values)
    left_out = len(bars.names) - len(names)
    note = f" (the first {len(names)} of {len(bars.names)})" if left_out else ""
    axes.set_xlabel(short(bars.measure) + note)


def _heat(heat: Heat, axes: Any) -> None:
    groups = heat.groups[-MOST_GROUPS:]
    shares = [[float("nan") if s is None else s for s in row] for _, _, row in groups]
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    for down, (_, _, row) in enumerate(groups):
        for across, share in enumerate(row):
            if share is not None and len(row) <= 16:
                colour = "white" if share > 0.55 else "#222222"
                text = f"{share:.0%}"
                axes.text(across, down, text, ha="center", va="center", color=colour, fontsize=8)
    axes.set_xticks(range(len(heat.periods)), heat.periods)
    axes.set_yticks(range(len(groups)), [f"{short(n)}  ({size:,})" for n, size, _ in groups])
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    left_out = len(heat.groups) - len(groups)
    note = f" (the last {len(groups)} of {len(heat.groups)})" if left_out else ""
    axes.set_xlabel(heat.title + note)


def _steps(steps: Steps, axes: Any) -> None:
    place, ticks = 0.0, []
    for name, funnel in steps.funnels[:MOST_FUNNELS]:
        several = len(steps.funnels) > 1
        title = ("everybody" if name == WHOLE else name) + ": "
        for number, step in enumerate(funnel, 1):
            axes.barh(place, step.share, color=BLUE, alpha=1 if number == 1 else 0.75)
            note = f"{step.users:,}  {step.share:.1%}"
            axes.text(step.share + 0.01, place, note, va="center", fontsize=9)
            label = short(step.name)
            ticks.append(
                (place, f"{short(title) if several and number == 1 else ''}{number}. {label}")
            )
            place += 1
        place += 0.6
    axes.set_yticks([where for where, _ in ticks], [label for _, label in ticks])
    axes.invert_yaxis()
    axes.set_xlim(0, max(1.25, *(s.share + 0.25 for _, f in steps.funnels for s in f)))
    axes.set_xticks([0, 0.25, 0.5, 0.75, 1], ["0%", "25%", "50%", "75%", "100%"])
    left_out = len(steps.funnels) - MOST_FUNNELS
    note = f" (the first {MOST_FUNNELS} of {len(steps.funnels)} segments)" if left_out > 0 else ""
    axes.set_xlabel("share of those who began" + note)


def _from_zero(set_limits: Any, least: float, most: float) -> None:
    """An axis that begins at zero, or ends there below it."""
    set_limits(min(0.0, least * 1.08), max(0.0, most * 1.08) or (0.0 if least < 0 else 1.0))


def _count_axis(axis: Any, values: Sequence[float]) -> None:
    """Few and short labels, and no halves where only whole things are counted."""
    is_whole = all(value == round(value) for value in values)
    axis.get_major_locator().set_params(nbins=8, integer=is_whole)
    axis.set_major_formatter(_brief)


def _brief(value: float, _: object = None) -> str:
    """`1.5M`, for an axis; the numbers themselves stand in the chart or in the table."""
    for size, unit in UNITS:
        if abs(value) >= size and value < 1e15:
            return f"{value / size:,.6g}{unit}"
    return _number(value)


def _number(value: float) -> str:
    return f"{value:,.12g}" if abs(value) < 1e15 else f"{value:.3g}"
