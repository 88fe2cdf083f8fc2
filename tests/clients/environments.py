"""A virtual environment for each foreign client, below our own.

Never installs anything into our environment, where their pins would be in the way.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

CLIENTS = Path(__file__).parents[2] / ".venv" / "clients"
PACKAGES = {
    # Its command line was written for an older typer and click.
    "headless": ("mixpanel-headless==0.4.0", "typer<0.20", "click<8.3"),
    "tap": ("tap-mixpanel==1.8.0",),
}


def client_python(name: str) -> Path:
    """The interpreter of a client's environment, which is made when it is not there."""
    folder = CLIENTS / name
    python = folder / "bin" / "python"
    ready = folder / "installed.txt"
    wanted = "\n".join(PACKAGES[name])
    if ready.exists() and ready.read_text(encoding="utf-8") == wanted:
        return python
    shutil.rmtree(folder, ignore_errors=True)
    for command in _commands(folder, python, PACKAGES[name]):
        subprocess.run(command, check=True)
    ready.write_text(wanted, encoding="utf-8")
    return python


def _commands(folder: Path, python: Path, packages: tuple[str, ...]) -> list[list[str]]:
    if uv := shutil.which("uv"):
        return [
            [uv, "venv", "--quiet", "--python", sys.executable, str(folder)],
            [uv, "pip", "install", "--quiet", "--python", str(python), *packages],
        ]
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    return [[sys.executable, "-m", "venv", str(folder)], [*pip, *packages]]


def client_environ(home: Path, **more: str) -> dict[str, str]:
    """An environment without our settings and without anybody's accounts."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("MP_")}
    return {**kept, "HOME": str(home), **more}


if __name__ == "__main__":
    # Before the tests, whose patience is shorter than an installation may take.
    for each in PACKAGES:
        client_python(each)
