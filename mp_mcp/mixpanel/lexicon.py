"""`GET app/projects/{id}/schemas`: what Lexicon says about events and profiles.

Never lists what merely came in: only what somebody described has a schema.
"""

import json
from typing import Annotated, Any, Literal
from urllib.parse import quote

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, TypeAdapter

from mp_mcp.errors import NotFoundError
from mp_mcp.mixpanel import freshness
from mp_mcp.mixpanel.answers import read, unexpected, unwrapped
from mp_mcp.mixpanel.client import Mixpanel
from mp_mcp.mixpanel.models import Target

EntityType = Literal["event", "profile", "custom_event"]

_KEYWORDS = frozenset(
    {
        *("$defs", "$id", "$ref", "$schema", "additionalProperties", "allOf", "anyOf", "const"),
        *("default", "definitions", "description", "enum", "examples", "if", "maxProperties"),
        *("metadata", "minProperties", "not", "oneOf", "patternProperties", "properties"),
        *("propertyNames", "required", "title", "type"),
    }
)
"""Words of JSON Schema: an object with any of them at its top is a schema."""

_WHAT = "Lexicon schemas"


class Shown(BaseModel):
    """How Mixpanel presents an event or a property."""

    display_name: str | None = Field(default=None, alias="displayName")
    hidden: bool | None = None
    dropped: bool | None = None
    tags: list[str] | None = None
    contacts: list[str] | None = None
    team_contacts: list[str] | None = Field(default=None, alias="teamContacts")


class _Metadata(BaseModel):
    shown: Shown | None = Field(default=None, alias="com.mixpanel")


class _Described(BaseModel):
    description: str | None = None
    metadata: _Metadata | None = None

    @property
    def shown(self) -> Shown:
        """Mixpanel's part of the metadata; empty where there is none."""
        return (self.metadata and self.metadata.shown) or Shown()


class PropertySchema(_Described):
    """What is said about one property; other JSON Schema keywords are kept as `rules`."""

    model_config = ConfigDict(extra="allow")

    type: str | list[str] | None = None

    @property
    def rules(self) -> dict[str, Any] | None:
        """Keywords such as enum, minimum or pattern."""
        return self.model_extra or None


class Schema(_Described):
    """What is said about an event or about profiles; everything in it is optional."""

    properties: dict[str, PropertySchema] | None = None
    required: list[str] | None = None
    additional_properties: bool | dict[str, Any] | None = Field(
        default=None, alias="additionalProperties"
    )


def _decoded(value: Any) -> Any:
    """A schema may be stored as JSON text. Raises: ValueError for a text that is none."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except RecursionError as error:
        raise ValueError("nested too deep") from error


_Stored = Annotated[Schema | None, BeforeValidator(_decoded)]


class Entry(BaseModel):
    """A schema with its name."""

    entity_type: str | None = Field(default=None, alias="entityType")
    name: str
    definition: _Stored = Field(default=None, alias="schemaJson")


_ENTRIES = TypeAdapter(list[Entry])
_SCHEMA: TypeAdapter[Schema | None] = TypeAdapter(_Stored)


async def lexicon_schemas(
    mixpanel: Mixpanel,
    type: EntityType | None = None,  # noqa: A002 - the tool's word
) -> list[Entry]:
    """Every schema of that type, by type and name. Costs no unit, but five a minute is the most."""
    path = _path(mixpanel.target) + (f"/{type}" if type else "")
    return lexicon_schemas_of(await mixpanel.get("app", path, {}, keep_s=freshness.LEXICON))


def lexicon_schemas_of(answer: Any) -> list[Entry]:
    """The entries by type and name, in an envelope or without."""
    held = unwrapped(answer)
    is_enveloped = held is not answer
    # A project without schemas has an empty list, or nothing at all in its envelope.
    found = [] if is_enveloped and held in (None, {}) else read(_ENTRIES, held, _WHAT)
    return sorted(found, key=lambda entry: (entry.entity_type or "", entry.name))


async def lexicon_schema(
    mixpanel: Mixpanel,
    type: EntityType,  # noqa: A002 - the tool's word
    name: str,
) -> Schema:
    """One schema. Raises: NotFoundError when Lexicon has none of that name."""
    path = f"{_path(mixpanel.target)}/{type}"
    try:
        answer = await mixpanel.get("app", path, {"entity_name": name}, keep_s=freshness.LEXICON)
    except NotFoundError as error:
        raise _missing(type, name) from error
    return lexicon_schema_of(answer, type, name)


def lexicon_schema_of(
    answer: Any,
    type: EntityType,  # noqa: A002 - the tool's word
    name: str,
) -> Schema:
    """The schema alone, in an entry, or in a list of entries; each in an envelope or without."""
    found = answer
    while isinstance(found, dict) and "schemaJson" not in found and "results" in found:
        found = found["results"]
    if isinstance(found, list):
        return _picked(lexicon_schemas_of(found), type, name)
    if found is None and answer is not None:
        raise _missing(type, name)
    if not isinstance(found, dict):
        raise unexpected(_WHAT)
    if "schemaJson" in found:
        found = found["schemaJson"]
    elif found and not found.keys() & _KEYWORDS:
        raise unexpected(_WHAT)
    return read(_SCHEMA, found, _WHAT) or Schema()


def _picked(entries: list[Entry], entity_type: EntityType, name: str) -> Schema:
    for entry in entries:
        if entry.name == name and entry.entity_type in (None, entity_type):
            return entry.definition or Schema()
    raise _missing(entity_type, name)


def _missing(entity_type: EntityType, name: str) -> NotFoundError:
    return NotFoundError(
        f"Lexicon has no {entity_type} schema named {name!r}.",
        hint="inspect_lexicon_schemas lists those that exist; inspect_properties shows what an "
        "event carries, described or not.",
    )


def _path(target: Target) -> str:
    """Of the project even in a data view: a view narrows events, not their descriptions."""
    return f"/projects/{quote(target.project_id, safe='')}/schemas"
