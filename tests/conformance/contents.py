"""Fixture tools that answer with images, sounds, embedded resources, and notifications besides.

Never ask the client for anything: `asking.py` does.
"""

from mcp.server.subscriptions import InMemorySubscriptionBus, PromptsListChanged, ToolsListChanged
from mcp_types import (
    AudioContent,
    CallToolRequestParams,
    EmbeddedResource,
    ImageContent,
    TextContent,
    TextResourceContents,
)

from tests.conformance.fixtures import IMAGE, Answer, Context, Fixture, by_name, said, shown

SOUND = "UklGRiYAAABXQVZFZm10IBAAAAABAAEAQB8AAIA+AAACABAAZGF0YQIAAAAAAA=="
"""One silent sample, as WAV."""

CHANGES = InMemorySubscriptionBus()

SCHEMA_2020_12 = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "$defs": {
        "address": {
            "$anchor": "addressDef",
            "type": "object",
            "properties": {"street": {"type": "string"}, "city": {"type": "string"}},
        }
    },
    "properties": {
        "name": {"type": "string"},
        "address": {"$ref": "#/$defs/address"},
        "contactMethod": {"type": "string", "enum": ["phone", "email"]},
        "phone": {"type": "string"},
        "email": {"type": "string"},
    },
    "allOf": [{"anyOf": [{"required": ["phone"]}, {"required": ["email"]}]}],
    "if": {"properties": {"contactMethod": {"const": "phone"}}, "required": ["contactMethod"]},
    "then": {"required": ["phone"]},
    "else": {"required": ["email"]},
    "additionalProperties": False,
}


async def test_image_content(_: Context, __: CallToolRequestParams) -> Answer:
    """Show an image."""
    return shown(ImageContent(data=IMAGE, mime_type="image/png"))


async def test_audio_content(_: Context, __: CallToolRequestParams) -> Answer:
    """Play a sound."""
    return shown(AudioContent(data=SOUND, mime_type="audio/wav"))


async def test_embedded_resource(_: Context, __: CallToolRequestParams) -> Answer:
    """Hand over a resource."""
    return shown(_resource("test://embedded-resource", "text/plain", "This is embedded."))


async def test_multiple_content_types(_: Context, __: CallToolRequestParams) -> Answer:
    """Show a text, an image and a resource."""
    return shown(
        TextContent(text="Multiple content types test:"),
        ImageContent(data=IMAGE, mime_type="image/png"),
        _resource("test://mixed-content-resource", "application/json", '{"value": 123}'),
    )


def _resource(uri: str, mime_type: str, text: str) -> EmbeddedResource:
    return EmbeddedResource(resource=TextResourceContents(uri=uri, mime_type=mime_type, text=text))


async def test_tool_with_logging(ctx: Context, _: CallToolRequestParams) -> Answer:
    """Write three lines to the client's log."""
    for line in ("Tool execution started", "Tool processing data", "Tool execution completed"):
        await ctx.session.send_log_message("info", line, related_request_id=ctx.request_id)
    return said("Three lines are in the log.")


async def test_logging_tool(ctx: Context, params: CallToolRequestParams) -> Answer:
    """Write to the client's log what it asked to be told, nothing without its asking."""
    return await test_tool_with_logging(ctx, params)


async def test_trigger_tool_change(_: Context, __: CallToolRequestParams) -> Answer:
    """Tell subscribers that the tools changed."""
    await CHANGES.publish(ToolsListChanged())
    return said("told")


async def test_trigger_prompt_change(_: Context, __: CallToolRequestParams) -> Answer:
    """Tell subscribers that the prompts changed."""
    await CHANGES.publish(PromptsListChanged())
    return said("told")


async def json_schema_2020_12_tool(_: Context, __: CallToolRequestParams) -> Answer:
    """Have a schema that uses all of JSON Schema 2020-12."""
    return said("nothing")


FIXTURES = by_name(
    Fixture(json_schema_2020_12_tool, SCHEMA_2020_12),
    Fixture(test_audio_content),
    Fixture(test_embedded_resource),
    Fixture(test_image_content),
    Fixture(test_logging_tool),
    Fixture(test_multiple_content_types),
    Fixture(test_tool_with_logging),
    Fixture(test_trigger_prompt_change),
    Fixture(test_trigger_tool_change),
)
