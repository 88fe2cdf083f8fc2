"""Secrets in the operating system's keyring, when the `keyring` package and a safe backend exist.

Never falls back to a file of its own: without a keyring the caller keeps the secret in mp.toml.
It may block (a keyring may ask the person to unlock it), so never call it on an event loop.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from mp_mcp.errors import CredentialsError
from mp_mcp.settings import Home

SERVICE = "mp-mcp"


def is_available() -> bool:
    """Whether a secret can be stored: not in keyring's own stand-in for a missing backend."""
    keyring = _package()
    if keyring is None:
        return False
    try:
        return float(keyring.get_keyring().priority) >= 1
    except Exception:  # noqa: BLE001 - backends raise what they like
        return False


def save(home: Home, account: str, secret: str) -> None:
    """Store the secret of an account. Raises: CredentialsError when the keyring refuses."""
    keyring = _required(account)
    with _translated(f"`mp auth login {account} --store file` keeps the secret in mp.toml."):
        keyring.set_password(SERVICE, _entry(home, account), secret)


def secret_of(home: Home, account: str) -> str:
    """The secret of an account. Raises: CredentialsError when it cannot be had."""
    keyring = _required(account)
    again = f"Unlock it, or run `mp auth login {account} --store file`."
    with _translated(again):
        found = keyring.get_password(SERVICE, _entry(home, account))
    if not found:
        raise CredentialsError(f"The keyring has no secret for account {account}.", hint=again)
    return str(found)


def remove(home: Home, account: str) -> None:
    """Forget the secret of an account, if there is one.

    Raises: CredentialsError when the keyring refuses.
    """
    keyring = _required(account)
    entry = _entry(home, account)
    with _translated("Unlock it, then try again."):
        if keyring.get_password(SERVICE, entry) is not None:
            keyring.delete_password(SERVICE, entry)


def _entry(home: Home, account: str) -> str:
    """Two state folders may have accounts of the same name."""
    return f"{account} in {home.path}"


@contextmanager
def _translated(hint: str) -> Iterator[None]:
    try:
        yield
    except Exception as error:
        # Backends raise what they like, and their texts may hold anything.
        raise CredentialsError(
            f"The keyring refuses ({type(error).__name__}).", hint=hint
        ) from error


def _required(account: str) -> Any:
    keyring = _package()
    if keyring is None:
        raise CredentialsError(
            f"The secret of account {account} is in the keyring, but `keyring` is not installed.",
            hint=f"Install mp-mcp[keyring], or run `mp auth login {account} --store file`.",
        )
    return keyring


def _package() -> Any:
    try:
        import keyring
    except ImportError:
        return None
    return keyring
