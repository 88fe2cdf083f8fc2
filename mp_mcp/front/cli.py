"""`mp`: words to one call, its answer to stdout, its failure to two lines and an exit code.

Never shows a traceback, and never decides what a tool does. Every start pays every import here.
"""

import os
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from mp_mcp import __version__
from mp_mcp.error_codes import error_of, exit_code_of
from mp_mcp.errors import ExitCode, MpError, UsageError
from mp_mcp.front import commands, follow, link, render, talk
from mp_mcp.front.flags import VERSION, Flags
from mp_mcp.front.greet import hang_up
from mp_mcp.front.parse import parse
from mp_mcp.front.tool_command import spoken, table
from mp_mcp.settings import Asking, Home, asking, find_home

DELIVERED = ("export_sql", "snapshot_database")
"""Tools whose answer is a file that waits to be moved to where the person wants it."""

FIRST_WELCOME = """\
mp: Mixpanel and local SQL, shared with your AI agents. No account is stored yet. More: mp --help
  mp demo              look around: a tour in two minutes, without an account
  mp auth login        check and store an account; mp doctor then checks the whole setup
  mp fetch events --from 2025-01-01 --to 2025-01-31     download events into a local table
  mp query sql "SELECT event, count(*) FROM events GROUP BY 1"
"""

WELCOME = """\
mp: Mixpanel and local SQL in your terminal, shared with your AI agents. All of it: mp --help
  mp status        who is connected, what runs, what is left of the budget
  mp history -f    what the agents do, live
  mp fetch events --from 2025-01-01 --to 2025-01-31     download events into a local table
  mp query sql "SELECT event, count(*) FROM events GROUP BY 1"
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command line; the result is the exit code.

    As the program (without `arguments`) it ends the process: taking down the interpreter's modules
    one by one costs 4 ms of about 55.
    """
    if arguments is None:
        _open_closed_streams()
    code = _run(list(sys.argv[1:] if arguments is None else arguments))
    hang_up()
    if arguments is None:
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError, ValueError):
                stream.flush()
        os._exit(code)
    return code


def _run(words: list[str]) -> int:
    try:
        _obey(words)
    except KeyboardInterrupt:
        talk.say("interrupted")
        return ExitCode.INTERRUPTED
    except MpError as error:
        return _failed(error)
    except BrokenPipeError:
        return ExitCode.OK  # the reader wants no more: `| head`
    except Exception as error:  # noqa: BLE001 - the last resort: people never see a traceback
        return _surprised(error)
    return ExitCode.OK


def run_tool(flags: Flags, tool: str, arguments: dict[str, Any], wants_one: bool) -> None:
    """Call a tool on the shared server and show its answer."""
    started = time.monotonic()
    home = find_home()
    client = asking(account=flags.account, project=flags.project, workspace=flags.workspace)
    if flags.fresh and "fresh" in table()[tool]["options"]:
        arguments = {**arguments, "fresh": True}
    _check(flags)
    target = None
    if tool in DELIVERED:
        from mp_mcp.front import deliver

        target = deliver.Target.of(home, arguments)
    spinner = talk.Spinner(" ".join(table()[tool]["words"]))
    is_watched = sys.stderr.isatty() and not flags.quiet
    watch = spinner if is_watched else link.unwatched

    def say(line: str) -> None:
        spinner.erase()
        talk.say(line)

    try:
        reply = _called(home, client, tool, arguments, watch, say)
    finally:
        spinner.erase()
    if target is not None:
        reply = reply._replace(result=target.take(reply.result))
    _show(flags, tool, arguments, reply.result, wants_one=wants_one)
    if flags.verbose:
        took = (time.monotonic() - started) * 1000
        server = f"server pid {reply.pid}, version {reply.version}"
        talk.say(f"{tool}: {took:.0f} ms, {server}, project {reply.result.get('project')}")


def _show(
    flags: Flags, tool: str, arguments: dict[str, Any], result: dict[str, Any], *, wants_one: bool
) -> None:
    if wants_one:
        render.show_value(result, flags)
    else:
        render.show(result, flags)
    if isinstance(flags.chart, str):
        from mp_mcp.front import chart_file

        chart_file.write(flags.chart, tool, arguments, result, quiet=flags.quiet)
    if result.get("not_saved"):
        # The answer is out; the exit code tells a script that the rest was not done.
        raise error_of(result["not_saved"])


def _check(flags: Flags) -> None:
    """Raises: UsageError for what would fail after the call, which may have cost a query."""
    if flags.jq is not None:
        from mp_mcp.front import jq_filter

        jq_filter.compiled(flags.jq)
    if isinstance(flags.chart, str):
        from mp_mcp.front import chart_file

        chart_file.check(flags.chart, force=flags.force)
    elif flags.chart and flags.format not in (None, *render.FOR_PEOPLE[:1]):
        raise UsageError(
            f"A chart is not {flags.format}.", hint="Leave out --format, or name a FILE.png."
        )


def _called(
    home: Home,
    client: Asking,
    tool: str,
    arguments: dict[str, Any],
    watch: link.Watch,
    say: Callable[[str], None],
) -> link.Reply:
    if table()[tool].get("is_job"):
        return follow.run_job(home, client, tool, arguments, watch, say)
    if tool == "wait_job":
        return follow.wait(home, client, arguments, watch)
    return link.call_tool(home, client, tool, arguments, watch=watch)


def _obey(words: list[str]) -> None:
    if not words:
        render.write(WELCOME if _is_configured() else FIRST_WELCOME)
        return
    meant = parse(words, lambda words: commands.find(words, run_tool))
    if meant.asks is VERSION:
        render.write(f"mp {__version__}\n")
    elif meant.asks or meant.command.run is None:
        from mp_mcp.front.help_text import help_of

        render.write(help_of(meant.command))
    else:
        meant.command.run(meant.flags, meant.values)


def _is_configured() -> bool:
    """Whether there may be an account. Only a look: pathlib and mp.toml would cost more."""
    home = find_home()
    files = (f"{home.name}/{name}" for name in ("mp.toml", "config.toml"))
    return asking().has_account or any(map(os.path.exists, files))


def _open_closed_streams() -> None:
    """A shell's `>&-` leaves None where Python expects a file."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: PTH123, SIM115


def _failed(error: MpError) -> int:
    found = error.info()
    hint = spoken(found.hint) if found.hint else None
    if found.retry_after is not None and hint is None:
        hint = f"Try again in {found.retry_after:.0f} s."
    talk.error(found._replace(hint=hint))
    return exit_code_of(found.code)


def _discreet(text: str) -> str:
    """Without the secrets of this process, which a message of Python or a library may quote."""
    with suppress(MpError):
        client = asking()
        for secret in (client.secret, client.oauth_token):
            text = text.replace(secret, "***") if secret else text
    return text


def _surprised(error: Exception) -> int:
    """A bug of ours: one line on the screen, the rest in a file."""
    import traceback

    path = find_home().logs / "mp-crash.log"
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.write_text(_discreet("".join(traceback.format_exception(error))), encoding="utf-8")
    name = f"{type(error).__name__}: {error}"
    talk.say(_discreet(f"error: mp has a bug ({name}); please report it with {path}"))
    return ExitCode.UNEXPECTED
