"""`mp auth ...`: store accounts, and say which one is in use.

Never takes a secret as an argument (others can read a process list), and never shows one.
"""

import sys

import click

from mp_mcp import accounts
from mp_mcp.accounts import Account, Stored
from mp_mcp.errors import CredentialsError, UsageError
from mp_mcp.front import link, render, talk
from mp_mcp.front.flags import Flags
from mp_mcp.settings import Asking, Home, asking, find_home

LOGIN_HINT = "Run `mp auth login`, or set MP_USERNAME, MP_SECRET and MP_PROJECT_ID."


@click.command("login")
@click.argument("name", default="default", metavar="[NAME]")
@click.option(
    "--username", metavar="TEXT", help="Service account, e.g. mp.a1b2c3.mp-service-account"
)
@click.option(
    "--region", type=click.Choice(tuple(accounts.REGIONS)), help="Found out when left out"
)
@click.option("--project", metavar="ID", help="Project to use; asked for when there are several")
@click.option("--default/--no-default", "is_default", default=True, help="Use it from now on")
@click.pass_obj
def login(
    flags: Flags,
    name: str,
    username: str | None,
    region: str | None,
    project: str | None,
    is_default: bool,
) -> None:
    """Check a service account with Mixpanel and store it.

    The secret comes from a hidden prompt, from stdin when that is piped, or from MP_SECRET.
    """
    home, found = find_home(), asking()
    username = username or found.username or _asked("Service account username")
    secret = _secret(found, username)
    wanted = region or found.region
    client = Asking(username=username, secret=secret, base_url=found.base_url)
    region, projects = _checked(home, client, (wanted,) if wanted else tuple(accounts.REGIONS))
    project = _project(project or flags.project or found.project_id, projects)
    account = Account(name, username, secret, None, project, region)
    accounts.save_account(home, account, make_default=is_default)
    told = {"account": name, "username": username, "project_id": project, "region": region}
    if not flags.quiet:
        named = f"project {project}" if project else "no project yet: pass --project"
        talk.say(f"stored account {name} ({username}, region {region}, {named}) in {home.config}")
    if flags.format:
        render.show(told, flags)


@click.command("status")
@click.pass_obj
def status(flags: Flags) -> None:
    """Say which account, project and region are in use, and where they come from.

    It reads settings only; `mp auth test` asks Mixpanel.
    """
    home = find_home()
    client = asking(account=flags.account, project=flags.project)
    found = accounts.resolve(client, accounts.read_stored(home))
    render.show(
        {
            "configured": found.has_credentials,
            "account": found.account,
            "username": found.username,
            "project_id": found.project_id,
            "region": found.region,
            "base_url": found.base_url,
            "source": found.source,
            "home": str(home.path),
            **({} if found.has_credentials else {"hint": LOGIN_HINT}),
        },
        flags,
    )


@click.command("list")
@click.pass_obj
def list_accounts(flags: Flags) -> None:
    """List the stored accounts."""
    stored = accounts.read_stored(find_home())
    rows = [
        [one.name, one.username, one.project_id, one.region, one.name == stored.default]
        for one in stored.accounts.values()
    ]
    columns = ["name", "username", "project_id", "region", "default"]
    found = {"columns": columns, "rows": rows, "row_count": len(rows)}
    render.show(found if rows else {**found, "hint": LOGIN_HINT}, flags)


@click.command("switch")
@click.argument("name", metavar="NAME")
@click.pass_obj
def switch(flags: Flags, name: str) -> None:
    """Make a stored account the default."""
    home = find_home()
    stored: Stored = accounts.read_stored(home)
    accounts.save_account(home, stored.account(name), make_default=True)
    render.show({"default": name}, flags, sentence=f"account {name} is the default now")


def _asked(question: str) -> str:
    if not sys.stdin.isatty():
        raise UsageError(
            f"{question}: nobody is here to ask.", hint="Pass --username, or set MP_USERNAME."
        )
    return str(click.prompt(question, err=True)).strip()


def _secret(found: Asking, username: str) -> str:
    """MP_SECRET first: a script that sets it may leave stdin open and silent."""
    if found.secret and found.username in (None, username):
        return found.secret
    if sys.stdin.isatty():
        secret = str(click.prompt("Secret", hide_input=True, err=True))
    else:
        secret = sys.stdin.readline()
    if not secret.strip():
        raise CredentialsError(
            "No secret was given.", hint="Type it at the prompt, pipe it in, or set MP_SECRET."
        )
    return secret.strip()


def _checked(
    home: Home, client: Asking, regions: tuple[str, ...]
) -> tuple[str, list[tuple[str, str]]]:
    """The region that knows these credentials, and the projects that they reach there."""
    for region in regions:
        try:
            reply = link.call_tool(home, client._replace(region=region), "inspect_account", {})
        except CredentialsError as error:
            refusal = error
        else:
            return region, [(str(row[0]), str(row[1])) for row in reply.result["rows"]]
    raise CredentialsError(
        refusal.message,
        hint=f"Check username and secret; asked region {', '.join(regions)}. Nothing was stored.",
    ) from refusal


def _project(wanted: str | None, projects: list[tuple[str, str]]) -> str | None:
    known = dict(projects)
    if wanted:
        if wanted not in known:
            talk.say(f"hint: this account does not list project {wanted}; stored all the same")
        return wanted
    if len(projects) <= 1:
        return projects[0][0] if projects else None
    if not sys.stdin.isatty():
        listed = ", ".join(f"{number} ({title})" for number, title in projects[:10])
        raise UsageError(
            f"This account reaches {len(projects)} projects.",
            hint=f"Pass --project with one of: {listed}.",
        )
    for number, title in projects:
        talk.say(f"  {number}  {title}")
    choice = click.Choice([number for number, _ in projects])
    return str(click.prompt("Project", type=choice, show_choices=False, err=True))
