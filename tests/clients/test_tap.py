"""What tap-mixpanel makes of the simulator's answers."""

import json
import subprocess
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from mp_mcp.demo.profiles import PROFILES
from mp_mcp.demo.running import Running
from tests.clients.environments import client_environ, client_python

CONFIG = {
    "project_timezone": "UTC",
    "api_secret": "shop-project-secret",
    "attribution_window": "5",
    "start_date": "2025-03-22T00:00:00Z",
    "end_date": "2025-04-01T00:00:00Z",
    "user_agent": "tests",
    "date_window_size": "30",
    "select_properties_by_default": "true",
}


@dataclass(frozen=True)
class Tap:
    """The tap's command line, pointed at the simulator."""

    folder: Path
    base_url: str

    def run(self, *options: str) -> str:
        """What it writes on stdout."""
        config = self.folder / "config.json"
        config.write_text(json.dumps(CONFIG), encoding="utf-8")
        script = Path(__file__).with_name("tap_run.py")
        command = [str(client_python("tap")), str(script), "--config", str(config), *options]
        environ = client_environ(self.folder, SIMULATOR=self.base_url)
        run = subprocess.run(command, env=environ, capture_output=True, text=True, encoding="utf-8")
        assert run.returncode == 0, run.stderr[-2000:]
        return run.stdout


@pytest.fixture(scope="module")
def tap(running: Running, tmp_path_factory: pytest.TempPathFactory) -> Tap:
    return Tap(tmp_path_factory.mktemp("tap"), running.base_url)


@pytest.fixture(scope="module")
def catalog(tap: Tap) -> dict[str, Any]:
    """What discovery finds, with everything selected."""
    found: dict[str, Any] = json.loads(tap.run("--discover"))
    for stream in found["streams"]:
        for one in stream["metadata"]:
            one["metadata"]["selected"] = True
    return found


@pytest.fixture(scope="module")
def records(tap: Tap, catalog: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """What a sync of every stream writes, by stream."""
    chosen = tap.folder / "catalog.json"
    chosen.write_text(json.dumps(catalog), encoding="utf-8")
    found: dict[str, list[dict[str, Any]]] = {}
    for line in tap.run("--catalog", str(chosen)).split("\n"):
        message = json.loads(line) if line else {}
        if message.get("type") == "RECORD":
            found.setdefault(message["stream"], []).append(message["record"])
    return found


def test_discovery_finds_every_stream(catalog: dict[str, Any]) -> None:
    names = {stream["stream"] for stream in catalog["streams"]}
    assert names == {"export", "engage", "funnels", "cohorts", "cohort_members", "annotations"}


def test_the_sync_of_export(records: dict[str, Any], running: Running) -> None:
    assert len(records["export"]) == running.truth()["rows"]


def test_the_sync_of_engage(records: dict[str, Any]) -> None:
    ids = Counter(record["distinct_id"] for record in records["engage"])
    assert len(ids) == ids.total() == PROFILES - 1


def test_the_sync_of_cohorts(records: dict[str, Any]) -> None:
    assert len(records["cohorts"]) == 6


def test_the_sync_of_cohort_members(records: dict[str, Any]) -> None:
    counts = {record["id"]: record["count"] for record in records["cohorts"]}
    members = Counter(record["cohort_id"] for record in records["cohort_members"])
    assert members == {number: count for number, count in counts.items() if count}


def test_the_sync_of_funnels(records: dict[str, Any]) -> None:
    funnels = {record["funnel_id"] for record in records["funnels"]}
    assert len(funnels) == 282


def test_the_sync_of_annotations(records: dict[str, Any]) -> None:
    assert len(records["annotations"]) >= 2
