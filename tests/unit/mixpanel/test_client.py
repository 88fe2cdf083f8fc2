import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from mp_mcp.mixpanel import freshness
from mp_mcp.mixpanel.budget import Budget
from mp_mcp.mixpanel.client import Mixpanel, MixpanelExport, MixpanelLogin
from mp_mcp.mixpanel.connect import SharedMixpanel, open_pool
from mp_mcp.mixpanel.models import Target
from mp_mcp.results import Rows
from mp_mcp.state import open_state

from .conftest import Script

pytestmark = pytest.mark.anyio


async def test_a_handle_says_whom_it_asks(target: Target) -> None:
    state = open_state(Path(":memory:"))
    side = SharedMixpanel(open_pool(), state, Budget(state))
    assert side.reports(target, fresh=False).target is target
    await side.close()
    state.close()
    for handle in (Mixpanel, MixpanelExport, MixpanelLogin):
        assert (handle.asks_mixpanel, handle.writes) == (True, False)


async def test_a_form_is_posted_and_read_like_any_answer(script: Script) -> None:
    wire = script(httpx.Response(200, json=[{"id": 1}]))
    form = {"script": "function main() {}", "left_out": None}
    answer = await Mixpanel(wire.http).post("query", "/jql", form, keep_s=freshness.NEVER)
    assert answer == [{"id": 1}]
    assert wire.requests[0].content == b"script=function+main%28%29+%7B%7D"
    assert wire.query == {"project_id": "42"}


async def test_what_was_just_asked_says_nothing_of_a_cache(script: Script) -> None:
    wire = script(httpx.Response(200, json=[]))
    mixpanel = Mixpanel(wire.http)
    await mixpanel.get("query", "/events/names", {}, keep_s=freshness.DISCOVERY, zoned=True)
    answer = Rows.of(["event"], [])
    mixpanel.complete(answer)
    assert (answer.cached_at, answer.time_zone) == (None, None)


async def test_tools_do_not_pay_for_the_http_library() -> None:
    program = "import sys, mp_mcp.mixpanel.client; print('httpx' in sys.modules)"
    done = subprocess.run(  # noqa: ASYNC221 - nothing else runs
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=30
    )
    assert done.stdout == "False\n"
