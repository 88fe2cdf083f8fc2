"""Every error of mp_mcp, and the form in which it leaves the process.

Never holds logic beyond naming an error: what to do about it is the raiser's `hint`.
Standard library only, because `mp` imports it before it shows anything.

    MpError                         code                  exit
      UsageError                    usage                 3
      CallCancelledError            call_cancelled        130
      JobCancelledError             job_cancelled         130
      SettingsError                 settings              3
        CredentialsError            credentials           2
      MixpanelError                 mixpanel              3
        UnknownAnswerError          unknown_answer        1
        NotFoundError               not_found             4
        RateLimitedError            rate_limited          5
        PlanError                   plan                  2
        HistoryLimitError           history_limit         3
        FutureDayError              future_day            3
        IncompleteExportError       incomplete_export     7
        MixpanelUnavailableError    mixpanel_unavailable  7
      StoreError                    store                 1
        QueryError                  query                 3
        QueryTimeoutError           query_timeout         3
        NotReadOnlyError            not_read_only         3
        TableMissingError           table_missing         4
        TableExistsError            table_exists          3
        QueueFullError              queue_full            5
        DatabaseLockedError         database_locked       6
        DatabaseCorruptError        database_corrupt      1
        DiskFullError               disk_full             1
      ServerError                   server                1
        ServerUnreachableError      server_unreachable    1
        ServerVersionError          server_version        1
"""

import errno
from enum import IntEnum
from typing import Any, ClassVar, NamedTuple

from mp_mcp.wording import shortened

NO_SPACE = frozenset((errno.ENOSPC, errno.EDQUOT, errno.EFBIG))
"""What an OSError says when the disk, the quota or the limit of a file is reached."""


class ExitCode(IntEnum):
    """What the process says to the shell."""

    OK = 0
    UNEXPECTED = 1
    AUTHENTICATION = 2
    INVALID = 3
    NOT_FOUND = 4
    RATE_LIMITED = 5
    DATABASE_LOCKED = 6
    MIXPANEL_UNAVAILABLE = 7
    INTERRUPTED = 130


class ErrorInfo(NamedTuple):
    """An error outside the process, for agents and `mp`; `retry_after` is in seconds."""

    code: str
    message: str
    hint: str | None = None
    retryable: bool = False
    retry_after: float | None = None

    def as_dict(self) -> dict[str, Any]:
        """The fields that say something, as JSON values."""
        return {key: value for key, value in self._asdict().items() if value is not None}


class MpError(Exception):
    """Base of every failure that we can name."""

    code: ClassVar[str] = "unexpected"
    exit_code: ClassVar[ExitCode] = ExitCode.UNEXPECTED
    retryable: ClassVar[bool] = False

    def __init__(
        self, message: str, *, hint: str | None = None, retry_after: float | None = None
    ) -> None:
        self.message, self.hint = shortened(message), hint and shortened(str(hint))
        super().__init__(self.message)
        self.retry_after = retry_after

    def with_hint(self, hint: str) -> "MpError":
        """The same error with another hint: this one may be somebody else's to read, too."""
        return type(self)(self.message, hint=hint, retry_after=self.retry_after)

    def info(self) -> ErrorInfo:
        """This error as it is shown outside the process."""
        return ErrorInfo(self.code, self.message, self.hint, self.retryable, self.retry_after)


class UsageError(MpError):
    """The call itself is wrong: unknown tool, unknown or malformed argument."""

    code = "usage"
    exit_code = ExitCode.INVALID


class CallCancelledError(MpError):
    """Somebody else stopped the call while it ran."""

    code = "call_cancelled"
    exit_code = ExitCode.INTERRUPTED


class JobCancelledError(MpError):
    """Somebody stopped the job; what it had done stays."""

    code = "job_cancelled"
    exit_code = ExitCode.INTERRUPTED


class SettingsError(MpError):
    """A setting is missing, malformed or unsafe to read."""

    code = "settings"
    exit_code = ExitCode.INVALID


class CredentialsError(SettingsError):
    """No credentials, or Mixpanel refuses those that we have."""

    code = "credentials"
    exit_code = ExitCode.AUTHENTICATION


class MixpanelError(MpError):
    """Mixpanel refused the request as it stands."""

    code = "mixpanel"
    exit_code = ExitCode.INVALID


class UnknownAnswerError(MixpanelError):
    """Mixpanel answered, but in a shape that nobody has described: no fault of the caller."""

    code = "unknown_answer"
    exit_code = ExitCode.UNEXPECTED


class NotFoundError(MixpanelError):
    """The named thing does not exist in this project."""

    code = "not_found"
    exit_code = ExitCode.NOT_FOUND


class RateLimitedError(MixpanelError):
    """The project's rate budget is spent; `retry_after` says when a unit frees."""

    code = "rate_limited"
    exit_code = ExitCode.RATE_LIMITED
    retryable = True


class PlanError(MixpanelError):
    """The plan, the role or the billing state does not allow this."""

    code = "plan"
    exit_code = ExitCode.AUTHENTICATION


class HistoryLimitError(MixpanelError):
    """The date range starts before the project's history window."""

    code = "history_limit"
    exit_code = ExitCode.INVALID


class FutureDayError(MixpanelError):
    """The date range ends after the project's today."""

    code = "future_day"
    exit_code = ExitCode.INVALID


class IncompleteExportError(MixpanelError):
    """An export ended early, again and again; nothing of it was kept."""

    code = "incomplete_export"
    exit_code = ExitCode.MIXPANEL_UNAVAILABLE
    retryable = True


class MixpanelUnavailableError(MixpanelError):
    """Mixpanel cannot be reached or fails on its side."""

    code = "mixpanel_unavailable"
    exit_code = ExitCode.MIXPANEL_UNAVAILABLE
    retryable = True


class StoreError(MpError):
    """The database cannot do this."""

    code = "store"


class QueryError(StoreError):
    """The SQL is wrong: syntax, names, types or a value at run time."""

    code = "query"
    exit_code = ExitCode.INVALID


class QueryTimeoutError(StoreError):
    """The query reached its time limit and was stopped."""

    code = "query_timeout"
    exit_code = ExitCode.INVALID


class NotReadOnlyError(StoreError):
    """The SQL would do more than read tables."""

    code = "not_read_only"
    exit_code = ExitCode.INVALID


class TableMissingError(StoreError):
    """No table of that name."""

    code = "table_missing"
    exit_code = ExitCode.NOT_FOUND


class TableExistsError(StoreError):
    """A table of that name has another meaning."""

    code = "table_exists"
    exit_code = ExitCode.INVALID


class QueueFullError(StoreError):
    """Too many writes are waiting."""

    code = "queue_full"
    exit_code = ExitCode.RATE_LIMITED
    retryable = True


class DatabaseLockedError(StoreError):
    """A foreign program holds the file."""

    code = "database_locked"
    exit_code = ExitCode.DATABASE_LOCKED
    retryable = True


class DatabaseCorruptError(StoreError):
    """The file is damaged, foreign or from a newer program."""

    code = "database_corrupt"


class DiskFullError(StoreError):
    """No space is left where the database or the spool lives."""

    code = "disk_full"


class ServerError(MpError):
    """The shared server cannot serve this call."""

    code = "server"


class ServerUnreachableError(ServerError):
    """No server answers, and none could be started."""

    code = "server_unreachable"
    retryable = True


class ServerVersionError(ServerError):
    """This program and the server do not fit together."""

    code = "server_version"
