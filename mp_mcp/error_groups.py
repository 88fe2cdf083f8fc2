"""Which error of a task group its caller gets.

Never makes up an error: it picks one of those that were raised.
"""

from mp_mcp.errors import MpError


def leading_error(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """The one error of a task group that the caller can do something about."""
    leaves: list[BaseException] = []
    pending: list[BaseException] = [group]
    while pending:
        error = pending.pop(0)
        if isinstance(error, BaseExceptionGroup):
            pending.extend(error.exceptions)
        else:
            leaves.append(error)
    return next((leaf for leaf in leaves if isinstance(leaf, MpError)), leaves[0])
