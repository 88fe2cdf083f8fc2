"""Fixture resources, a template, and subscriptions to one of them.

Never change: what is watched stays as it is.
"""

import json
import re

from mcp.shared.exceptions import MCPError
from mcp_types import (
    INVALID_PARAMS,
    BlobResourceContents,
    EmptyResult,
    ListResourcesResult,
    ListResourceTemplatesResult,
    PaginatedRequestParams,
    ReadResourceRequestParams,
    ReadResourceResult,
    Resource,
    ResourceTemplate,
    SubscribeRequestParams,
    TextResourceContents,
    UnsubscribeRequestParams,
)

from tests.conformance.fixtures import IMAGE, Context

TEXTS = {
    "test://static-text": "This is the content of the static text resource.",
    "test://watched-resource": "This is the content of the watched resource.",
}
IMAGES = {"test://static-binary": IMAGE}
TEMPLATE = re.compile(r"test://template/([^/]+)/data")


async def list_resources(_: Context, __: PaginatedRequestParams) -> ListResourcesResult:
    """All that have an address of their own."""
    found = [
        Resource(uri=uri, name=uri.removeprefix("test://"), description="A fixture", mime_type=kind)
        for kind, uris in (("text/plain", TEXTS), ("image/png", IMAGES))
        for uri in uris
    ]
    return ListResourcesResult(resources=found, ttl_ms=60_000, cache_scope="private")


async def list_templates(_: Context, __: PaginatedRequestParams) -> ListResourceTemplatesResult:
    """The one with a variable."""
    found = ResourceTemplate(
        uri_template="test://template/{id}/data",
        name="template",
        description="A fixture with a variable",
        mime_type="application/json",
    )
    return ListResourceTemplatesResult(
        resource_templates=[found], ttl_ms=60_000, cache_scope="private"
    )


async def read_resource(_: Context, params: ReadResourceRequestParams) -> ReadResourceResult:
    """One of them."""
    contents = _contents(str(params.uri))
    return ReadResourceResult(contents=[contents], ttl_ms=60_000, cache_scope="private")


def _contents(uri: str) -> TextResourceContents | BlobResourceContents:
    if uri in TEXTS:
        return TextResourceContents(uri=uri, mime_type="text/plain", text=TEXTS[uri])
    if uri in IMAGES:
        return BlobResourceContents(uri=uri, mime_type="image/png", blob=IMAGES[uri])
    if found := TEMPLATE.fullmatch(uri):
        text = json.dumps(
            {"id": found[1], "templateTest": True, "data": f"Data for ID: {found[1]}"}
        )
        return TextResourceContents(uri=uri, mime_type="application/json", text=text)
    raise MCPError(INVALID_PARAMS, "There is no such resource.", {"uri": uri})


async def subscribe(_: Context, __: SubscribeRequestParams) -> EmptyResult:
    """Promise to tell of changes; there are none."""
    return EmptyResult()


async def unsubscribe(_: Context, __: UnsubscribeRequestParams) -> EmptyResult:
    """Promise nothing any more."""
    return EmptyResult()
