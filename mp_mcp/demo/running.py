"""A simulated Mixpanel in a child process, for tests and for the tour.

Never leaves the child behind: it ends with the context, or with its parent.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import ProxyHandler, Request, build_opener

from mp_mcp.errors import ServerUnreachableError, UsageError

LEAVE_SECONDS = 5.0


@dataclass(frozen=True)
class Running:
    """A simulator that answers at `base_url`."""

    base_url: str
    accounts: tuple[dict[str, str], ...]
    pid: int

    def environ(self, project_id: str = "1001") -> dict[str, str]:
        """The environment that points a client at one of its projects."""
        account = next(one for one in self.accounts if one["project_id"] == project_id)
        return {
            "MP_API_BASE_URL": self.base_url,
            "MP_USERNAME": account["username"],
            "MP_SECRET": account["secret"],
            "MP_PROJECT_ID": project_id,
        }

    def fault(self, path: str, fault: str, **details: Any) -> None:
        """Order a fault, e.g. `fault("/api/2.0/export", "terminated_early", times=1)`."""
        self._ask("POST", "faults", {"path": path, "fault": fault, **details})

    def clear_faults(self) -> None:
        """Take back the faults that no request has met."""
        self._ask("DELETE", "faults")

    def requests(self, path: str = "") -> list[dict[str, Any]]:
        """What clients have asked so far, below a path."""
        found: list[dict[str, Any]] = self._ask("GET", "requests", path=path)["requests"]
        return found

    def clear_requests(self) -> None:
        """Forget what clients have asked."""
        self._ask("DELETE", "requests")

    def late(self) -> None:
        """Let the late events arrive."""
        self._ask("POST", "late")

    def switch(self, **changes: Any) -> None:
        """Turn switches, e.g. `switch(limits=True, bookmark_delay=2)`."""
        self._ask("POST", "switches", changes)

    def quotas(self, **changes: dict[str, int | None]) -> None:
        """Change quotas, e.g. `quotas(query={"per_hour": 2})`; None is unlimited."""
        self._ask("POST", "limits", changes)

    def spend(
        self, api: str, count: int, *, project_id: str = "1001", ago: float = 0.0
    ) -> dict[str, dict[str, int]]:
        """Pretend that other people used `count` units of `api`, `ago` seconds before now."""
        order = {"api": api, "count": count, "project_id": project_id, "ago": ago}
        return self._ask("POST", "limits/spend", order)

    def used(self) -> dict[str, dict[str, int]]:
        """Units of the rolling hour by project and API."""
        found: dict[str, dict[str, int]] = self._ask("GET", "limits")
        return found

    def advance(self, seconds: float) -> None:
        """Move the clock of the rate limits forward."""
        self._ask("POST", "clock", {"advance": seconds})

    def story(self, project_id: str = "1001") -> dict[str, Any]:
        """The first, last and empty day of a project, and what it takes for today."""
        return self._ask("GET", "story", project_id=project_id)

    def truth(self, project_id: str = "1001", **question: str) -> dict[str, Any]:
        """Right answers for `from_date`, `to_date`, `event`, `property`."""
        return self._ask("GET", "truth", project_id=project_id, **question)

    def profiles(self, project_id: str = "1001") -> dict[str, dict[str, Any]]:
        """The properties of everybody who has a profile."""
        found: dict[str, dict[str, Any]] = self._ask("GET", "profiles", project_id=project_id)[
            "profiles"
        ]
        return found

    def edit_profiles(self, profiles: dict[str, dict[str, Any] | None]) -> None:
        """Change or add profiles by id; None deletes one."""
        self._ask("POST", "profiles", {"profiles": profiles})

    def _ask(self, method: str, name: str, body: Any = None, **query: str) -> dict[str, Any]:
        url = f"{self.base_url}/_sim/{name}?{urlencode(query)}"
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"}
        request = Request(url, data, headers, method=method)  # noqa: S310
        try:
            # No proxy: it is on this machine.
            with build_opener(ProxyHandler({})).open(request, timeout=120) as answer:
                found: dict[str, Any] = json.loads(answer.read())
                return found
        except HTTPError as error:
            with error:
                raise UsageError(f"The simulator refused: {error.read().decode()}") from error


@contextmanager
def simulator(**options: Any) -> Iterator[Running]:
    """Run `python -m mp_mcp.demo.simulator` with `--options`, e.g. `simulator(days=3)`."""
    command = [sys.executable, "-m", "mp_mcp.demo.simulator", "--until-eof", *_flags(options)]
    child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    with child:
        try:
            yield _greeted(child)
        finally:
            _end(child)


def _flags(options: dict[str, Any]) -> list[str]:
    flags: list[str] = []
    for name, value in options.items():
        flag = "--" + name.replace("_", "-")
        if value is True:
            flags.append(flag)
        elif value not in (None, False):
            flags += [flag, str(value)]
    return flags


def _greeted(child: "subprocess.Popen[bytes]") -> Running:
    line = child.stdout.readline() if child.stdout else b""
    if not line:
        raise ServerUnreachableError(
            "The simulated Mixpanel did not start.", hint="Its own message is on stderr."
        )
    greeting = json.loads(line)
    return Running(greeting["base_url"], tuple(greeting["accounts"]), child.pid)


def _end(child: "subprocess.Popen[bytes]") -> None:
    """The end of its stdin asks it to leave; a child that does not is ended by its pid."""
    if child.stdin:
        child.stdin.close()
    try:
        child.wait(LEAVE_SECONDS)
    except subprocess.TimeoutExpired:
        child.kill()
