"""Locks between processes on open files: one function for every system.

Never outlives the process: the system lets go of a lock whose holder has died.
"""

import sys

if sys.platform == "win32":
    import msvcrt

    def try_lock(file: int, *, shared: bool = False) -> bool:  # noqa: ARG001
        """Take the lock of an open file if nobody holds it. There are no shared ones here."""
        try:
            msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

    def lock(file: int) -> None:
        """Take the lock of an open file; wait for whoever holds it."""
        msvcrt.locking(file, msvcrt.LK_LOCK, 1)

else:
    import fcntl

    def try_lock(file: int, *, shared: bool = False) -> bool:
        """Take the lock of an open file if nobody is in the way; closing the file gives it back."""
        try:
            fcntl.flock(file, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def lock(file: int) -> None:
        """Take the lock of an open file; wait for whoever holds it."""
        fcntl.flock(file, fcntl.LOCK_EX)
