import base64

import pytest

from mp_mcp.errors import CredentialsError
from mp_mcp.mixpanel.models import Credentials, Target


def decoded(authorization: str) -> str:
    return base64.b64decode(authorization.removeprefix("Basic ")).decode()


def test_each_kind_of_credentials_has_its_authorization() -> None:
    account = Credentials("service_account", "sécret", "etl")
    assert decoded(account.authorization) == "etl:sécret"
    assert decoded(Credentials("project_secret", "abc").authorization) == "abc:"
    assert Credentials("oauth", "tok").authorization == "Bearer tok"


def test_the_strongest_credentials_win() -> None:
    every = Credentials.of(username="etl", secret="abc", oauth_token="tok")
    assert (every.kind, every.secret) == ("oauth", "tok")
    assert Credentials.of(username="etl", secret="abc", oauth_token=None).kind == "service_account"
    assert Credentials.of(username=None, secret="abc", oauth_token=None).kind == "project_secret"


@pytest.mark.parametrize(
    ("username", "secret", "token"),
    [(None, None, None), ("etl", None, None), ("e:tl", "abc", None), (None, None, "a\nb: c")],
)
def test_credentials_that_cannot_work_are_refused(
    username: str | None, secret: str | None, token: str | None
) -> None:
    with pytest.raises(CredentialsError):
        Credentials.of(username=username, secret=secret, oauth_token=token)


def test_a_secret_is_in_no_representation() -> None:
    target = Target(Credentials("service_account", "s3cret", "etl"), "42")
    for shown in (repr(target), str(target.credentials), f"{target!s}"):
        assert "s3cret" not in shown
