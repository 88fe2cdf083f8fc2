import inspect

import anyio
import httpx
import pytest

from mp_mcp.errors import MpError
from mp_mcp.mixpanel.http import FOREIGN, Http, error_of, make_client
from mp_mcp.mixpanel.models import Credentials, Target
from mp_mcp.mixpanel.transport import Question
from tests.unit.mixpanel.conftest import unspent

TARGET = Target(Credentials("oauth", "very-secret-token"), "42")


def error_classes() -> list[type[Exception]]:
    """Every exception class that httpx shows to the world."""
    return sorted(
        (
            value
            for value in vars(httpx).values()
            if inspect.isclass(value) and issubclass(value, Exception)
        ),
        key=lambda value: value.__name__,
    )


def example(error: type[Exception]) -> Exception:
    """An instance that carries the secret in its text, where its class takes a text."""
    text = "Illegal header value b'Bearer very-secret-token'"
    if issubclass(error, httpx.HTTPStatusError):
        request = httpx.Request("GET", "https://mixpanel.com")
        return error(text, request=request, response=httpx.Response(500))
    return error(text) if "message" in inspect.signature(error).parameters else error()


def test_httpx_has_the_error_classes_that_we_think_of() -> None:
    assert {httpx.ConnectError, httpx.InvalidURL, httpx.StreamError} < set(error_classes())


@pytest.mark.parametrize("error", error_classes())
def test_every_error_of_httpx_is_one_of_ours(error: type[Exception]) -> None:
    assert issubclass(error, FOREIGN)
    ours = error_of(example(error), TARGET)
    assert isinstance(ours, MpError)
    assert "very-secret-token" not in f"{ours.message} {ours.hint}"


@pytest.mark.parametrize("error", error_classes())
def test_no_error_of_httpx_leaves_the_client(error: type[Exception]) -> None:
    def fail(_request: httpx.Request) -> httpx.Response:
        raise example(error)

    class Breaking(httpx.AsyncByteStream):
        async def __aiter__(self):  # type: ignore[no-untyped-def]
            yield b"part"
            raise example(error)

    async def no_sleep(_seconds: float) -> None:
        pass

    async def ask() -> None:
        async with make_client(httpx.MockTransport(fail)) as client:
            http = Http(client, TARGET, unspent(), sleep=no_sleep)
            with pytest.raises(MpError):
                await http.ask(Question("GET", "query", "/events/names", {}))
            with pytest.raises(MpError):
                await http.ask(Question("POST", "query", "/engage", {}))
        answer = httpx.MockTransport(lambda _request: httpx.Response(200, stream=Breaking()))
        async with make_client(answer) as client:
            with pytest.raises(MpError):
                async with Http(client, TARGET, unspent()).stream(
                    "export", "/export", {}
                ) as pieces:
                    _ = [piece async for piece in pieces]

    anyio.run(ask)
