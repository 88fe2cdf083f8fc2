"""What the store answers. Never holds SQL."""

from datetime import date, datetime

from pydantic import BaseModel, ConfigDict, Field


class TableInfo(BaseModel):
    """One table or view that a query can name."""

    name: str
    kind: str = Field(description="events, profiles, saved, or other (not made by mp)")
    rows: int | None = Field(description="null when nobody counts them: a view not made by mp")
    columns: int
    first_day: date | None = Field(default=None, description="earliest day that is complete")
    last_day: date | None = Field(default=None, description="latest day that is complete")
    days: int | None = Field(default=None, description="number of days that are complete")
    missing_days: int | None = Field(
        default=None, description="days between first and last that were not fetched"
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
    new_columns: list[str] = Field(default_factory=list, description="properties that got a column")
    reject_file: str | None = None


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
