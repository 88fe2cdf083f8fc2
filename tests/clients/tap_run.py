"""Runs in the environment of tap-mixpanel: its own main, with its hosts led to the simulator.

Never imports anything of this project, which is not installed there.
"""

import importlib
import os
from typing import Any

HOSTS = ("https://mixpanel.com", "https://data.mixpanel.com")

requests: Any = importlib.import_module("requests")
tap: Any = importlib.import_module("tap_mixpanel")


def led(url: str) -> str:
    """The same path at the simulator; the hosts are fixed in the tap's code."""
    for host in HOSTS:
        if url.startswith(host):
            return os.environ["SIMULATOR"] + url.removeprefix(host)
    return url


class LedSession(requests.Session):  # type: ignore[misc]
    """A session that never reaches the hosts that the tap knows."""

    def request(self, method: str, url: str, *given: Any, **named: Any) -> Any:
        return super().request(method, led(url), *given, **named)


if __name__ == "__main__":
    requests.Session = LedSession
    tap.main()
