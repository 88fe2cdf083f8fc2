"""The state folder, client and simulator of the process tests, for the faults.

Never collects the long tests unless MP_TEST_CHAOS is set: `make test-chaos` does that.
"""

import os

from tests.processes.conftest import environ, home, mixpanel, offline

__all__ = ["environ", "home", "mixpanel", "offline"]

if not os.environ.get("MP_TEST_CHAOS"):
    collect_ignore = ["test_big_files.py", "test_every_function.py"]
