"""Fixture tools that need more input, as revision 2026-07-28 asks for it: answer, and call again.

Never trust a state that comes back: the SDK seals it, in `server.py`.
"""

from collections.abc import Mapping
from typing import Any

from mcp.shared.exceptions import MCPError
from mcp_types import (
    INVALID_PARAMS,
    MISSING_REQUIRED_CLIENT_CAPABILITY,
    CallToolRequestParams,
    ClientCapabilities,
    CreateMessageRequest,
    CreateMessageRequestParams,
    ElicitationCapability,
    ElicitRequest,
    ElicitRequestFormParams,
    InputRequiredResult,
    ListRootsRequest,
    SamplingCapability,
    SamplingMessage,
    TextContent,
)

from tests.conformance.fixtures import Answer, Context, Fixture, by_name, said

Request = ElicitRequest | CreateMessageRequest | ListRootsRequest

MODEL = ClientCapabilities(sampling=SamplingCapability())
HUMAN = ClientCapabilities(elicitation=ElicitationCapability())


def ask_human(message: str, name: str, of: str = "string") -> ElicitRequest:
    """Ask for one value."""
    schema = {"type": "object", "properties": {name: {"type": of}}, "required": [name]}
    return ElicitRequest(params=ElicitRequestFormParams(message=message, requested_schema=schema))


def _ask_model(text: str) -> CreateMessageRequest:
    message = SamplingMessage(role="user", content=TextContent(text=text))
    return CreateMessageRequest(
        params=CreateMessageRequestParams(messages=[message], max_tokens=100)
    )


def asked(requests: Mapping[str, Request], state: str | None = None) -> InputRequiredResult:
    """A result that asks."""
    return InputRequiredResult(input_requests=dict(requests), request_state=state)


def missing(
    params: Any, requests: Mapping[str, Request], state: str | None = None
) -> InputRequiredResult | None:
    """What has to be asked still; None when all of it was answered, in the state that was sent."""
    answers = params.input_responses or {}
    if set(requests) <= set(answers) and params.request_state == state:
        return None
    return asked(requests, state)


NAME = {"user_name": ask_human("What is your name?", "name")}
CAPITAL = {"capital_question": _ask_model("What is the capital of France?")}
ROOTS = {"client_roots": ListRootsRequest()}
CONFIRM = {"confirm": ask_human("Please confirm", "ok", "boolean")}
STEP_1 = {"step1": ask_human("Step 1: What is your name?", "name")}
STEP_2 = {"step2": ask_human("Step 2: What is your favorite color?", "color")}


async def test_input_required_result_elicitation(
    _: Context, params: CallToolRequestParams
) -> Answer:
    """Ask for a name."""
    return missing(params, NAME) or said("Hello, you!")


async def test_input_required_result_sampling(_: Context, params: CallToolRequestParams) -> Answer:
    """Ask the model."""
    return missing(params, CAPITAL) or said("So it is Paris.")


async def test_input_required_result_list_roots(
    _: Context, params: CallToolRequestParams
) -> Answer:
    """Ask for folders."""
    return missing(params, ROOTS) or said(f"Folders: {params.input_responses}")


async def test_input_required_result_request_state(
    _: Context, params: CallToolRequestParams
) -> Answer:
    """Ask, and remember by a state."""
    return missing(params, CONFIRM, "asked once") or said("state-ok")


async def test_input_required_result_tampered_state(
    ctx: Context, params: CallToolRequestParams
) -> Answer:
    """Ask, and refuse a state that is not the one that was sent."""
    return await test_input_required_result_request_state(ctx, params)


async def test_input_required_result_multiple_inputs(
    _: Context, params: CallToolRequestParams
) -> Answer:
    """Ask a human, a model and for folders."""
    return missing(params, {**NAME, **CAPITAL, **ROOTS}, "asked three") or said("Hello!")


async def test_input_required_result_multi_round(
    _: Context, params: CallToolRequestParams
) -> Answer:
    """Ask twice."""
    if params.request_state is None:
        return asked(STEP_1, "after round 1")
    if params.request_state == "after round 1":
        return missing(params, STEP_1, "after round 1") or asked(STEP_2, "after round 2")
    return missing(params, STEP_2, "after round 2") or said("Both steps are done.")


async def test_input_required_result_capabilities(
    ctx: Context, params: CallToolRequestParams
) -> Answer:
    """Ask only what this client can answer."""
    wanted: dict[str, Request] = {}
    if ctx.session.check_client_capability(MODEL):
        wanted |= CAPITAL
    if ctx.session.check_client_capability(HUMAN):
        wanted |= NAME
    if not wanted:
        raise MCPError(INVALID_PARAMS, "This client can answer nothing.")
    return missing(params, wanted) or said("Thank you.")


async def test_streaming_elicitation(_: Context, params: CallToolRequestParams) -> Answer:
    """Ask in an answer that may be a stream."""
    return missing(params, NAME) or said("Hello, you!")


async def test_missing_capability(ctx: Context, params: CallToolRequestParams) -> Answer:
    """Need a client that has a model."""
    if not ctx.session.check_client_capability(MODEL):
        needed = MODEL.model_dump(by_alias=True, mode="json", exclude_none=True)
        raise MCPError(
            MISSING_REQUIRED_CLIENT_CAPABILITY,
            "This tool needs sampling.",
            {"requiredCapabilities": needed},
        )
    return missing(params, CAPITAL) or said("So it is Paris.")


FIXTURES = by_name(
    Fixture(test_input_required_result_capabilities),
    Fixture(test_input_required_result_elicitation),
    Fixture(test_input_required_result_list_roots),
    Fixture(test_input_required_result_multi_round),
    Fixture(test_input_required_result_multiple_inputs),
    Fixture(test_input_required_result_request_state),
    Fixture(test_input_required_result_sampling),
    Fixture(test_input_required_result_tampered_state),
    Fixture(test_missing_capability),
    Fixture(test_streaming_elicitation),
)
