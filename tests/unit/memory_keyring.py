"""A keyring that lives in this process. Never holds a secret of the person who runs the tests."""

import threading
from typing import Any

from keyring.backend import KeyringBackend
from keyring.errors import PasswordDeleteError


class MemoryKeyring(KeyringBackend):
    """Keeps secrets as long as it lives; a locked one refuses."""

    # keyring finds every class by itself; for all other tests this one must be no choice.
    priority: Any = -1

    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], str] = {}
        self.locked = False
        self.asked = 0
        self.unlocked = threading.Event()
        self.unlocked.set()

    def set_password(self, service: str, username: str, password: str) -> None:
        """Keep one."""
        self._require_unlocked()
        self.kept[service, username] = password

    def get_password(self, service: str, username: str) -> str | None:
        """Give one back, when somebody has unlocked it."""
        self._require_unlocked()
        self.asked += 1
        self.unlocked.wait(30)
        return self.kept.get((service, username))

    def delete_password(self, service: str, username: str) -> None:
        """Forget one."""
        if (service, username) not in self.kept:
            raise PasswordDeleteError("not found")
        del self.kept[service, username]

    def _require_unlocked(self) -> None:
        if self.locked:
            raise RuntimeError("locked: hush-hush-5ecret")
