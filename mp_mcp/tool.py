"""What a tool is: a typed function whose signature is the schema, the flags and the help.

Never runs a tool (`call.py` does) and knows no tool by name: `discover` finds them.
"""

import importlib
import inspect
import keyword
import pkgutil
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from types import ModuleType
from typing import Annotated, Any, ClassVar, TypeVar, get_args, get_origin, get_type_hints, overload

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, create_model

ToolFunction = Callable[..., Awaitable[BaseModel]]


class Handle:
    """Base of the capabilities that a tool may ask for; lent by the runtime, hidden from callers.

    The first two facts become the tool's MCP annotations. `options` are arguments that every tool
    with this handle takes besides its own; they go to the lender, not to the tool.
    """

    writes: ClassVar[bool] = False
    asks_mixpanel: ClassVar[bool] = False
    options: ClassVar[tuple["Parameter", ...]] = ()

    def complete(self, answer: BaseModel) -> None:
        """Write into the tool's answer what only the handle knows about it."""


@dataclass(frozen=True)
class Flag:
    """How a parameter is spelled on the command line, e.g. `Flag("-l", "--limit")`.

    `Flag(argument="TABLE")` makes it positional.
    """

    names: tuple[str, ...] = ()
    argument: str | None = None

    def __init__(self, *names: str, argument: str | None = None) -> None:
        object.__setattr__(self, "names", names)
        object.__setattr__(self, "argument", argument)


@dataclass(frozen=True)
class Parameter:
    """One argument of a tool, as callers see it: `return_` of a function is their `return`."""

    name: str
    annotation: Any
    default: Any

    @property
    def keyword(self) -> str:
        """Its name in the function: words of Python itself get an underscore there."""
        return f"{self.name}_" if keyword.iskeyword(self.name) else self.name

    @property
    def required(self) -> bool:
        """Whether a call without it is refused."""
        return self.default is inspect.Parameter.empty

    @property
    def flag(self) -> Flag:
        """Its spelling on the command line; by default the name in kebab case."""
        for extra in get_args(self.annotation)[1:]:
            if isinstance(extra, Flag):
                return extra
        return Flag("--" + self.name.replace("_", "-"))


DETACH = Parameter(
    "detach",
    Annotated[bool, Flag("--detach"), Field(description="Return at once; the job goes on")],
    default=False,
)
"""What every tool that is a job takes besides its own arguments."""

TABLE_NAME = r"^[A-Za-z_][A-Za-z0-9_]{0,62}$"
"""What names a table; the only pattern that arguments have."""

SAVE_AS = Parameter(
    "save_as",
    Annotated[
        str | None,
        BeforeValidator(lambda name: name or None),
        Flag("--save-as"),
        Field(
            pattern=TABLE_NAME,
            description="Keep the whole answer as this table; show its start",
        ),
    ],
    default=None,
)
"""What every tool whose answer may be kept as a table takes besides its own arguments."""
CHART = Parameter(
    "chart",
    Annotated[bool, Flag("--chart"), Field(description="Add a picture of the answer (PNG)")],
    default=False,
)
"""What every tool whose answer is a chart takes besides its own arguments. `mp` draws by itself."""


@dataclass(frozen=True)
class Tool:
    """A tool as a value: everything else about it is derived from its function."""

    function: ToolFunction
    destructive: bool = False
    idempotent: bool = True
    command: str | None = None
    human_only: bool = False
    is_job: bool = False
    is_savable: bool = False
    is_essential: bool = False
    has_chart: bool = False

    @property
    def name(self) -> str:
        """The MCP name, `verb_noun`; `mp verb noun` is the command."""
        return self.function.__name__

    @property
    def words(self) -> tuple[str, ...]:
        """The words of its command: `inspect_top_events` is `mp inspect top-events`."""
        verb, _, rest = self.name.partition("_")
        return tuple(self.command.split()) if self.command else (verb, rest.replace("_", "-"))

    @property
    def description(self) -> str:
        """The docstring: its first line is what an agent chooses by."""
        return inspect.getdoc(self.function) or ""

    @cached_property
    def _hints(self) -> dict[str, Any]:
        return get_type_hints(self.function, include_extras=True)

    @cached_property
    def handles(self) -> dict[str, type[Handle]]:
        """Parameter name to the capability that it asks for."""
        return {name: hint for name, hint in self._hints.items() if _is_handle(hint)}

    @cached_property
    def options(self) -> tuple[Parameter, ...]:
        """Arguments that its handles bring along."""
        return tuple(option for handle in self.handles.values() for option in handle.options)

    @cached_property
    def parameters(self) -> tuple[Parameter, ...]:
        """What callers pass: in the order of the signature, options last."""
        signature = inspect.signature(self.function)
        own = (
            Parameter(_seen_by_callers(name), self._hints[name], parameter.default)
            for name, parameter in signature.parameters.items()
            if name not in self.handles
        )
        return (*own, *self.added, *self.options)

    @property
    def added(self) -> tuple[Parameter, ...]:
        """Arguments that the decorator brings along: the caller obeys them, not the function."""
        possible = ((DETACH, self.is_job), (SAVE_AS, self.is_savable), (CHART, self.has_chart))
        return tuple(parameter for parameter, is_taken in possible if is_taken)

    @cached_property
    def arguments_model(self) -> type[BaseModel]:
        """Validates a call; unknown arguments are refused by name."""
        fields: dict[str, Any] = {
            parameter.name: (
                parameter.annotation,
                ... if parameter.required else parameter.default,
            )
            for parameter in self.parameters
        }
        return create_model(self.name, __config__=ConfigDict(extra="forbid"), **fields)

    @property
    def result_model(self) -> type[BaseModel]:
        """The type of the answer."""
        model: type[BaseModel] = self._hints["return"]
        return model

    @property
    def writes(self) -> bool:
        """Whether it changes the database."""
        return any(handle.writes for handle in self.handles.values())

    @property
    def asks_mixpanel(self) -> bool:
        """Whether it reaches the outside world."""
        return any(handle.asks_mixpanel for handle in self.handles.values())

    @property
    def toolsets(self) -> tuple[str, ...]:
        """The sets of tools that it is in; the last one is its folder."""
        if self.human_only:
            return ()
        _, _, path = self.function.__module__.partition(".tools.")
        folder = path.split(".")[0] if "." in path else "workspace"
        return ("all", *(("default",) if self.is_essential else ()), folder)


F = TypeVar("F", bound=ToolFunction)


@overload
def tool(function: F) -> F: ...
@overload
def tool(
    *,
    destructive: bool = ...,
    idempotent: bool = ...,
    command: str | None = ...,
    human_only: bool = ...,
    job: bool = ...,
    savable: bool = ...,
    essential: bool = ...,
    chart: bool = ...,
) -> Callable[[F], F]: ...
def tool(
    function: F | None = None,
    *,
    destructive: bool = False,
    idempotent: bool = True,
    command: str | None = None,
    human_only: bool = False,
    job: bool = False,
    savable: bool = False,
    essential: bool = False,
    chart: bool = False,
) -> Any:
    """Mark a function as a tool: `@tool`, or `@tool(destructive=True)`.

    `command` overrides the words of its `mp` command; agents do not see `human_only` tools. A `job`
    outlives its call, and may be called again with the same arguments after its server was killed;
    it answers a JobResult. A `savable` one answers Rows, which the call can keep as a table after
    it. `essential` ones are in the default toolset. The answer of one with a `chart` is drawn on
    demand.
    """

    def mark(marked: F) -> F:
        found = Tool(
            marked,
            destructive,
            idempotent,
            command,
            human_only,
            is_job=job,
            is_savable=savable,
            is_essential=essential,
            has_chart=chart,
        )
        marked.__mp_tool__ = found  # type: ignore[attr-defined]
        return marked

    return mark if function is None else mark(function)


def discover(package: ModuleType) -> dict[str, Tool]:
    """Every tool in the modules of a package, by name, in alphabetical order.

    Raises: ValueError when two functions share a name.
    """
    found: dict[str, Tool] = {}
    for module in _modules(package):
        for value in vars(module).values():
            candidate = getattr(value, "__mp_tool__", None)
            if not isinstance(candidate, Tool) or value.__module__ != module.__name__:
                continue
            if candidate.name in found:
                raise ValueError(f"two tools are named {candidate.name}")
            found[candidate.name] = candidate
    return dict(sorted(found.items()))


def _modules(package: ModuleType) -> Iterator[ModuleType]:
    for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        yield importlib.import_module(module.name)


def _seen_by_callers(name: str) -> str:
    shorter = name.removesuffix("_")
    return shorter if keyword.iskeyword(shorter) else name


def _is_handle(hint: Any) -> bool:
    if get_origin(hint) is Annotated:
        return False
    return isinstance(hint, type) and issubclass(hint, Handle)
