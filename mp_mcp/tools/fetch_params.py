"""Parameter types of fetches and of their jobs: rule, help text and flags in one place.

Never validates what only Mixpanel or the database can know.
"""

from typing import Annotated

from pydantic import BeforeValidator, Field

from mp_mcp.tool import Flag
from mp_mcp.tools.params import TextIfAny, as_list, none_if_empty

Refresh = Annotated[
    bool,
    Flag("--refresh"),
    Field(description="Download all the days again, also those that are complete"),
]
Replace = Annotated[
    bool, Flag("--replace"), Field(description="Make the table anew, with these days only")
]
TimeZone = Annotated[
    TextIfAny,
    Flag("--time-zone"),
    Field(
        description="Zone of a project made before 2023, e.g. Europe/Lisbon, or project (ask "
        "Mixpanel): adds time_utc"
    ),
]
Workers = Annotated[int, Flag("--workers"), Field(ge=1, le=8, description="Downloads side by side")]
Cohort = Annotated[
    # The bound is the number's: None has none, and pydantic would compare it.
    Annotated[int, Field(ge=1)] | None,
    BeforeValidator(none_if_empty),
    Flag("-c", "--cohort"),
    Field(description="Only members of this cohort: an id from inspect_cohorts, e.g. 501"),
]
OutputProperties = Annotated[
    tuple[str, ...],
    BeforeValidator(as_list),
    Flag("-o", "--output-properties"),
    Field(description="Only these properties, e.g. $email,plan; empty means all"),
]
DistinctIds = Annotated[
    tuple[Annotated[str, Field(coerce_numbers_to_str=True)], ...],
    BeforeValidator(as_list),
    Flag("-d", "--distinct-ids"),
    Field(description="Only these profiles, at most 2000, e.g. u-1001,u-1002"),
]
JobId = Annotated[
    str,
    Flag(argument="JOB"),
    Field(min_length=1, description="Id of a job, from fetch_events or inspect_jobs"),
]
JobIfAny = Annotated[
    TextIfAny, Flag(argument="JOB"), Field(description="Only this job; empty means all")
]
WaitTimeout = Annotated[
    float,
    Flag("--timeout"),
    Field(ge=0, description="Wait at most this many seconds; one call waits 30 at most"),
]
