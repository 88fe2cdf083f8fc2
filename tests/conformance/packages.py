"""The npm packages of the suite and of the Inspector, below our own environment.

Never installs anything outside it, and writes no lock file.
"""

import os
import shutil
import subprocess
from pathlib import Path

FOLDER = Path(__file__).parents[2] / ".venv" / "conformance"
PACKAGES = (
    "node@22",
    "@modelcontextprotocol/conformance@0.2.0-alpha.12",
    "@modelcontextprotocol/inspector@2.12.0",
)
NPM_FLAGS = ("--no-package-lock", "--no-audit", "--no-fund", "--loglevel=error")


def command(name: str) -> str:
    """The path of an installed command."""
    return str(FOLDER / "node_modules" / ".bin" / name)


def environ(**more: str) -> dict[str, str]:
    """An environment in which their own Node runs them, and none of our settings."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("MP_")}
    path = f"{Path(command('node')).parent}{os.pathsep}{os.environ['PATH']}"
    return {**kept, "PATH": path, "CI": "1", **more}


def install() -> None:
    """Install what is not there yet. Raises: SystemExit with what is missing."""
    ready = FOLDER / "installed.txt"
    wanted = "\n".join(PACKAGES)
    if ready.exists() and ready.read_text(encoding="utf-8") == wanted:
        return
    npm = shutil.which("npm")
    if npm is None:
        raise SystemExit("The conformance suite is an npm package: install npm first.")
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    # Without a manifest here, npm would look for one in the folders above.
    (FOLDER / "package.json").write_text('{"private": true}\n', encoding="utf-8")
    subprocess.run([npm, "install", *NPM_FLAGS, *PACKAGES], cwd=FOLDER, check=True)
    if not Path(command("node")).exists():
        raise SystemExit("npm did not run the install script of the package node.")
    ready.write_text(wanted, encoding="utf-8")
