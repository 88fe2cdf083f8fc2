"""`python -m mp_mcp` is `mp`. Never holds logic of its own."""

import sys

from mp_mcp.front.cli import main

if __name__ == "__main__":
    sys.exit(main())
