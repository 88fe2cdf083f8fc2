"""What the store answers. Never holds SQL."""

from datetime import date, datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Format = Literal["parquet", "csv", "csv.gz", "jsonl", "jsonl.gz"]
"""What an answer can be written as."""


class TableInfo(BaseModel):
    """One table or view that a query can name."""

    name: str
    kind: str = Field(
        description="events, profiles, saved, answer (save_as), or other (not made by mp)"
    )
    rows: int | None = Field(description="null when nobody counts them: a view not made by mp")
    columns: int
    first_day: date | None = Field(default=None, description="earliest day that is complete")
    last_day: date | None = Field(default=None, description="latest day that is complete")
    days: int | None = Field(default=None, description="number of days that are complete")
    missing_days: int | None = Field(
        default=None, description="days between first and last that were not fetched"
    )
    gaps: list[str] | None = Field(
        default=None, description="those days, e.g. 2025-01-05..2025-01-07"
    )
    stale_days: int | None = Field(
        default=None, description="days fetched before late events can have arrived"
    )
    events: list[str] | None = Field(
        default=None, description="the only events that were fetched; null means all"
    )
    where: str | None = Field(default=None, description="filter that every fetch of it uses")
    fetched_at: datetime | None = Field(
        default=None, description="UTC time of the last load; of profiles, of all that it holds"
    )


class LoadReport(BaseModel):
    """What a load did. Counts are rows."""

    rows: int = Field(description="rows now in the table from these files")
    replaced: int = Field(default=0, description="rows that they replaced")
    duplicates: int = Field(default=0, description="rows dropped as duplicates")
    malformed: int = Field(default=0, description="lines that are no events, kept in reject_file")
    clamped: int = Field(default=0, description="rows moved to the nearest requested day")
    repaired: int = Field(default=0, description="rows with broken characters, now U+FFFD")
    new_columns: list[str] = Field(default_factory=list, description="properties that got a column")
    reject_file: str | None = None


class TopValue(BaseModel):
    """A frequent value of a column."""

    value: Any = None
    count: int
    share: float = Field(description="of all rows, from 0 to 1")


class ColumnReport(BaseModel):
    """One column or property of one table, over all its rows."""

    table: str
    column: str
    sql: str = Field(description="how SQL reads it")
    types: dict[str, int] = Field(description="values by type, nulls left out")
    rows: int
    nulls: int = Field(description="rows without a value")
    distinct: int = Field(description="different values, counted exactly")
    min: Any = None
    max: Any = None
    top: list[TopValue] = Field(description="the most frequent values")
    hint: str | None = None


class SavedTable(BaseModel):
    """A SELECT that became a table."""

    table: str
    rows: int
    columns: int
    replaced: bool = Field(default=False, description="whether it took the place of an older one")


class DroppedTable(BaseModel):
    """A table that is gone."""

    name: str
    kind: str
    rows: int | None = None


class SpooledFile(BaseModel):
    """A complete file in the spool, for whoever asked to take away."""

    path: str
    bytes: int
    rows: int | None = None


class ProfileChoice(BaseModel):
    """Which profiles, and what of them, a fetch asked for; the default is everything."""

    model_config = ConfigDict(frozen=True)

    where: str | None = None
    cohort: int | None = None
    output_properties: tuple[str, ...] = ()
    distinct_ids: tuple[str, ...] = ()


class ProfilesReport(BaseModel):
    """What a load of profiles did. Counts are profiles."""

    rows: int = Field(description="profiles now in the table")
    new: int = 0
    changed: int = 0
    gone: int = Field(default=0, description="removed: they were not in Mixpanel's answer")
    unchanged: int = 0
    duplicates: int = Field(default=0, description="came twice; the later one was kept")
    new_columns: list[str] = Field(default_factory=list, description="properties that got a column")
    partial: bool = Field(default=False, description="only some distinct ids were asked for")
