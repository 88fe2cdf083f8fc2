"""What anybody can see of running processes. Never touches one."""

import os
from pathlib import Path


def processes_with(text: str) -> list[str]:
    """Command lines and environments (what `ps` can show) that contain it; not our own."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        if folder.name == str(os.getpid()):
            continue
        try:
            raw = (folder / "cmdline").read_bytes() + (folder / "environ").read_bytes()
        except OSError:
            continue  # it ended, or is not ours
        if text.encode() in raw:
            found.append(f"{folder.name} {raw.decode(errors='replace')}")
    return found
