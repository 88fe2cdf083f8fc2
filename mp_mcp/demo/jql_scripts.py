"""The few JQL scripts that the simulator understands, told by their pattern.

Never runs JavaScript: whatever is not one of the patterns is an error of the script.

    function main() { return SOURCE STEP; }
    SOURCE := Events({from_date: ..., to_date: ..., event_selectors: [{event: ...}]}) | People()
    STEP   := nothing | .groupBy([KEY, ...], COUNT) | .reduce(COUNT)
    KEY    := "name" | "distinct_id" | "properties.x"
    COUNT  := mixpanel.reducer.count() | [mixpanel.reducer.count(), ...]
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_TOKEN = re.compile(
    r"""\s*(?:(?P<string>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*') | (?P<number>-?\d+(?:\.\d+)?)
    | (?P<name>[A-Za-z_$][\w$.]*) | (?P<sign>[\[\]{}:,]))""",
    re.VERBOSE | re.DOTALL,
)
_COMMENT = re.compile(r"""/\*.*?\*/|(?<![:"'])//[^\n]*""", re.DOTALL)
_MAIN = re.compile(r"\s*function\s+main\s*\(\s*\)\s*\{\s*return\s+(.*?);?\s*\}\s*;?\s*", re.DOTALL)
_SOURCE = re.compile(r"(Events|People)\s*\(")
_COUNT = r"mixpanel\.reducer\.count\(\)"
_COUNTS = re.compile(rf"\s*(?:{_COUNT}|\[\s*{_COUNT}\s*(?:,\s*{_COUNT}\s*)*\])\s*")
_STEP = re.compile(r"\s*\.\s*(\w+)\s*\((.*)\)\s*", re.DOTALL)
_KEY = re.compile(r"name|distinct_id|properties\..+", re.DOTALL)


class ScriptError(Exception):
    """What a JavaScript engine would say about the script."""

    def __init__(self, kind: str, message: str, column: int = 0) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.column = column


@dataclass(frozen=True)
class Script:
    """What a script asks for."""

    source: str
    options: Mapping[str, Any]
    keys: tuple[str, ...] | None = None
    """What is grouped by; None when nothing is grouped."""
    reduced: bool = False
    reducers: int | None = None
    """How many reducers are in an array; None for one that is not."""


def read_script(text: str, params: Mapping[str, Any]) -> Script:
    """The meaning of a script; raises `ScriptError`."""
    main = _MAIN.fullmatch(_COMMENT.sub("", text))
    if main is None:
        raise ScriptError("ReferenceError", "main is not defined")
    body = main[1]
    source = _SOURCE.match(body)
    if source is None:
        name = re.split(r"\W", body, maxsplit=1)[0]
        raise ScriptError("ReferenceError", f"{name} is not defined")
    end = _closing(body, source.end())
    options = _options(body[source.end() : end], params)
    step = body[end + 1 :].strip()
    if not step:
        return Script(source[1], options)
    return _with_step(Script(source[1], options), step, end + 1, params)


def _with_step(script: Script, text: str, column: int, params: Mapping[str, Any]) -> Script:
    step = _STEP.fullmatch(text)
    if step is None or step[1] not in ("groupBy", "reduce"):
        name = step[1] if step else text[:20]
        raise ScriptError("TypeError", f"{script.source}(...).{name} is not a function", column)
    arguments, keys = step[2], None
    if step[1] == "groupBy":
        listed = arguments[: arguments.find("]") + 1]
        keys = _keys(_Literals(listed, params).whole(), column)
        arguments = arguments[len(listed) :].lstrip().removeprefix(",")
    if not _COUNTS.fullmatch(arguments):
        raise ScriptError("TypeError", "reducer is not a function", column)
    many = arguments.count("count()") if "[" in arguments else None
    return Script(script.source, script.options, keys, step[1] == "reduce", many)


def _keys(found: Any, column: int) -> tuple[str, ...]:
    if not isinstance(found, list) or not all(_KEY.fullmatch(str(one)) for one in found):
        raise ScriptError("TypeError", "groupBy: keys must be property names", column)
    return tuple(found)


def _closing(text: str, start: int) -> int:
    """Where the bracket closes that was opened before `start`; quotes are not looked at."""
    depth = 1
    for position in range(start, len(text)):
        depth += {"(": 1, ")": -1}.get(text[position], 0)
        if depth == 0:
            return position
    raise ScriptError("SyntaxError", "missing ) after argument list", len(text))


def _options(text: str, params: Mapping[str, Any]) -> Mapping[str, Any]:
    found = _Literals(text, params).whole() if text.strip() else {}
    if not isinstance(found, Mapping):
        raise ScriptError("TypeError", "the argument must be an object")
    return found


class _Literals:
    """Objects, arrays, texts, numbers and `params.x` of a script."""

    def __init__(self, text: str, params: Mapping[str, Any]) -> None:
        self._text = text
        self._params = params
        self._at = 0

    def whole(self) -> Any:
        """The only literal of the text."""
        value = self._value(*self._next())
        if self._text[self._at :].strip():
            raise self._unexpected(self._text[self._at :].strip()[:1])
        return value

    def _next(self) -> tuple[str, str]:
        match = _TOKEN.match(self._text, self._at)
        if match is None:
            raise self._unexpected(self._text[self._at :].strip()[:1] or "end of input")
        self._at = match.end()
        kind = str(match.lastgroup)
        return kind, match[kind]

    def _value(self, kind: str, word: str) -> Any:
        if kind == "string":
            return re.sub(r"\\(.)", r"\1", word[1:-1])
        if kind == "number":
            return json.loads(word)
        if kind == "name":
            return self._named(word)
        if word == "[":
            return self._list()
        if word == "{":
            return self._object()
        raise self._unexpected(word)

    def _named(self, word: str) -> Any:
        if word in ("true", "false", "null"):
            return json.loads(word)
        root, _, name = word.partition(".")
        if root != "params":
            raise ScriptError("ReferenceError", f"{root} is not defined", self._at)
        return self._params.get(name) if name else self._params

    def _list(self) -> list[Any]:
        found: list[Any] = []
        while (token := self._next())[1] != "]" or token[0] != "sign":
            found.append(self._value(*token))
            self._comma("]")
        return found

    def _object(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        while (token := self._next()) != ("sign", "}"):
            kind, word = token
            if self._next() != ("sign", ":"):
                raise self._unexpected(word)
            found[word[1:-1] if kind == "string" else word] = self._value(*self._next())
            self._comma("}")
        return found

    def _comma(self, end: str) -> None:
        """Step over a comma; the closing sign stays."""
        before = self._at
        token = self._next()
        if token == ("sign", end):
            self._at = before
        elif token != ("sign", ","):
            raise self._unexpected(token[1])

    def _unexpected(self, word: str) -> ScriptError:
        return ScriptError("SyntaxError", f"Unexpected token {word}", self._at)
