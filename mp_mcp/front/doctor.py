"""`mp doctor`: is everything set up, and if not, what mends it.

Never changes anything, never shows a secret, and works without a network and without a server.
"""

import sys
from collections.abc import Iterator
from typing import Any

from mp_mcp.errors import ExitCode
from mp_mcp.front import (
    calls_shown,
    doctor_account,
    doctor_clients,
    doctor_machine,
    doctor_server,
    render,
    talk,
)
from mp_mcp.front.command import command
from mp_mcp.front.finding import Finding
from mp_mcp.front.flags import Flags
from mp_mcp.settings import find_home


@command()
def doctor(flags: Flags) -> None:
    """Check the setup, one line per check, with a remedy where something is wrong.

    Account, Mixpanel, server, database file, versions, disk, and the configurations of AI clients.
    Exit code 0 when all is well, 1 otherwise. With a stored account and a network it asks Mixpanel
    once, which costs nothing of the query budget.
    """
    found: list[Finding] = []
    for_people = calls_shown.is_for_people(flags)
    for finding in _findings(flags):
        found.append(finding)
        if for_people:
            render.write(_line(finding))
    failures = [one for one in found if one.state == "fail"]
    if not for_people:
        render.show(_result(found), flags)
    elif not flags.quiet:
        talk.say("all is well" if not failures else f"{len(failures)} of {len(found)} checks fail")
    if failures:
        sys.exit(int(ExitCode.UNEXPECTED))


def _findings(flags: Flags) -> Iterator[Finding]:
    """Each as soon as it is known."""
    home = find_home()
    yield from doctor_machine.findings(home)
    yield from doctor_account.findings(home, flags)
    yield from doctor_server.findings(home, flags)
    yield from doctor_clients.findings(home)


def _line(finding: Finding) -> str:
    remedy = f" -> {finding.remedy}" if finding.remedy else ""
    sign = {"ok": "ok  ", "note": "note", "fail": "FAIL"}[finding.state]
    return talk.printable(f"{sign}  {finding.check:15} {finding.message}{remedy}") + "\n"


def _result(found: list[Finding]) -> dict[str, Any]:
    columns = list(Finding._fields)
    rows = [list(one) for one in found]
    is_fine = all(one.state != "fail" for one in found)
    return {"ok": is_fine, "columns": columns, "rows": rows, "row_count": len(rows)}
