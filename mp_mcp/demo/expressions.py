"""The expression language of `where`, `on` and `selector`: text in, a function of a row out.

Never evaluates by means of Python's own parser: what is not in the grammar is an error.

    expr     := expr binop expr | ("-" | "not") expr | func "(" expr, ... ")" | "(" expr ")"
              | properties["x"] | user["x"] | event["$time" | "$event_name" | "$distinct_id"]
              | behaviors["x"] | true | false | number | "string" | "[" literal, ... "]" | NOW
    binop    := or < and < not < == != < <= > >= in < + - < * / %   (weakest first)
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from mp_mcp.demo.values import (
    BINARY,
    FUNCTIONS,
    UNDEFINED,
    Binary,
    ExpressionError,
    equal,
    negative,
    truth,
)

__all__ = ["UNDEFINED", "Expression", "ExpressionError", "Subject", "compile_expression"]

_TOKEN = re.compile(
    r"""\s*(?:
      (?P<number>\d+(?:\.\d*)?(?:[eE][+-]?\d+)?|\.\d+)
    | (?P<string>"(?:[^"\\]|\\.)*")
    | (?P<name>[A-Za-z_][A-Za-z_0-9]*)
    | (?P<sign>==|!=|<=|>=|[-+*/%<>()\[\],])
    )""",
    re.VERBOSE | re.DOTALL,
)
_ROOTS = ("properties", "user", "event", "behaviors")
_EVENT_FIELDS = ("$time", "$event_name", "$distinct_id")
_LEVELS = (("==", "!=", "<", "<=", ">", ">=", "in"), ("+", "-"), ("*", "/", "%"))
"""Binary operators below `and`, `or` and `not`, weakest first."""


@dataclass(slots=True)
class Subject:
    """The row that an expression is applied to."""

    properties: Mapping[str, Any]
    event: Mapping[str, Any] = field(default_factory=dict)
    user: Mapping[str, Any] = field(default_factory=dict)
    behaviors: Mapping[str, Any] = field(default_factory=dict)
    now: float = 0.0
    bound: dict[str, Any] = field(default_factory=dict)


Expression = Callable[[Subject], Any]


def compile_expression(
    text: str, functions: Mapping[str, Callable[..., Any]] = FUNCTIONS
) -> Expression:
    """The function that the text means; raises `ExpressionError` when it is not in the grammar."""
    try:
        return _Parser(_tokens(text), functions).whole()
    except RecursionError as error:
        raise ExpressionError("the expression is nested too deeply") from error


def _tokens(text: str) -> list[tuple[str, str]]:
    tokens = []
    position = 0
    end = len(text.rstrip())
    while position < end:
        match = _TOKEN.match(text, position)
        if match is None:
            raise ExpressionError(f"cannot read the expression at character {position}")
        kind = str(match.lastgroup)
        word = match[kind]
        if kind == "name" and word.lower() in ("and", "or", "not", "in"):
            kind, word = "sign", word.lower()
        tokens.append((kind, word))
        position = match.end()
    return [*tokens, ("end", "")]


class _Parser:
    """Recursive descent; every method consumes tokens and returns a closure."""

    def __init__(
        self, tokens: list[tuple[str, str]], functions: Mapping[str, Callable[..., Any]]
    ) -> None:
        self._tokens = tokens
        self._functions = functions
        self._at = 0
        self._variables: list[str] = []

    def whole(self) -> Expression:
        expression = self._or()
        kind, word = self._tokens[self._at]
        if kind != "end":
            raise ExpressionError(f"unexpected {word!r} in the expression")
        return expression

    def _next(self) -> tuple[str, str]:
        token = self._tokens[self._at]
        self._at += token[0] != "end"
        return token

    def _take(self, *signs: str) -> str | None:
        kind, word = self._tokens[self._at]
        if kind == "sign" and word in signs:
            self._at += 1
            return word
        return None

    def _expect(self, sign: str) -> None:
        if self._take(sign) is None:
            raise ExpressionError(f"expected {sign!r} before {self._tokens[self._at][1]!r}")

    def _or(self) -> Expression:
        left = self._and()
        while self._take("or"):
            left = _either(left, self._and())
        return left

    def _and(self) -> Expression:
        left = self._not()
        while self._take("and"):
            left = _both(left, self._not())
        return left

    def _not(self) -> Expression:
        if self._take("not"):
            operand = self._not()
            return lambda subject: not truth(operand(subject))
        return self._binary(0)

    def _binary(self, level: int) -> Expression:
        if level == len(_LEVELS):
            return self._unary()
        left = self._binary(level + 1)
        while sign := self._take(*_LEVELS[level]):
            left = _combined(BINARY[sign], left, self._binary(level + 1))
        return left

    def _unary(self) -> Expression:
        if self._take("-"):
            operand = self._unary()
            return lambda subject: negative(operand(subject))
        return self._primary()

    def _primary(self) -> Expression:
        kind, word = self._next()
        if kind == "sign" and word == "(":
            inner = self._or()
            self._expect(")")
            return inner
        if kind == "sign" and word == "[":
            return self._list()
        if kind == "name":
            return self._named(word)
        if kind in ("number", "string"):
            return _constant(_literal(kind, word))
        raise ExpressionError(f"unexpected {word!r} in the expression")

    def _list(self) -> Expression:
        items = self._until("]", self._literal_item)
        return lambda subject: [item(subject) for item in items]

    def _literal_item(self) -> Expression:
        minus = self._take("-")
        kind, word = self._next()
        if kind == "name" and word in ("true", "false") and not minus:
            return _constant(word == "true")
        if kind == "number" or (kind == "string" and not minus):
            value = _literal(kind, word)
            return _constant(-value if minus else value)
        raise ExpressionError(f"a list holds literals only, not {word!r}")

    def _until(self, sign: str, parse: Callable[[], Expression]) -> list[Expression]:
        found: list[Expression] = []
        while not self._take(sign):
            if found:
                self._expect(",")
            found.append(parse())
        return found

    def _named(self, word: str) -> Expression:
        if word in ("true", "false"):
            return _constant(word == "true")
        if word in _ROOTS:
            return self._accessor(word)
        if word in self._variables:
            return lambda subject: subject.bound[word]
        if word == "NOW":
            return lambda subject: subject.now
        if self._take("("):
            return self._call(word)
        raise ExpressionError(f"unknown variable: {word}")

    def _accessor(self, root: str) -> Expression:
        self._expect("[")
        kind, word = self._next()
        if kind != "string":
            raise ExpressionError(f'{root}[...] needs a name in double quotes, not "{word}"')
        self._expect("]")
        name = _literal(kind, word)
        if root == "event" and name not in _EVENT_FIELDS:
            raise ExpressionError(f"event has no field {word}")
        if root == "properties":
            return lambda subject: _property(subject, name)
        return lambda subject: getattr(subject, root).get(name, UNDEFINED)

    def _call(self, name: str) -> Expression:
        if name == "any":
            return self._any()
        function = self._functions.get(name)
        if function is None:
            raise ExpressionError(f"unknown function: {name}")
        arguments = self._until(")", self._or)
        most = 2 if name == "string" else 1
        if not 1 <= len(arguments) <= most:
            raise ExpressionError(f"wrong number of arguments for {name}")
        return lambda subject: function(*[argument(subject) for argument in arguments])

    def _any(self) -> Expression:
        kind, variable = self._next()
        if kind != "name":
            raise ExpressionError("any(...) needs a variable first")
        self._expect(",")
        items = self._or()
        self._expect(",")
        self._variables.append(variable)
        condition = self._or()
        self._variables.pop()
        self._expect(")")
        return _some(variable, items, condition)


def _literal(kind: str, word: str) -> Any:
    if kind == "string":
        return re.sub(r"\\(.)", r"\1", word[1:-1], flags=re.DOTALL)
    return float(word) if re.search(r"[.eE]", word) else int(word)


def _constant(value: Any) -> Expression:
    return lambda _subject: value


def _property(subject: Subject, name: str) -> Any:
    value = subject.properties.get(name, UNDEFINED)
    if value is UNDEFINED and name in _EVENT_FIELDS:
        return subject.event.get(name, UNDEFINED)
    return value


def _combined(operate: Binary, left: Expression, right: Expression) -> Expression:
    return lambda subject: operate(left(subject), right(subject))


def _both(left: Expression, right: Expression) -> Expression:
    return lambda subject: truth(left(subject)) and truth(right(subject))


def _either(left: Expression, right: Expression) -> Expression:
    return lambda subject: truth(left(subject)) or truth(right(subject))


def _some(variable: str, items: Expression, condition: Expression) -> Expression:
    def evaluate(subject: Subject) -> Any:
        values = items(subject)
        if not isinstance(values, list):
            return UNDEFINED
        for value in values:
            subject.bound[variable] = value
            if equal(condition(subject), True):
                return True
        return False

    return evaluate
