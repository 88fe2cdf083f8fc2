"""A keyring in a file of the home folder, so that several processes share it as they do a real one.

Never chosen by itself: PYTHON_KEYRING_BACKEND has to name it.
"""

import json
import os
from pathlib import Path
from typing import Any

from keyring.backend import KeyringBackend

NAME = "tests.processes.file_keyring.FileKeyring"


def path() -> Path:
    """Where the secrets lie."""
    return Path.home() / "keyring.json"


class FileKeyring(KeyringBackend):
    """Secrets by service and user name."""

    priority: Any = 5 if os.environ.get("PYTHON_KEYRING_BACKEND") == NAME else -1

    def get_password(self, service: str, username: str) -> str | None:
        """Give one back."""
        return _read().get(f"{service}/{username}")

    def set_password(self, service: str, username: str, password: str) -> None:
        """Keep one."""
        _write({**_read(), f"{service}/{username}": password})

    def delete_password(self, service: str, username: str) -> None:
        """Forget one."""
        kept = _read()
        del kept[f"{service}/{username}"]
        _write(kept)


def _read() -> dict[str, str]:
    if not path().exists():
        return {}
    kept: dict[str, str] = json.loads(path().read_text(encoding="utf-8"))
    return kept


def _write(kept: dict[str, str]) -> None:
    path().write_text(json.dumps(kept), encoding="utf-8")
