"""Which tools a connection lists, and which it may call: what its greeting chose of them.

Never names a tool: sets are what tools say of themselves. Without a choice the default set is
listed, to save tokens, and every tool can be called; a choice is also a limit.
"""

import difflib
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from typing import Any, NamedTuple, Self

from mp_mcp.errors import UsageError
from mp_mcp.tool import Tool

DEFAULT = "default"


class Choice(NamedTuple):
    """`--toolsets`, `--tools` and `--read-only` of a client."""

    toolsets: tuple[str, ...] = ()
    tools: tuple[str, ...] = ()
    read_only: bool = False

    @classmethod
    def from_dict(cls, found: Mapping[str, Any]) -> Self:
        """From a greeting. Raises: UsageError when it is malformed."""
        names = {key: found.get(key) or [] for key in ("toolsets", "tools")}
        for key, value in names.items():
            if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
                raise UsageError(f"The greeting's {key} must be a list of names.")
        return cls(tuple(names["toolsets"]), tuple(names["tools"]), bool(found.get("read_only")))

    def check(self, tools: Mapping[str, Tool]) -> None:
        """Raises: UsageError for a name that does not exist, with the closest one."""
        known = {name for tool in tools.values() for name in tool.toolsets} | {DEFAULT}
        for name in self.toolsets:
            if name not in known:
                raise _unknown("toolset", name, known)
        callable_ones = {name for name, tool in tools.items() if not tool.human_only}
        for name in self.tools:
            if name not in callable_ones:
                raise _unknown("tool", name, callable_ones)

    def listed(self, tools: Mapping[str, Tool]) -> dict[str, Tool]:
        """What `tools/list` shows."""
        sets = {*self.toolsets} or (set() if self.tools else {DEFAULT})
        return {
            name: tool
            for name, tool in self._allowed(tools).items()
            if name in self.tools or not sets.isdisjoint(tool.toolsets)
        }

    def usable(self, tools: Mapping[str, Tool]) -> dict[str, Tool]:
        """What `tools/call` runs."""
        return self.listed(tools) if self.toolsets or self.tools else self._allowed(tools)

    def withheld(self, tools: Mapping[str, Tool]) -> dict[str, UsageError]:
        """Why the other tools are refused."""
        usable = self.usable(tools)
        return {
            name: self._refusal(tool)
            for name, tool in tools.items()
            if name not in usable and not tool.human_only
        }

    def _allowed(self, tools: Mapping[str, Tool]) -> dict[str, Tool]:
        allowed = {name: tool for name, tool in tools.items() if not tool.human_only}
        if not self.read_only:
            return allowed
        return {name: _without_saving(tool) for name, tool in allowed.items() if not tool.writes}

    def _refusal(self, tool: Tool) -> UsageError:
        if self.read_only and tool.writes:
            return UsageError(
                f"{tool.name} is withheld: this connection is read-only.",
                hint="Go on with what is listed; only the human can start mp-mcp without "
                "--read-only.",
            )
        flags = [f"--toolsets {','.join(self.toolsets)}"] if self.toolsets else []
        flags += [f"--tools {','.join(self.tools)}"] if self.tools else []
        return UsageError(
            f"{tool.name} is not among the tools of this connection ({' '.join(flags)}).",
            hint=f"Go on with what is listed; the human can start mp-mcp with --tools {tool.name} "
            f"or --toolsets {tool.toolsets[-1]} as well.",
        )


@cache
def _without_saving(tool: Tool) -> Tool:
    """The tool as a connection has it that must not write."""
    return replace(tool, is_savable=False)


def _unknown(what: str, name: str, known: set[str]) -> UsageError:
    close = difflib.get_close_matches(name, known, n=1)
    hint = f"Did you mean {close[0]}?" if close else f"Known: {', '.join(sorted(known))}."
    return UsageError(f"There is no {what} {name!r}.", hint=hint)
