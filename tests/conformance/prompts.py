"""Fixture prompts, and what could complete their arguments.

Never guess: there is nothing to complete.
"""

from collections.abc import Callable

from mcp.shared.exceptions import MCPError
from mcp_types import (
    INVALID_PARAMS,
    CompleteRequestParams,
    CompleteResult,
    Completion,
    ContentBlock,
    EmbeddedResource,
    GetPromptRequestParams,
    GetPromptResult,
    ImageContent,
    InputRequiredResult,
    ListPromptsResult,
    PaginatedRequestParams,
    Prompt,
    PromptArgument,
    PromptMessage,
    TextContent,
    TextResourceContents,
)

from tests.conformance.fixtures import IMAGE, Context
from tests.conformance.input_required import ask_human, missing

CONTEXT = {"user_context": ask_human("What context should the prompt use?", "context")}


def _simple(_: dict[str, str]) -> list[ContentBlock]:
    return [TextContent(text="This is a simple prompt for testing.")]


def _with_arguments(words: dict[str, str]) -> list[ContentBlock]:
    text = f"Prompt with arguments: arg1='{words['arg1']}', arg2='{words['arg2']}'"
    return [TextContent(text=text)]


def _with_resource(words: dict[str, str]) -> list[ContentBlock]:
    resource = TextResourceContents(
        uri=words["resourceUri"], mime_type="text/plain", text="Embedded for testing."
    )
    return [EmbeddedResource(resource=resource), TextContent(text="Process the resource above.")]


def _with_image(_: dict[str, str]) -> list[ContentBlock]:
    image = ImageContent(data=IMAGE, mime_type="image/png")
    return [image, TextContent(text="Analyze the image above.")]


def _in_context(_: dict[str, str]) -> list[ContentBlock]:
    return [TextContent(text="Now there is a context.")]


PROMPTS: dict[str, tuple[Callable[[dict[str, str]], list[ContentBlock]], tuple[str, ...]]] = {
    "test_input_required_result_prompt": (_in_context, ()),
    "test_prompt_with_arguments": (_with_arguments, ("arg1", "arg2")),
    "test_prompt_with_embedded_resource": (_with_resource, ("resourceUri",)),
    "test_prompt_with_image": (_with_image, ()),
    "test_simple_prompt": (_simple, ()),
}


async def list_prompts(_: Context, __: PaginatedRequestParams) -> ListPromptsResult:
    """All of them."""
    found = [
        Prompt(
            name=name,
            description="A fixture",
            arguments=[PromptArgument(name=word, required=True) for word in words],
        )
        for name, (_messages, words) in PROMPTS.items()
    ]
    return ListPromptsResult(prompts=found, ttl_ms=60_000, cache_scope="private")


async def get_prompt(
    _: Context, params: GetPromptRequestParams
) -> GetPromptResult | InputRequiredResult:
    """One of them, with its arguments in place."""
    messages, words = PROMPTS.get(params.name, (None, ()))
    given = params.arguments or {}
    if messages is None or not set(words) <= set(given):
        raise MCPError(INVALID_PARAMS, f"There is no prompt {params.name!r} for {sorted(given)}.")
    if messages is _in_context and (question := missing(params, CONTEXT)):
        return question
    contents = messages(given)
    return GetPromptResult(messages=[PromptMessage(role="user", content=each) for each in contents])


async def complete(_: Context, __: CompleteRequestParams) -> CompleteResult:
    """Nothing: these arguments may be any text."""
    return CompleteResult(completion=Completion(values=[], total=0, has_more=False))
