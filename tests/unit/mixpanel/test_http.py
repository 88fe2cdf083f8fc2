import gzip
import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx
import pytest

from mp_mcp.errors import (
    CredentialsError,
    IncompleteExportError,
    MixpanelUnavailableError,
    RateLimitedError,
    SettingsError,
)
from mp_mcp.mixpanel.hosts import base_of
from mp_mcp.mixpanel.http import READ_TIMEOUTS_S, TRIES, make_client
from mp_mcp.mixpanel.models import Credentials, Target
from mp_mcp.mixpanel.transport import Family, Question
from mp_mcp.resolve import Region

from .conftest import Answer, Script, streamed

pytestmark = pytest.mark.anyio

SECRET_ONLY = Target(Credentials("project_secret", "abcdef"), "42")
BEARER = Target(Credentials("oauth", "tok-en"), "42", workspace_id="7")
OK = httpx.Response(200, json=["Login"])


@pytest.mark.parametrize(
    ("family", "region", "base"),
    [
        ("query", "us", "https://mixpanel.com/api/query"),
        ("query", "eu", "https://eu.mixpanel.com/api/query"),
        ("query", "in", "https://in.mixpanel.com/api/query"),
        ("app", "us", "https://mixpanel.com/api/app"),
        ("app", "eu", "https://eu.mixpanel.com/api/app"),
        ("app", "in", "https://in.mixpanel.com/api/app"),
        ("export", "us", "https://data.mixpanel.com/api/2.0"),
        ("export", "eu", "https://data-eu.mixpanel.com/api/2.0"),
        ("export", "in", "https://data-in.mixpanel.com/api/2.0"),
    ],
)
async def test_every_family_has_its_host_in_every_region(
    family: Family, region: Region, base: str
) -> None:
    assert base_of(family, Target(SECRET_ONLY.credentials, "42", region)) == base


@pytest.mark.parametrize(
    ("family", "path"), [("query", "/api/query"), ("app", "/api/app"), ("export", "/api/2.0")]
)
async def test_one_base_url_stands_for_all_hosts(family: Family, path: str) -> None:
    target = Target(BEARER.credentials, "42", "eu", base_url="http://127.0.0.1:8/sim/")
    assert base_of(family, target) == f"http://127.0.0.1:8/sim{path}"


async def test_a_service_account_names_the_project_on_every_query(script: Script) -> None:
    wire = script(OK)
    await wire.http.ask(Question("GET", "query", "/events/names", {"limit": 5, "type": None}))
    request = wire.requests[0]
    assert request.headers["Authorization"].startswith("Basic ")
    assert request.headers["User-Agent"].startswith("mp-mcp/")
    assert wire.query == {"project_id": "42", "limit": "5"}


async def test_a_project_secret_names_no_project(script: Script) -> None:
    wire = script(OK, target=SECRET_ONLY)
    await wire.http.ask(Question("GET", "query", "/events/names", {}))
    assert wire.query == {}


async def test_a_data_view_applies_to_queries_and_never_to_exports(script: Script) -> None:
    wire = script(OK, target=BEARER)
    await wire.http.ask(Question("GET", "query", "/events/names", {}))
    assert wire.requests[0].headers["Authorization"] == "Bearer tok-en"
    assert wire.query == {"project_id": "42", "workspace_id": "7"}
    async with wire.http.stream("export", "/export", {}) as pieces:
        assert b"".join([piece async for piece in pieces]) == b'["Login"]'
    assert wire.query == {"project_id": "42"}
    await wire.http.ask(Question("GET", "app", "/me", {}))
    assert wire.query == {}


async def test_a_project_secret_is_not_tried_on_metadata(script: Script) -> None:
    wire = script(OK, target=SECRET_ONLY)
    with pytest.raises(CredentialsError, match="project secret"):
        await wire.http.ask(Question("GET", "app", "/me", {}))
    assert wire.requests == []


async def test_a_form_travels_in_the_body_and_the_project_in_the_url(script: Script) -> None:
    wire = script(httpx.Response(200, json={"results": []}))
    await wire.http.ask(
        Question("POST", "query", "/engage", {"where": 'a == "b"', "page": 0, "x": None})
    )
    assert wire.requests[0].method == "POST"
    assert wire.requests[0].content == b"where=a+%3D%3D+%22b%22&page=0"
    assert wire.query == {"project_id": "42"}


@pytest.mark.parametrize("family", ["query", "app", "export"])
async def test_mixpanel_has_more_time_than_its_own_deadline(script: Script, family: Family) -> None:
    wire = script(OK)
    await wire.http.ask(Question("GET", family, "/x", {}))
    assert wire.requests[0].extensions["timeout"]["read"] == READ_TIMEOUTS_S[family]
    assert dict(READ_TIMEOUTS_S) == {"app": 135.0, "query": 503.0, "export": 600.0}


@pytest.mark.parametrize(
    "failure",
    [
        httpx.Response(500, json={"error": "An unknown error occurred.", "status": "error"}),
        httpx.Response(502, html="<html><title>502 Bad Gateway</title></html>"),
        httpx.Response(503),
        httpx.Response(429, json={"error": "Query rate limit exceeded for project_id: 42."}),
        httpx.Response(200, text="<html>not json"),
        httpx.ReadTimeout(""),
        httpx.RemoteProtocolError("peer closed connection"),
    ],
)
async def test_a_brief_failure_is_repeated_with_growing_pauses(
    script: Script, failure: Answer
) -> None:
    wire = script(failure, failure, failure, OK)
    assert await wire.http.ask(Question("GET", "query", "/x", {})) == ["Login"]
    assert [int(pause) for pause in wire.sleeps] == [1, 2, 4]


async def test_who_did_not_reach_mixpanel_tries_again_soon(script: Script) -> None:
    failure = httpx.ConnectError("Name or service not known")
    wire = script(failure, failure, failure, OK)
    assert await wire.http.ask(Question("GET", "query", "/x", {})) == ["Login"]
    assert wire.sleeps == [pytest.approx(pause, rel=0.11) for pause in (0.2, 0.4, 0.8)]


async def test_a_lasting_failure_is_given_up(script: Script) -> None:
    wire = script(httpx.Response(502, html="<html><title>502 Bad Gateway</title></html>"))
    with pytest.raises(MixpanelUnavailableError, match="HTML page titled 502 Bad Gateway"):
        await wire.http.ask(Question("GET", "query", "/x", {}))
    assert len(wire.requests) == TRIES


async def test_a_failure_that_took_long_is_not_repeated(script: Script) -> None:
    wire = script(httpx.ReadTimeout(""))
    wire.seconds_per_answer = 503.0
    with pytest.raises(MixpanelUnavailableError, match="in time"):
        await wire.http.ask(Question("GET", "query", "/x", {}))
    assert len(wire.requests) == 1


async def test_a_short_rate_limit_is_waited_for(script: Script) -> None:
    wire = script(httpx.Response(429, headers={"Retry-After": "2"}), OK)
    assert await wire.http.ask(Question("GET", "export", "/x", {})) == ["Login"]
    assert [int(pause) for pause in wire.sleeps] == [2]


async def test_a_spent_hour_fails_at_once_and_says_when_it_frees(script: Script) -> None:
    body = {
        "request": "https://mixpanel.com/api/query/insights?project_id=42",
        "error": "Query rate limit exceeded for project_id: 42. (61/60 queries running ...)",
    }
    wire = script(httpx.Response(429, headers={"Retry-After": "1800"}, json=body))
    with pytest.raises(RateLimitedError, match="61/60") as caught:
        await wire.http.ask(Question("GET", "query", "/x", {}))
    assert (caught.value.retry_after, len(wire.requests), wire.sleeps) == (1800.0, 1, [])
    assert "https://" not in caught.value.message


@pytest.mark.parametrize(
    ("minutes", "least", "most"), [(None, 3600, 3600), (30, 1700, 1800), (-30, 0, 0)]
)
async def test_the_wait_may_be_a_date_and_is_at_most_an_hour(
    script: Script, minutes: int | None, least: float, most: float
) -> None:
    value = "99999"
    if minutes is not None:
        value = format_datetime(datetime.now(UTC) + timedelta(minutes=minutes), usegmt=True)
    wire = script(httpx.Response(429, headers={"Retry-After": value}))
    with pytest.raises(RateLimitedError) as caught:
        await wire.http.ask(Question("GET", "query", "/x", {}))
    assert caught.value.retry_after is not None
    assert least <= caught.value.retry_after <= most


@pytest.mark.parametrize("value", ["soon", "", "-", "1.2.3", "0"])
async def test_an_unreadable_or_empty_wait_is_like_none(script: Script, value: str) -> None:
    wire = script(httpx.Response(429, headers={"Retry-After": value}), OK)
    assert await wire.http.ask(Question("GET", "query", "/x", {})) == ["Login"]
    assert [int(pause) for pause in wire.sleeps] == [1]


async def test_a_stream_that_breaks_off_is_incomplete_not_unavailable(script: Script) -> None:
    wire = script(streamed(b"abc", error=httpx.ReadError("reset")))
    received = []
    with pytest.raises(IncompleteExportError):
        async with wire.http.stream("export", "/export", {}) as pieces:
            async for piece in pieces:
                received.append(piece)  # noqa: PERF401 - what came before the cut counts
    assert received == [b"abc"]
    assert wire.requests[0].headers["Accept-Encoding"] == "gzip"


async def test_one_accounts_session_never_answers_another(script: Script) -> None:
    wire = script(httpx.Response(200, json=[], headers={"Set-Cookie": "session=1; Path=/"}))
    await wire.http.ask(Question("GET", "query", "/x", {}))
    await wire.http.ask(Question("GET", "query", "/x", {}))
    assert "Cookie" not in wire.requests[1].headers


@pytest.mark.parametrize(
    "base_url",
    ["127.0.0.1:8080", "http://user:pw@127.0.0.1", "", "http://a b\n", "http://x:port"],
)
async def test_a_base_url_that_is_none_is_a_setting_to_correct(
    script: Script, base_url: str
) -> None:
    target = Target(BEARER.credentials, "42", base_url=base_url or "/")
    wire = script(OK, target=target)
    with pytest.raises(SettingsError, match=r"base URL|MP_API_BASE_URL"):
        await wire.http.ask(Question("GET", "query", "/x", {}))
    assert wire.requests == []


@pytest.mark.parametrize("proxy", ["gopher://user:hidden@proxy", "socks9://user:hidden@proxy"])
async def test_an_unusable_proxy_is_a_setting_to_correct(
    monkeypatch: pytest.MonkeyPatch, proxy: str
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", proxy)
    with pytest.raises(SettingsError, match="proxy") as caught:
        make_client()
    assert "hidden" not in f"{caught.value.message} {caught.value.hint}"


async def test_numbers_that_json_cannot_say_are_absent(script: Script) -> None:
    wire = script(httpx.Response(200, text='{"rate": NaN}'))
    assert await wire.http.ask(Question("GET", "query", "/x", {})) == {"rate": None}


async def test_bodies_compressed_for_other_endpoints_are_unpacked(script: Script) -> None:
    body = gzip.compress(json.dumps(["Login"]).encode())
    wire = script(httpx.Response(200, content=body, headers={"Content-Encoding": "gzip"}))
    assert await wire.http.ask(Question("GET", "query", "/x", {})) == ["Login"]
