"""The tool inspect_account, behind `mp auth login` and `mp auth test`. Never stores anything."""

from pydantic import Field

from mp_mcp.mixpanel.client import MixpanelLogin
from mp_mcp.mixpanel.me import me
from mp_mcp.results import Result, Row
from mp_mcp.tool import tool


class AccountInfo(Result):
    """Whom Mixpanel takes these credentials for."""

    user: str | None = None
    columns: list[str] = Field(default=["project_id", "name", "timezone", "role", "region"])
    rows: list[Row] = Field(description="the projects that these credentials reach")


@tool(command="auth test", human_only=True)
async def inspect_account(login: MixpanelLogin) -> AccountInfo:
    """Check the credentials with Mixpanel and list the projects that they reach."""
    found = await me(login.transport)
    return AccountInfo(
        user=found.user_name or found.user_email,
        rows=[
            [project.id, project.name, project.timezone, project.role, project.region]
            for project in found.projects
        ],
    )
