"""What a prompt is: a function whose signature is its arguments and whose answer is the request.

Never asks anything: a prompt is words that a person sends to an agent. `discover` finds them.
"""

import importlib
import inspect
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from types import ModuleType
from typing import Any, TypeVar, get_args, get_type_hints

from mp_mcp.errors import UsageError


@dataclass(frozen=True)
class Argument:
    """One argument of a prompt; it is always a text."""

    name: str
    description: str
    required: bool


@dataclass(frozen=True)
class Prompt:
    """A prompt as a value: everything else about it is derived from its function."""

    function: Callable[..., str]

    @property
    def name(self) -> str:
        """The name of the function."""
        return self.function.__name__

    @property
    def description(self) -> str:
        """The docstring."""
        return inspect.getdoc(self.function) or ""

    @cached_property
    def arguments(self) -> tuple[Argument, ...]:
        """In the order of the signature."""
        hints = get_type_hints(self.function, include_extras=True)
        return tuple(
            Argument(name, get_args(hints[name])[1], parameter.default is parameter.empty)
            for name, parameter in inspect.signature(self.function).parameters.items()
        )

    def text(self, given: Mapping[str, str]) -> str:
        """The request. Raises: UsageError that names each wrong argument."""
        known = {argument.name for argument in self.arguments}
        problems = [f"unknown argument {name}" for name in given if name not in known]
        # Hosts send "" for what the person left out.
        filled = {name: value.strip() for name, value in given.items() if value.strip()}
        problems += [
            f"{argument.name} is required"
            for argument in self.arguments
            if argument.required and argument.name not in filled
        ]
        if problems:
            names = [a.name if a.required else f"[{a.name}]" for a in self.arguments]
            raise UsageError(
                f"{self.name}: {'; '.join(problems)}.",
                hint=f"Arguments: {', '.join(names) or 'none'}.",
            )
        return inspect.cleandoc(self.function(**filled))


F = TypeVar("F", bound=Callable[..., str])


def prompt(function: F) -> F:
    """Mark a function as a prompt."""
    function.__mp_prompt__ = Prompt(function)  # type: ignore[attr-defined]
    return function


def discover(package: ModuleType) -> dict[str, Prompt]:
    """Every prompt in the modules of a package, by name, in alphabetical order."""
    found: dict[str, Prompt] = {}
    for module in pkgutil.iter_modules(package.__path__, package.__name__ + "."):
        for value in vars(importlib.import_module(module.name)).values():
            candidate: Any = getattr(value, "__mp_prompt__", None)
            if isinstance(candidate, Prompt):
                found[candidate.name] = candidate
    return dict(sorted(found.items()))
