"""How the rate budgets look to clients: in inspect_workspace and in `mp server status`.

Never counts anything, and never fails: without a readable state there is nothing to show.
"""

from contextlib import suppress
from typing import Any

from mp_mcp.errors import MpError
from mp_mcp.mixpanel.usage import Usage
from mp_mcp.overview import BudgetNow
from mp_mcp.server.workspaces import Workspaces


def of_project(workspaces: Workspaces, project: str) -> list[BudgetNow] | None:
    """Every budget of a project, by its key."""
    with suppress(MpError):
        return [_shown(usage) for usage in workspaces.budget().usage(project)]
    return None


def of_all(workspaces: Workspaces) -> list[dict[str, Any]]:
    """Budgets of which something is spent, of every project."""
    with suppress(MpError):
        budget = workspaces.budget()
        return [
            {
                "project": project,
                **_shown(usage).model_dump(mode="json"),
                "left": max(0, usage.limit - usage.used),
            }
            for project in budget.ledger.projects()
            for usage in budget.usage(project)
            if usage.used or usage.running
        ]
    return []


def where_kept(workspaces: Workspaces) -> str | None:
    """`file`, or `memory` when state.db cannot be used; None when a newer mp-mcp wrote it."""
    with suppress(MpError):
        return "file" if workspaces.state().is_kept else "memory"
    return None


def _shown(usage: Usage) -> BudgetNow:
    return BudgetNow(
        api=usage.kind,
        used=usage.used,
        limit=usage.limit,
        window_s=usage.window_s,
        next_free_s=None if usage.next_free_s is None else round(usage.next_free_s, 1),
        running=usage.running,
        at_once=usage.at_once,
    )
