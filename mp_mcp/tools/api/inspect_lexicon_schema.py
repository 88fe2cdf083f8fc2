"""The tool inspect_lexicon_schema. Never touches the database."""

from pydantic import Field

from mp_mcp.mixpanel.client import Mixpanel
from mp_mcp.mixpanel.lexicon import PropertySchema, Schema, lexicon_schema
from mp_mcp.results import Row, Rows
from mp_mcp.tool import tool
from mp_mcp.tools.params import EntityType, SchemaName

COLUMNS = (
    *("property", "type", "description", "display_name"),
    *("required", "hidden", "dropped", "rules"),
)


class SchemaRows(Rows):
    """What Lexicon says about one event or about profiles; a row per property."""

    type: str
    name: str
    display_name: str | None = None
    description: str | None = None
    tags: list[str] = Field(default_factory=list)
    contacts: list[str] = Field(default_factory=list)
    hidden: bool | None = None
    dropped: bool | None = Field(default=None, description="true when Mixpanel discards it")
    other_properties: bool = Field(
        default=True, description="false when no property but these is expected"
    )


@tool
async def inspect_lexicon_schema(
    mixpanel: Mixpanel,
    *,
    type: EntityType,  # noqa: A002 - the contract's name
    name: SchemaName,
) -> SchemaRows:
    """Show what Lexicon says about one event or about profiles: a row per described property.

    Use it to learn what properties mean. Not for those that really came: use inspect_properties.
    `rules` holds other JSON Schema keywords, such as enum. Costs no query; at most 5 per minute.
    Example: type="event", name="Purchase".
    """
    found = await lexicon_schema(mixpanel, type, name)
    shown = found.shown
    return SchemaRows.of(
        COLUMNS,
        [_row(each, found) for each in sorted((found.properties or {}).items())],
        type=type,
        name=name,
        display_name=shown.display_name,
        description=found.description,
        tags=shown.tags or [],
        contacts=[*(shown.contacts or []), *(shown.team_contacts or [])],
        hidden=shown.hidden,
        dropped=shown.dropped,
        other_properties=found.additional_properties is not False,
    )


def _row(named: tuple[str, PropertySchema], schema: Schema) -> Row:
    name, found = named
    kind = " | ".join(found.type) if isinstance(found.type, list) else found.type
    shown = found.shown
    is_required = name in (schema.required or [])
    return [
        *(name, kind, found.description, shown.display_name),
        *(is_required, shown.hidden, shown.dropped, found.rules),
    ]
