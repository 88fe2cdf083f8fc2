"""`--chart FILE.png|FILE.svg`: the chart of an answer as a picture.

Never leaves a part of one under its final name, never replaces a file that nobody agreed to lose.
"""

import os
import sys
from collections.abc import Mapping
from typing import Any, Literal

from mp_mcp.charts import picture
from mp_mcp.charts.shape import shape_of
from mp_mcp.errors import DiskFullError, UsageError
from mp_mcp.front import ask, talk


def check(path: str, *, force: bool) -> None:
    """A person at a terminal is asked whether to replace it.

    Raises: UsageError when it cannot be drawn, or not be written there; KeyboardInterrupt when the
    answer is no.
    """
    picture.require()
    folder = os.path.dirname(path) or "."  # noqa: PTH120 - pathlib is slow to load
    if not os.path.isdir(folder):  # noqa: PTH112
        raise UsageError(f"There is no folder {folder}.", hint="Make it, or use another one.")
    if not os.access(folder, os.W_OK | os.X_OK) or os.path.isdir(path):  # noqa: PTH112
        raise UsageError(f"{path} cannot be written.", hint="Use another name or folder.")
    if os.path.exists(path) and not force:  # noqa: PTH110
        if not sys.stdin.isatty():
            raise UsageError(
                f"{path} is there already.", hint="--force replaces it, or use another name."
            )
        ask.confirmed(f"replace {path}?")


def write(
    path: str, tool: str, arguments: Mapping[str, Any], result: Mapping[str, Any], *, quiet: bool
) -> None:
    """Draw the answer and write it. Raises: UsageError when it is no chart; DiskFullError."""
    shape = shape_of(result)
    if shape is None:
        raise UsageError(
            "This answer has nothing to draw.",
            hint="Draw counts over time, a name with a number, a funnel or a retention.",
        )
    form: Literal["png", "svg"] = "svg" if path.lower().endswith(".svg") else "png"
    drawn = picture.picture(shape, picture.title_of(tool, arguments), form)
    part = f"{path}.{os.getpid()}.part"
    try:
        with open(part, "wb") as file:  # noqa: PTH123
            file.write(drawn.file)
        os.replace(part, path)  # noqa: PTH105
    except OSError as error:
        raise DiskFullError(
            f"{path} cannot be written: {error.strerror}.", hint="Write it somewhere else."
        ) from error
    if not quiet:
        talk.say(f"chart: {path}, {len(drawn.file) / 1000:,.0f} kB")
        if drawn.hint:
            talk.say(f"hint: {drawn.hint}")
