"""A tool with a handle, a lender for it and a caller of both. Never touches a project."""

from typing import Annotated, Any

from pydantic import BaseModel, Field

from mp_mcp.bounds import AGENT_BOUNDS, Bounds
from mp_mcp.call import LocalCaller
from mp_mcp.errors import MpError
from mp_mcp.results import Result
from mp_mcp.tool import Handle, Parameter, Tool, tool


class Basket(Handle):
    """A handle that knows its owner."""

    options = (
        Parameter("ripe", Annotated[bool, Field(description="Only ripe fruit")], default=False),
    )

    def __init__(self, owner: str, ripe: bool) -> None:
        self.owner = owner
        self._ripe = ripe

    def complete(self, answer: BaseModel) -> None:
        """Say what was asked of the basket."""
        if isinstance(answer, Owner):
            answer.ripe = self._ripe


class Lender:
    """Lends baskets, unless it is told to refuse; its standing is itself."""

    project: str | None = "42"

    def __init__(self, refusal: MpError | None = None, notice: str | None = None) -> None:
        self._refusal = refusal
        self.notice = notice

    def standing(self) -> "Lender":
        """Always the same."""
        return self

    def notice_told(self) -> None:
        """The notice was delivered."""
        self.notice = None

    async def lend(self, handle: type[Handle], **options: Any) -> Handle:
        """A basket of ours."""
        assert handle is Basket
        if self._refusal is not None:
            raise self._refusal
        return Basket("us", **options)


class Owner(Result):
    """Whose basket it is, and how often that was asked."""

    owner: str
    times: int
    ripe: bool | None = None


@tool
async def ask_owner(
    basket: Basket,
    fruit: Annotated[str, Field(min_length=1)],
    *,
    times: Annotated[int, Field(ge=1, le=9)] = 1,
) -> Owner:
    """Say whose basket it is."""
    return Owner(owner=f"{basket.owner} ({fruit})", times=times)


def tools(*functions: Any) -> dict[str, Tool]:
    return {function.__mp_tool__.name: function.__mp_tool__ for function in functions}


def caller(*functions: Any, lender: Lender | None = None, bounds: Bounds = AGENT_BOUNDS) -> Any:
    return LocalCaller(tools(*functions), lender or Lender(), bounds)
