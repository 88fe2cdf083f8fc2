"""The tool inspect_lexicon_schemas. Never touches the database."""

from mp_mcp.mixpanel.client import Mixpanel
from mp_mcp.mixpanel.lexicon import Entry, Schema, lexicon_schemas
from mp_mcp.results import Row, Rows
from mp_mcp.tool import tool
from mp_mcp.tools.params import EntityTypeIfAny

COLUMNS = (
    *("type", "name", "display_name", "description"),
    *("tags", "hidden", "dropped", "properties"),
)


@tool
async def inspect_lexicon_schemas(
    mixpanel: Mixpanel,
    *,
    type: EntityTypeIfAny = None,  # noqa: A002 - the contract's name
) -> Rows:
    """List what Lexicon, Mixpanel's data dictionary, describes: events and profiles.

    Use it to learn what events mean. Not for all events: inspect_events lists also those without a
    schema. `properties` counts those that inspect_lexicon_schema shows. Costs no query; at most 5
    per minute.
    Example: type="event".
    """
    return Rows.of(COLUMNS, [_row(entry, type) for entry in await lexicon_schemas(mixpanel, type)])


def _row(entry: Entry, asked: EntityTypeIfAny) -> Row:
    found = entry.definition or Schema()
    shown = found.shown
    return [
        *(entry.entity_type or asked, entry.name, shown.display_name, found.description),
        *(shown.tags or [], shown.hidden, shown.dropped, len(found.properties or {})),
    ]
