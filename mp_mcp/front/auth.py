"""`mp auth ...`: store accounts, and say which one is in use.

Never takes a secret as an argument (others can read a process list), and never shows one.
"""

import sys
from dataclasses import replace

from mp_mcp import accounts, keychain
from mp_mcp.accounts import Account
from mp_mcp.errors import CredentialsError, NotFoundError, UsageError
from mp_mcp.front import ask, link, render, sources, talk
from mp_mcp.front.command import Argument, command
from mp_mcp.front.flags import Flags, Option, one_of
from mp_mcp.resolve import LOGIN, REGIONS
from mp_mcp.settings import Asking, Home, asking, find_home

LONGEST_NAME = 64


@command(
    Argument("name", "NAME", "What to call it; default when left out", required=False),
    Option(
        "username",
        ("--username",),
        "Service account, e.g. mp.a1b2c3.mp-service-account",
        "TEXT",
    ),
    Option("oauth", ("--oauth",), "Store an OAuth bearer token instead of a secret"),
    one_of("region", ("--region",), tuple(REGIONS), "Found out when left out"),
    Option("project", ("--project",), "Project to use; asked for when there are several", "ID"),
    one_of(
        "store",
        ("--store",),
        ("keyring", "file"),
        "Where the secret goes: the system's keyring when there is one, else mp.toml (0600)",
    ),
    Option("is_default", ("--default",), "Use it from now on, as without this flag"),
    Option("is_default", ("--no-default",), "Leave the default account as it is", meaning=False),
)
def login(
    flags: Flags,
    name: str = "default",
    username: str | None = None,
    oauth: bool = False,
    region: str | None = None,
    project: str | None = None,
    store: str | None = None,
    is_default: bool = True,
) -> None:
    """Check a service account with Mixpanel and store it.

    The secret comes from a hidden prompt, from stdin when that is piped, or from MP_SECRET; a
    token with --oauth from the prompt, stdin or MP_OAUTH_TOKEN.
    """
    _require_name(name)
    home, found = find_home(), asking()
    client = _token(found) if oauth else _service_account(found, username)
    wanted = region or found.region
    client = client._replace(base_url=found.base_url)
    region, projects = _checked(home, client, (wanted,) if wanted else tuple(REGIONS))
    project = _project(project or flags.project or found.project_id, projects)
    account = Account(name, client.username, client.secret, client.oauth_token, project, region)
    account = _stored(home, account, store)
    accounts.save_account(home, account, make_default=is_default)
    _tell_login(flags, home, account)


@command(Argument("name", "NAME", "The account to remove", required=False))
def logout(flags: Flags, name: str | None = None) -> None:
    """Remove a stored account and its secret; without a name, the default account."""
    home = find_home()
    stored = accounts.read_stored(home)
    chosen = flags.account if name is None else name
    # An empty name is somebody's empty variable, and no reason to take the default.
    name = stored.default if chosen is None else chosen
    if name is None:
        render.show({"removed": None}, flags, sentence="no account is stored")
        return
    if _found(stored, name).in_keyring:
        # First: an account that mp.toml forgot would leave its secret there for ever.
        keychain.remove(home, name)
    default = accounts.remove_account(home, name)
    followed = f"; {default} is the default now" if default else ""
    if default is None and len(stored.accounts) > 1:
        followed = "; choose another default with `mp auth switch NAME`"
    render.show(
        {"removed": name, "default": default}, flags, sentence=f"account {name} removed{followed}"
    )


@command()
def status(flags: Flags) -> None:
    """Say which account, project and region are in use, and why.

    It reads settings only; `mp auth test` asks Mixpanel.
    """
    home = find_home()
    render.show(sources.explained(home, flags), flags)


@command()
def list_accounts(flags: Flags) -> None:
    """List the stored accounts."""
    stored = accounts.read_stored(find_home())
    rows = [
        [
            *(one.name, one.username or "(token)", one.project_id, one.region),
            *("keyring" if one.in_keyring else "file", one.name == stored.default),
        ]
        for one in stored.accounts.values()
    ]
    columns = ["name", "username", "project_id", "region", "secret_in", "default"]
    found = {"columns": columns, "rows": rows, "row_count": len(rows)}
    render.show(found if rows else {**found, "hint": LOGIN}, flags)


@command(Argument("name", "NAME", "The account to use from now on"))
def switch(flags: Flags, name: str) -> None:
    """Make a stored account the default, at once and for agents that are connected too.

    Agents that named no account or project themselves follow, and are told with their next answer.
    """
    home = find_home()
    _found(accounts.read_stored(home), name)
    before = accounts.make_default(home, name)
    sentence = f"account {name} is the default now"
    if before not in (None, name):
        sentence += f", before it was {before}"
    render.show({"default": name, "before": before}, flags, sentence=sentence)


def _found(stored: accounts.Stored, name: str) -> Account:
    """Raises: NotFoundError: it is named as a thing here, not as who asks."""
    try:
        return stored.account(name)
    except CredentialsError as error:
        raise NotFoundError(error.message, hint=error.hint) from error


def _require_name(name: str) -> None:
    if not name.strip() or not name.isprintable() or len(name) > LONGEST_NAME:
        raise UsageError(
            f"An account's name has 1 to {LONGEST_NAME} printable characters.",
            hint="Example: mp auth login work",
        )


def _service_account(found: Asking, username: str | None) -> Asking:
    username = username or found.username or _asked("Service account username")
    # MP_SECRET first: a script that sets it may leave stdin open and silent.
    given = found.secret if found.username in (None, username) else None
    secret = given or _typed("Secret", "set MP_SECRET")
    return Asking(username=username, secret=secret)


def _token(found: Asking) -> Asking:
    return Asking(oauth_token=found.oauth_token or _typed("OAuth token", "set MP_OAUTH_TOKEN"))


def _asked(question: str) -> str:
    if not sys.stdin.isatty():
        raise UsageError(
            f"{question}: nobody is here to ask.", hint="Pass --username, or set MP_USERNAME."
        )
    return ask.answer(question)


def _typed(what: str, otherwise: str) -> str:
    """A secret from a hidden prompt, or from stdin when nobody sits there."""
    secret = ask.secret(what) if sys.stdin.isatty() else sys.stdin.readline()
    if not secret.strip():
        raise CredentialsError(
            f"No {what.removeprefix('OAuth ').lower()} was given.",
            hint=f"Type it at the prompt, pipe it in, or {otherwise}.",
        )
    return secret.strip()


def _stored(home: Home, account: Account, store: str | None) -> Account:
    """The account as mp.toml shall have it: without a secret that the keyring took."""
    secret = account.secret or account.oauth_token
    if store == "file" or secret is None or not (store or keychain.is_available()):
        known = accounts.read_stored(home).accounts.get(account.name)
        if known is not None and known.in_keyring:
            keychain.remove(home, account.name)  # the old secret is no use to anybody
        return account
    keychain.save(home, account.name, secret)
    return replace(account, secret=None, oauth_token=None, in_keyring=True)


def _tell_login(flags: Flags, home: Home, account: Account) -> None:
    told = {
        "account": account.name,
        "username": account.username,
        "project_id": account.project_id,
        "region": account.region,
        "secret_in": "keyring" if account.in_keyring else "file",
    }
    if not flags.quiet:
        who = account.username or "an OAuth token"
        named = (
            f"project {account.project_id}" if account.project_id else "no project yet: --project"
        )
        place = f"{home.config}{', its secret in the keyring' if account.in_keyring else ''}"
        talk.say(
            f"stored account {account.name} ({who}, region {account.region}, {named}) in {place}"
        )
    if flags.format:
        render.show(told, flags)


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
        hint=f"Check user name and secret; asked region {', '.join(regions)}. Nothing was stored.",
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
    return ask.one_of("Project", [number for number, _ in projects])
