"""stub"""

from mp_mcp.front.command import command
from mp_mcp.front.flags import Flags


@command()
def doctor(_: Flags) -> None:
    """Check."""
