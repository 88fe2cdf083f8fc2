"""`GET app/.../bookmarks`: the saved reports of a project, or of a data view.

Never reads what a report answers: `saved_report.py` does.
"""

import json
from typing import Any, Literal
from urllib.parse import quote

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
    ValidationInfo,
    ValidatorFunctionWrapHandler,
    field_validator,
)

from mp_mcp.mixpanel import freshness
from mp_mcp.mixpanel.answers import read, unwrapped
from mp_mcp.mixpanel.client import Mixpanel
from mp_mcp.mixpanel.models import Target

BookmarkType = Literal["insights", "funnels", "retention", "flows", "launch-analysis"]


class Bookmark(BaseModel):
    """A saved report. Times are as Mixpanel sends them, without zone."""

    model_config = ConfigDict(extra="ignore", coerce_numbers_to_str=True)

    id: int
    name: str | None = None
    type: str | None = None
    description: str | None = None
    created: str | None = None
    modified: str | None = None
    creator_name: str | None = None
    creator_email: str | None = None
    last_modified_by_name: str | None = None
    dashboard_id: int | None = None
    workspace_id: int | None = None
    params: Any = Field(
        default=None, exclude=True, repr=False, description="definition of the report; large"
    )

    @field_validator("*", mode="wrap")
    @classmethod
    def _null_if_odd(
        cls, value: Any, known: ValidatorFunctionWrapHandler, info: ValidationInfo
    ) -> Any:
        """One odd field must not cost the other 2,500 reports; without its id it is no report."""
        try:
            return known(value)
        except ValidationError:
            if info.field_name == "id":
                raise
            return None

    @field_validator("params", mode="before")
    @classmethod
    def _decoded(cls, value: Any) -> Any:
        """Some routes send the definition as JSON text."""
        if not isinstance(value, str):
            return value
        try:
            return json.loads(value)
        except (ValueError, RecursionError):
            return value


_BOOKMARKS = TypeAdapter(list[Bookmark])


async def bookmarks(
    mixpanel: Mixpanel,
    type: BookmarkType | None = None,  # noqa: A002 - the API's word, and the tool's
) -> list[Bookmark]:
    """Saved reports in Mixpanel's order. Slow: half a minute for thousands; costs no unit."""
    return bookmarks_of(
        await mixpanel.get(
            "app",
            f"{scope_of(mixpanel.target)}/bookmarks",
            {"v": 2, "type": type},
            keep_s=freshness.DISCOVERY,
        )
    )


def bookmarks_of(answer: Any) -> list[Bookmark]:
    """Saved reports; the list comes in one envelope or in two."""
    return read(_BOOKMARKS, unwrapped(unwrapped(answer)), "saved reports")


def scope_of(target: Target) -> str:
    """Where an app route begins: in the project, or in the data view."""
    if target.workspace_id:
        return f"/workspaces/{quote(target.workspace_id, safe='')}"
    return f"/projects/{quote(target.project_id, safe='')}"
