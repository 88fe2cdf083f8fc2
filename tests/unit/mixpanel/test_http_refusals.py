import html
import json
from urllib.parse import quote

import httpx
import pytest

from mp_mcp.errors import (
    CredentialsError,
    HistoryLimitError,
    MixpanelError,
    MpError,
    NotFoundError,
    PlanError,
)
from mp_mcp.mixpanel.models import CredentialKind, Credentials, Target
from mp_mcp.mixpanel.transport import Question

from .conftest import Script

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (400, {"request": "/x", "error": "Invalid API endpoint"}, MixpanelError),
        (400, {"error": "Unable to authenticate request", "request": "/x"}, CredentialsError),
        (401, {"code": 401, "error": "Invalid credentials"}, CredentialsError),
        (402, {"error": "upgrade"}, PlanError),
        (403, {"status": "error", "error": "no scope"}, PlanError),
        (403, {"error": "Date range exceeds 90 days into the past"}, HistoryLimitError),
        (404, {"status": "error", "error": "Not found: /api/app/x"}, NotFoundError),
        (405, None, MixpanelError),
        (412, {"error": "Uncaught exception TypeError"}, MixpanelError),
        (413, {"code": 413, "error": "too large"}, MixpanelError),
        (422, {"status": "error", "error": ["a", {"b": 1}]}, MixpanelError),
        (302, None, PlanError),
        (301, None, PlanError),
    ],
)
@pytest.mark.parametrize("is_stream", [False, True])
async def test_a_refusal_has_its_class_and_is_not_repeated(
    script: Script, status: int, body: object, expected: type[MpError], is_stream: bool
) -> None:
    wire = script(httpx.Response(status, json=body, headers={"Location": "/login"}))
    with pytest.raises(MpError) as caught:
        if is_stream:
            async with wire.http.stream("export", "/export", {}):
                pytest.fail("a refusal has no stream")
        else:
            await wire.http.ask(Question("GET", "query", "/x", {}))
    assert type(caught.value) is expected
    assert len(wire.requests) == 1
    assert caught.value.hint


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b'{"error": "it&#x27;s wrong", "message": "no"}', "it's wrong"),
        (b'{"error": " ", "message": "Error ID: 7f"}', "Error ID: 7f"),
        (b'{"error": {"path": ["a"]}}', '{"path": ["a"]}'),
        (b"plain  text\nof two lines", "plain text of two lines"),
        (b'["a", "list"]', '["a", "list"]'),
        (b"<!DOCTYPE html><TITLE>\nOops</TITLE>", "an HTML page titled Oops"),
        (b"<html><body>", "an HTML page"),
    ],
)
async def test_every_shape_of_error_body_is_read(script: Script, body: bytes, said: str) -> None:
    wire = script(httpx.Response(400, content=body))
    with pytest.raises(MixpanelError) as caught:
        await wire.http.ask(Question("GET", "query", "/x", {}))
    assert caught.value.message == f"Mixpanel refuses the request (HTTP 400): {said}"


async def test_a_long_error_text_is_cut(script: Script) -> None:
    wire = script(httpx.Response(412, json={"error": "x" * 100_000}))
    with pytest.raises(MixpanelError) as caught:
        await wire.http.ask(Question("GET", "query", "/x", {}))
    assert len(caught.value.message) < 400


async def test_an_error_inside_a_success_is_an_error(script: Script) -> None:
    wire = script(httpx.Response(200, json={"error": "no such report", "status": "error"}))
    with pytest.raises(MixpanelError, match="no such report"):
        await wire.http.ask(Question("GET", "query", "/insights", {}))
    assert len(wire.requests) == 1


@pytest.mark.parametrize("answer", [{"error": {"count": 5}, "plan": {}}, {"status": {"count": 1}}])
async def test_a_property_named_error_is_no_error(
    script: Script, answer: dict[str, object]
) -> None:
    wire = script(httpx.Response(200, json=answer))
    assert await wire.http.ask(Question("GET", "query", "/events/properties/top", {})) == answer


async def test_tomorrow_comes_with_a_hint_about_time_zones(script: Script) -> None:
    wire = script(httpx.Response(400, text="to_date cannot be later than today"))
    with pytest.raises(MixpanelError) as caught:
        async with wire.http.stream("export", "/export", {}):
            pass
    assert "time zone" in str(caught.value.hint)


@pytest.mark.parametrize("kind", ["service_account", "project_secret", "oauth"])
@pytest.mark.parametrize("status", [200, 302, 400, 401, 402, 403, 404, 412, 429, 500])
async def test_no_error_shows_a_secret_that_mixpanel_echoes(
    script: Script, kind: CredentialKind, status: int
) -> None:
    credentials = Credentials(kind, "pa+ss/w&<o>rd'\"x", "etl" if kind != "project_secret" else "")
    token = credentials.authorization.split(" ")[1]
    spellings = [
        credentials.secret,
        html.escape(credentials.secret),
        quote(credentials.secret),
        quote(credentials.secret, safe=""),
        token,
    ]
    for body in (json.dumps({"error": spelling}) for spelling in spellings):
        wire = script(httpx.Response(status, text=body), target=Target(credentials, "42"))
        with pytest.raises(MpError) as caught:
            await wire.http.ask(Question("GET", "query", "/x", {}))
        shown = f"{caught.value.message} {caught.value.hint} {caught.value.info()}"
        assert not any(spelling in shown for spelling in spellings)
