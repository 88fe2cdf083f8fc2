"""What is drawn on the axes of a picture, for each shape.

Never imports matplotlib: it gets its axes from `picture.py`.
"""

from datetime import date
from typing import Any

from mp_mcp.charts.shape import WHOLE, Bars, Heat, Series, Shape, Steps

COLOURS = ("#1f6feb", "#d9480f", "#2b8a3e", "#862e9c", "#b8860b", "#0b7285", "#c2255c", "#495057")
BLUE = COLOURS[0]
MOST_LINES = len(COLOURS)
MOST_BARS = 30
MOST_GROUPS = 31
MOST_FUNNELS = 8
MOST_TIMES = 8
"""Labels of times that stand beside each other without touching."""

LONGEST = 28


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
    places = range(len(series.times))
    for (name, values), colour in zip(series.lines, COLOURS, strict=False):
        known = [float("nan") if value is None else value for value in values]
        mark = "o" if len(known) <= 31 else None
        axes.plot(places, known, color=colour, label=short(name), marker=mark, markersize=3)
    left_out = len(series.lines) - MOST_LINES
    if len(series.lines) > 1:
        title = f"the first {MOST_LINES} of {len(series.lines)}" if left_out > 0 else None
        axes.legend(
            loc="center left", bbox_to_anchor=(1.01, 0.5), frameon=False, title=title, fontsize=9
        )
    shown = [value for _, values in series.lines[:MOST_LINES] for value in values if value]
    _from_zero(axes.set_ylim, min(shown, default=0), max(shown, default=0))
    every = -(-len(series.times) // MOST_TIMES)
    axes.set_xticks([*places][::every], [_time(time) for time in series.times][::every])
    axes.set_xlabel(f"{short(series.times[0])} to {short(series.times[-1])}")
    axes.set_xlim(-0.3, max(len(series.times) - 0.7, 1))
    axes.grid(axis="y", color="#dddddd", linewidth=0.8)
    axes.yaxis.set_major_formatter(_number)
    if len(series.lines) == 1:
        axes.set_ylabel(short(series.lines[0][0]))


def _bars(bars: Bars, axes: Any) -> None:
    names, values = bars.names[:MOST_BARS], bars.values[:MOST_BARS]
    drawn = axes.barh(range(len(names)), values, color=BLUE)
    axes.bar_label(drawn, [_number(value) for value in values], padding=3, fontsize=9)
    axes.set_yticks(range(len(names)), [short(name) for name in names])
    axes.invert_yaxis()
    _from_zero(axes.set_xlim, 0, max(values) * 1.05)
    axes.xaxis.set_major_formatter(_number)
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


def _time(text: str) -> str:
    """`Feb 1`, because ten letters eight times stand in each other's way."""
    try:
        found = date.fromisoformat(text)
    except ValueError:
        # Hours: `02-01 13:00`, without the year and what is less than a minute.
        return short(text[5:16].replace("T", " ") if len(text) > 16 else text, 12)
    return f"{found:%b} {found.day}"


def _number(value: float, _: object = None) -> str:
    return f"{value:,.12g}" if abs(value) < 1e15 else f"{value:.3g}"
