"""What `mp doctor` checks of the machine: versions, the state folder, the disk.

Never imports what it checks: a broken duckdb must not end the doctor.
"""

import os
import re
import shutil
import sys
from collections.abc import Iterator
from contextlib import suppress
from importlib import metadata
from pathlib import Path

from mp_mcp import __version__, accounts
from mp_mcp.errors import MpError
from mp_mcp.front.finding import Finding, fail, note, ok
from mp_mcp.settings import Home
from mp_mcp.wording import closest

DISTRIBUTION = "mp-mcp"
LEAST_FREE_BYTES = 1_000_000_000
NEEDED = ("duckdb", "mcp")


def findings(home: Home) -> Iterator[Finding]:
    """All of them."""
    yield _python()
    for name in NEEDED:
        yield _version(name)
    yield _folder(home)
    yield from _config(home)
    yield _disk(home)


def _python() -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    return ok("versions", f"mp {__version__}, python {version} ({sys.executable})")


def _version(name: str) -> Finding:
    try:
        version = metadata.version(name)
    except metadata.PackageNotFoundError:
        return fail(name, "is not installed", f"{sys.executable} -m pip install {DISTRIBUTION}")
    wanted = _wanted(name)
    if all(_holds(version, rule) for rule in wanted.split(",") if rule):
        return ok(name, version)
    return fail(
        name,
        f"is {version}, but {wanted} is needed",
        f"{sys.executable} -m pip install '{name}{wanted}'",
    )


def _wanted(name: str) -> str:
    """The rule of our own package, such as <2.1,>=2.0."""
    try:
        rules = metadata.requires(DISTRIBUTION) or []
    except metadata.PackageNotFoundError:
        return ""
    found = (re.fullmatch(rf"{name}([<>=!~0-9.,]*)", rule) for rule in rules)
    return next((match[1] for match in found if match), "")


def _holds(version: str, rule: str) -> bool:
    sign, wanted = re.fullmatch(r"(\D+)([0-9.]+)", rule).groups()  # type: ignore[union-attr]
    have, want = _numbers(version), _numbers(wanted)
    return have >= want if sign == ">=" else have < want if sign == "<" else True


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version)[:3])


def _folder(home: Home) -> Finding:
    path = home.path
    if not path.exists():
        return note("state folder", f"{path} is not there yet; the first command makes it")
    if not path.is_dir():
        return fail("state folder", f"{path} is no folder", "Move it, or set MP_HOME to a folder")
    if not os.access(path, os.W_OK | os.X_OK):
        return fail(
            "state folder", f"{path} is not writable", f"chmod u+rwx {path}, or set MP_HOME"
        )
    mode = path.stat().st_mode & 0o777
    if mode & 0o077:
        return fail("state folder", f"{path} is open to others ({mode:o})", f"chmod 700 {path}")
    return ok("state folder", f"{path} ({mode:o})")


def _config(home: Home) -> Iterator[Finding]:
    """mp.toml may hold secrets."""
    if home.config.exists():
        mode = home.config.stat().st_mode & 0o777
        if mode & 0o077:
            yield fail(
                "settings",
                f"{home.config} can be read by others ({mode:o})",
                f"chmod 600 {home.config}",
            )
        else:
            yield ok("settings", f"{home.config} ({mode:o})")
            yield from _keys(home)


def _keys(home: Home) -> Iterator[Finding]:
    """What nobody reads; a file that cannot be read is a finding of the account."""
    with suppress(MpError):
        for name in accounts.read_stored(home).unknown:
            close = closest(name, accounts.SERVER_SETTINGS)
            remedy = f"Did you mean {close[0]}?" if close else "Take it out"
            yield note("settings", f"{home.config}: [server] knows no {name}", remedy)


def _disk(home: Home) -> Finding:
    place = _existing(home.path)
    free = shutil.disk_usage(place).free
    told = f"{free / 1e9:,.1f} GB free at {place}"
    if free < LEAST_FREE_BYTES:
        return fail("disk", told, "Free some space, or set MP_HOME to a folder on another disk")
    return ok("disk", told)


def _existing(path: Path) -> Path:
    while not path.exists() and path != path.parent:
        path = path.parent
    return path
