"""Secrets in the operating system's keyring, when the `keyring` package and a safe backend exist.

Never falls back to a file of its own: without a keyring the caller keeps the secret in mp.toml.
It may block (a keyring may ask the person to unlock it), so never call it on an event loop.
"""

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
    _run("set_password", home, account, secret)


def secret_of(home: Home, account: str) -> str:
    """The secret of an account. Raises: CredentialsError when it cannot be had."""
    found = _run("get_password", home, account)
    if not found:
        raise CredentialsError(
            f"The keyring has no secret for account {account}.",
            hint=f"Run `mp auth login {account}` again; `--store file` keeps it in mp.toml.",
        )
    return str(found)


def remove(home: Home, account: str) -> None:
    """Forget the secret of an account. Raises: CredentialsError when the keyring refuses."""
    _run("delete_password", home, account)


def _run(action: str, home: Home, account: str, *more: str) -> Any:
    keyring = _package()
    if keyring is None:
        raise CredentialsError(
            f"The secret of account {account} is in the keyring, but `keyring` is not installed.",
            hint=f"Install mp-mcp[keyring], or run `mp auth login {account} --store file`.",
        )
    try:
        # Two state folders may have accounts of the same name.
        return getattr(keyring, action)(SERVICE, f"{account} in {home.path}", *more)
    except Exception as error:
        raise CredentialsError(
            f"The keyring refuses ({type(error).__name__}).",
            hint=f"Unlock it, or run `mp auth login {account} --store file`.",
        ) from error


def _package() -> Any:
    try:
        import keyring
    except ImportError:
        return None
    return keyring
