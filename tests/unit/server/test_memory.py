"""What is freed goes back to the system, and threads share what is kept."""

import ctypes
import os
import subprocess
import sys
import weakref

from mp_mcp.server import memory
from mp_mcp.server.resident import resident_bytes

BLOCK, BLOCKS = 64 * 1024, 1500
"""Below the size from which glibc asks the system for each block alone."""


def test_freed_memory_that_the_heap_kept_goes_back() -> None:
    libc = ctypes.CDLL(None)
    libc.malloc.restype = ctypes.c_void_p
    libc.free.argtypes = [ctypes.c_void_p]
    blocks = [libc.malloc(BLOCK) for _ in range(BLOCKS)]
    for block in blocks:
        ctypes.memset(block, 1, BLOCK)
    for block in blocks[:-1]:
        libc.free(block)
    before = resident_bytes()
    memory.give_back()
    assert sys.platform != "linux" or before - resident_bytes() > BLOCK * BLOCKS / 2
    libc.free(blocks[-1])


class Loop:
    """Something that points at itself."""

    def __init__(self) -> None:
        self.other = self


def test_what_only_points_at_itself_is_freed_too() -> None:
    gone = weakref.ref(Loop())
    memory.give_back()
    assert gone() is None


THREADS_AT_WORK = """
import ctypes, os, threading
from mp_mcp.server import memory

memory.few_heaps()
libc = ctypes.CDLL(None)
threads = 4 * os.cpu_count() + 4
barrier = threading.Barrier(threads + 1)

def work():
    libc.malloc(1000)
    barrier.wait()
    barrier.wait()

for _ in range(threads):
    threading.Thread(target=work).start()
barrier.wait()
getattr(libc, "malloc_stats", lambda: None)()
barrier.wait()
"""


def test_many_threads_share_a_few_heaps() -> None:
    ran = subprocess.run(
        [sys.executable, "-c", THREADS_AT_WORK], capture_output=True, text=True, check=True
    )
    assert ran.stderr.count("Arena ") <= max(2, os.cpu_count() or 2)
