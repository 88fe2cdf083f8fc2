"""A chart as a PNG or SVG file, drawn by matplotlib without a screen.

Never starts an axis of counts anywhere but at zero, and never is imported by a start of `mp` or of
the server: matplotlib takes a second.
"""

import io
import warnings
from collections.abc import Mapping
from threading import Lock
from typing import Any, Literal, NamedTuple

from mp_mcp.charts import panels
from mp_mcp.charts.shape import Bars, Heat, Series, Shape
from mp_mcp.errors import UsageError

INSTALL = "python -m pip install 'mp-mcp[charts]'"
INCHES = (8.0, 4.5)
DOTS = 110
MOST_INCHES = 12.0
MOST_COLOURS = 64
LONGEST_TITLE = 48
"""Fits beside the longest names of bars."""

FAMILIES = (
    *("DejaVu Sans", "Noto Sans CJK JP", "Noto Sans CJK SC", "Noto Sans JP", "Hiragino Sans"),
    *("PingFang SC", "Apple SD Gothic Neo", "Yu Gothic", "Microsoft YaHei", "Malgun Gothic"),
    *("WenQuanYi Zen Hei", "Droid Sans Fallback", "Arial Unicode MS", "Noto Emoji"),
)
"""Fonts that are asked for a letter one after the other, as far as this machine has them."""

BOXES = "No font here has some letters of the names: they are drawn as boxes."
MISSING = "missing from font"
"""What matplotlib's warnings say of such a letter."""

WORDS = {"sql": "SQL", "jql": "JQL"}

Format = Literal["png", "svg"]


class Picture(NamedTuple):
    """A file, and what its reader should know of it."""

    file: bytes
    hint: str | None = None


_one_at_a_time = Lock()
"""matplotlib's text engine is not made for several threads."""


def require() -> None:
    """Raises: UsageError when the library is not installed."""
    try:
        import matplotlib  # noqa: F401 - whether it is there
    except ImportError as error:
        raise UsageError(
            "Charts as pictures need matplotlib, which is not installed.",
            hint=f"Install it: {INSTALL} (then `mp server stop`), or go on without a chart.",
        ) from error


def picture(shape: Shape, title: str, form: Format = "png") -> Picture:
    """The chart drawn. Raises: UsageError when the library is not installed."""
    require()
    with _one_at_a_time, warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        file = _drawn(shape, title, form)
    # A letter that no font of this machine has is drawn as a box: no reason to fail.
    has_boxes = any(MISSING in str(one.message) for one in told)
    return Picture(file, BOXES if has_boxes else None)


def title_of(tool: str, arguments: Mapping[str, Any]) -> str:
    """What was asked, in a line."""
    name = tool.removeprefix("query_")
    words = WORDS.get(name) or name.replace("_", " ").capitalize()
    if name == "sql" and arguments.get("sql"):
        return f"{words}: {' '.join(str(arguments['sql']).split())}"
    named = ("event", "events", "born", "return", "funnel_id", "bookmark_id", "property", "on")
    values = [arguments[name] for name in named if arguments.get(name)]
    texts = [", ".join(map(str, v)) if isinstance(v, list | tuple) else str(v) for v in values]
    return f"{words}: {', '.join(texts)}" if texts else words


def _drawn(shape: Shape, title: str, form: Format) -> bytes:
    from matplotlib import font_manager, rc_context
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    known = {font.name for font in font_manager.fontManager.ttflist}
    rules: Any = {
        "font.family": [name for name in FAMILIES if name in known],
        "font.size": 10,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.titlelocation": "left",
        "axes.edgecolor": "#888888",
        "svg.fonttype": "path",
        "svg.hashsalt": "mp",
        "text.parse_math": False,
    }
    with rc_context(rules):
        figure = Figure(figsize=_size(shape), dpi=DOTS, layout="constrained")
        canvas = FigureCanvasAgg(figure)
        axes = figure.add_subplot()
        panels.draw(shape, axes)
        axes.set_title(panels.short(title, LONGEST_TITLE), fontsize=12, fontweight="bold", pad=12)
        if form == "png":
            return _small(canvas)
        file = io.BytesIO()
        figure.savefig(file, format=form, metadata={"Date": None})
    return file.getvalue()


def _small(canvas: Any) -> bytes:
    """A third of the bytes in a palette of colours: a chat pays for each."""
    from PIL import Image

    canvas.draw()
    size = canvas.get_width_height()
    image = Image.frombuffer("RGBA", size, canvas.buffer_rgba()).convert("RGB")
    file = io.BytesIO()
    image.quantize(MOST_COLOURS).save(file, format="PNG", optimize=True)
    return file.getvalue()


def _size(shape: Shape) -> tuple[float, float]:
    """Taller where there are many names, so that none is cut."""
    wide, high = INCHES
    if isinstance(shape, Series):
        return wide, high
    if isinstance(shape, Bars):
        count = min(len(shape.names), panels.MOST_BARS)
    elif isinstance(shape, Heat):
        count = min(len(shape.groups), panels.MOST_GROUPS)
    else:
        count = sum(len(funnel) + 1 for _, funnel in shape.funnels[: panels.MOST_FUNNELS])
    return wide, min(max(2.4, 1.4 + 0.3 * count), MOST_INCHES)
