"""Fixture tools that ask the client in the middle of a call, as revisions until 2025-11-25 do.

Never used by ours: hosts differ too much in what they answer.
"""

from typing import Any

from mcp_types import CallToolRequestParams, SamplingMessage, TextContent

from tests.conformance.fixtures import Answer, Context, Fixture, by_name, said

USER = {
    "type": "object",
    "properties": {
        "username": {"type": "string", "description": "User's response"},
        "email": {"type": "string", "description": "User's email address"},
    },
    "required": ["username", "email"],
}

DEFAULTS = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "default": "John Doe"},
        "age": {"type": "integer", "default": 30},
        "score": {"type": "number", "default": 95.5},
        "status": {
            "type": "string",
            "enum": ["active", "inactive", "pending"],
            "default": "active",
        },
        "verified": {"type": "boolean", "default": True},
    },
    "required": [],
}

PLAIN = ["option1", "option2", "option3"]
TITLED = [
    {"const": "value1", "title": "First"},
    {"const": "value2", "title": "Second"},
    {"const": "value3", "title": "Third"},
]
ENUMS = {
    "type": "object",
    "properties": {
        "untitledSingle": {"type": "string", "enum": PLAIN},
        "titledSingle": {"type": "string", "oneOf": TITLED},
        "legacyEnum": {
            "type": "string",
            "enum": ["opt1", "opt2", "opt3"],
            "enumNames": ["Option One", "Option Two", "Option Three"],
        },
        "untitledMulti": {"type": "array", "items": {"type": "string", "enum": PLAIN}},
        "titledMulti": {"type": "array", "items": {"anyOf": TITLED}},
    },
    "required": [],
}


def _one(name: str) -> dict[str, Any]:
    properties = {name: {"type": "string"}}
    return {"type": "object", "properties": properties, "required": [name]}


async def test_sampling(ctx: Context, params: CallToolRequestParams) -> Answer:
    """Ask the client's model."""
    prompt = TextContent(text=(params.arguments or {})["prompt"])
    found = await ctx.session.create_message(
        [SamplingMessage(role="user", content=prompt)],
        max_tokens=100,
        related_request_id=ctx.request_id,
    )
    return said(f"LLM response: {found.content}")


async def test_elicitation(ctx: Context, params: CallToolRequestParams) -> Answer:
    """Ask the client's human."""
    return await _elicited(ctx, (params.arguments or {})["message"], USER)


async def test_elicitation_sep1034_defaults(ctx: Context, _: CallToolRequestParams) -> Answer:
    """Ask with a default for every type."""
    return await _elicited(ctx, "Who are you?", DEFAULTS)


async def test_elicitation_sep1330_enums(ctx: Context, _: CallToolRequestParams) -> Answer:
    """Ask with every kind of choice."""
    return await _elicited(ctx, "Choose.", ENUMS)


async def _elicited(ctx: Context, message: str, schema: dict[str, Any]) -> Answer:
    found = await ctx.session.elicit_form(message, schema, related_request_id=ctx.request_id)
    return said(f"Elicitation completed: action={found.action}, content={found.content}")


FIXTURES = by_name(
    Fixture(test_elicitation, _one("message")),
    Fixture(test_elicitation_sep1034_defaults),
    Fixture(test_elicitation_sep1330_enums),
    Fixture(test_sampling, _one("prompt")),
)
