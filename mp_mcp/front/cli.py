"""`mp`: words to one call, its answer to stdout, its failure to two lines and an exit code.

Never shows a traceback, and never decides what a tool does. Every start pays every import here.
"""

import os
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import click

from mp_mcp.errors import ErrorInfo, ExitCode, MpError, exit_code_of
from mp_mcp.front import commands, link, render, talk
from mp_mcp.front.flags import Flags
from mp_mcp.front.tool_command import spoken, table
from mp_mcp.settings import asking, find_home

WELCOME = """\
mp: Mixpanel and local SQL in your terminal, shared with your AI agents. All of it: mp --help
  mp auth login                                         check and store an account
  mp demo                                               a tour in two minutes, without an account
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
    if arguments is None:
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError, ValueError):
                stream.flush()
        os._exit(code)
    return code


def _run(words: list[str]) -> int:
    try:
        _obey(words)
    except (KeyboardInterrupt, click.Abort):
        talk.say("interrupted")
        return ExitCode.INTERRUPTED
    except click.exceptions.Exit as ended:
        return ended.exit_code
    except click.ClickException as error:
        return _refused(error)
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
    spinner = talk.Spinner(" ".join(table()[tool]["words"]))
    is_watched = sys.stderr.isatty() and not flags.quiet
    watch = spinner if is_watched else link.unwatched
    try:
        reply = link.call_tool(home, client, tool, arguments, watch=watch)
    finally:
        spinner.erase()
    if wants_one:
        render.show_value(reply.result, flags)
    else:
        render.show(reply.result, flags)
    if flags.verbose:
        took = (time.monotonic() - started) * 1000
        server = f"server pid {reply.pid}, version {reply.version}"
        talk.say(f"{tool}: {took:.0f} ms, {server}, project {reply.result.get('project')}")


def _obey(words: list[str]) -> None:
    root = commands.root(run_tool)
    if not words and "_MP_COMPLETE" not in os.environ:
        render.write(WELCOME)
        return
    if not words:
        from click.shell_completion import shell_complete

        shell_complete(root, {}, "mp", "_MP_COMPLETE", os.environ["_MP_COMPLETE"])
        return
    # Not `root.main`: it would take over broken pipes, interrupts and exit codes.
    with root.make_context("mp", words, obj=Flags(), max_content_width=100) as context:
        root.invoke(context)


def _open_closed_streams() -> None:
    """A shell's `>&-` leaves None where Python and click expect a file."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open(mode, encoding="utf-8"))  # noqa: SIM115


def _refused(error: click.ClickException) -> int:
    """What click says about a command line, in our form."""
    context = getattr(error, "ctx", None)
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        render.write(context.get_help() + "\n" if context else "")
        return ExitCode.OK
    near = getattr(error, "possibilities", None)
    path = context.command_path if context else "mp"
    hint = f"Did you mean {near[0]}?" if near else f"See `{path} --help`."
    message = " ".join((error.message if near else error.format_message()).split())
    talk.error(ErrorInfo("usage", message, hint))
    return ExitCode.INVALID


def _failed(error: MpError) -> int:
    found = error.info()
    hint = spoken(found.hint) if found.hint else None
    if found.retry_after is not None and hint is None:
        hint = f"Try again in {found.retry_after:.0f} s."
    talk.error(found._replace(hint=hint))
    return exit_code_of(found.code)


def _surprised(error: Exception) -> int:
    """A bug of ours: one line on the screen, the rest in a file."""
    import traceback

    path = find_home().logs / "mp-crash.log"
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.write_text("".join(traceback.format_exception(error)), encoding="utf-8")
    name = type(error).__name__
    talk.say(f"error: mp has a bug ({name}: {error}); please report it with {path}")
    return ExitCode.UNEXPECTED
