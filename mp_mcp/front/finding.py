"""What one check of `mp doctor` found. Never checks anything."""

from typing import Any, NamedTuple

from mp_mcp.errors import MpError


class Finding(NamedTuple):
    """One line of the doctor: `state` is ok, note (nothing to mend, but worth knowing) or fail."""

    check: str
    state: str
    message: str
    remedy: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """As it is in JSON."""
        return self._asdict()


def ok(check: str, message: str) -> Finding:
    """As it should be."""
    return Finding(check, "ok", message)


def note(check: str, message: str, remedy: str | None = None) -> Finding:
    """Nothing is broken."""
    return Finding(check, "note", message, remedy)


def fail(check: str, message: str, remedy: str) -> Finding:
    """Something to mend, and how."""
    return Finding(check, "fail", message, remedy)


def failed(check: str, error: MpError, otherwise: str) -> Finding:
    """An error as a finding."""
    return Finding(check, "fail", error.message, error.hint or otherwise)
