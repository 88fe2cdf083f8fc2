"""The tool export_sql (`mp export`). Never writes outside the spool: `mp` moves the file."""

from pathlib import Path
from typing import Annotated

from pydantic import Field

from mp_mcp.errors import UsageError
from mp_mcp.results import Result
from mp_mcp.store.handles import StoreReader
from mp_mcp.store.models import Format
from mp_mcp.tool import Flag, tool
from mp_mcp.tools.params import Force, Sql, Timeout, require_free

FORMATS: dict[str, Format] = {
    ".parquet": "parquet",
    ".csv": "csv",
    ".csv.gz": "csv.gz",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".jsonl.gz": "jsonl.gz",
    ".ndjson.gz": "jsonl.gz",
}

TargetFile = Annotated[
    str,
    Flag(argument="FILE"),
    Field(min_length=1, description="File to write: .parquet, .csv, .jsonl; the last two with .gz"),
]


class Exported(Result):
    """An answer as a file."""

    file: str
    rows: int
    bytes: int
    spooled: str | None = Field(default=None, description="where the file waits to be moved")


@tool(command="export", human_only=True)
async def export_sql(
    store: StoreReader,
    sql: Sql,
    file: TargetFile,
    *,
    force: Force = False,
    timeout: Timeout = None,  # noqa: ASYNC109 - the contract's name; the store enforces it
) -> Exported:
    """Write the whole answer of a SELECT to a file: parquet, csv or jsonl, by its ending.

    At DuckDB's own speed and without a limit of rows; it takes at most 600 seconds. In csv a NULL
    is empty and an empty text is "". Values stay exact: integers of more than 64 bits are
    DECIMAL(38, 0) in parquet.
    Example: sql="SELECT * FROM events", file="events.parquet".
    """
    form = _format(file)
    require_free(file, force=force)
    found = await store.export(sql, form, timeout_s=timeout)
    return Exported(file=file, rows=found.rows or 0, bytes=found.bytes, spooled=found.path)


def _format(file: str) -> Format:
    name = Path(file).name.lower()
    endings = [ending for ending in FORMATS if name.endswith(ending)]
    if not endings:
        raise UsageError(
            f"The ending of {Path(file).name} names no format.",
            hint=f"Known endings: {', '.join(FORMATS)}.",
        )
    return FORMATS[endings[0]]
