"""No object of ours shows a secret when it is printed, logged, compared or raised."""

import logging
import traceback
from pathlib import Path
from typing import Any

import pytest

from mp_mcp.accounts import Account, ServerSettings, Stored, read_stored, save_account
from mp_mcp.errors import MpError
from mp_mcp.mixpanel.models import Credentials, Target
from mp_mcp.resolve import resolve
from mp_mcp.server.session import Greeting
from mp_mcp.settings import Asking, Home, asking

SECRET = "hush-hush-5ecret"
TOKEN = "hush-hush-t0ken"
CLIENT = asking({"MP_USERNAME": "robot", "MP_SECRET": SECRET, "MP_OAUTH_TOKEN": TOKEN})
ACCOUNT = Account("work", "robot", SECRET, TOKEN, "42")
STORED = Stored("work", {"work": ACCOUNT}, ServerSettings())
CREDENTIALS = [
    Credentials.of(username="robot", secret=SECRET, oauth_token=None),
    Credentials.of(username=None, secret=SECRET, oauth_token=None),
    Credentials.of(username=None, secret=None, oauth_token=TOKEN),
]

HOLDERS: list[Any] = [
    CLIENT,
    ACCOUNT,
    STORED,
    resolve(CLIENT, STORED),
    resolve(Asking(), STORED),
    Greeting({"asking": CLIENT.as_dict()}),
    *CREDENTIALS,
    *(Target(credentials, "42") for credentials in CREDENTIALS),
]


def is_safe(text: str) -> bool:
    return "hush" not in text


@pytest.mark.parametrize("holder", HOLDERS, ids=lambda holder: type(holder).__name__)
def test_printing_it_shows_no_secret(holder: Any, caplog: pytest.LogCaptureFixture) -> None:
    assert is_safe(repr(holder))
    assert is_safe(str(holder))
    assert is_safe(f"{holder} {holder!r} {[holder]} { ({'holder': holder}) }")
    logging.getLogger("test").warning("%s %r", holder, holder)
    assert is_safe(caplog.text)


@pytest.mark.parametrize(
    "client",
    [
        Asking(account="wrok", secret=SECRET),
        Asking(region="mars", oauth_token=TOKEN),
        Asking(project_id="../7", username="robot", secret=SECRET),
    ],
)
def test_a_refused_setting_shows_no_secret(client: Asking) -> None:
    with pytest.raises(MpError) as caught:
        resolve(client, STORED)
    told = caught.value.info()
    assert is_safe(f"{told} {''.join(traceback.format_exception(caught.value))}")


@pytest.mark.parametrize("key", ["secret", "oauth_token", "username", "account"])
def test_a_refused_greeting_shows_no_secret(key: str) -> None:
    with pytest.raises(MpError) as caught:
        Greeting({"asking": {**CLIENT.as_dict(), key: [SECRET]}})
    assert is_safe("".join(traceback.format_exception(caught.value)))


def test_a_file_that_cannot_be_parsed_shows_no_secret(tmp_path: Path) -> None:
    home = Home(tmp_path)
    save_account(home, ACCOUNT, make_default=True)
    text = home.config.read_text(encoding="utf-8")
    home.config.write_text(text.replace('"\n', "\n", 1) + f'x = "{SECRET}\n', encoding="utf-8")
    with pytest.raises(MpError) as caught:
        read_stored(home)
    assert is_safe(f"{caught.value.info()}")
