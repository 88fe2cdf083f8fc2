"""What is freed goes back to the system."""

import ctypes
import sys

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
