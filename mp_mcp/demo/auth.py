"""Who calls, and which project they may read: service account, project secret or bearer token.

Never says which part of a credential is wrong.
"""

import base64
import binascii
import secrets

from mp_mcp.demo.wire import Call, WireError
from mp_mcp.demo.world import Account, Project


def authenticate(call: Call) -> None:
    """Set the call's account and project, or refuse it; `/me` needs no project."""
    scheme, _, credential = call.request.headers.get("authorization", "").partition(" ")
    if call.world.switches.expired:
        raise _refused(call)
    username, secret = _basic(credential) if scheme.lower() == "basic" else ("", "")
    if username and not secret:
        _by_project_secret(call, username)
        return
    call.account = _account(call, scheme.lower(), credential, username, secret)
    if call.api == "app":
        _by_app_path(call, call.account)
    else:
        project_id = str(call.params.get("project_id", ""))
        if not project_id:
            raise WireError(400, "Missing required parameter: project_id")
        call.project = _permitted(call, call.account, project_id)


def _basic(credential: str) -> tuple[str, str]:
    """User and password; the server also takes them without base64."""
    try:
        text = base64.b64decode(credential, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        text = credential
    username, _, secret = text.partition(":")
    return username, secret


def _account(call: Call, scheme: str, credential: str, username: str, secret: str) -> Account:
    for account in call.world.accounts:
        by_secret = account.username == username and _same(account.secret, secret)
        if (scheme == "basic" and by_secret) or (
            scheme == "bearer" and _same(account.bearer, credential)
        ):
            return account
    raise _refused(call)


def _same(one: str, other: str) -> bool:
    return secrets.compare_digest(one.encode(), other.encode())


def _by_project_secret(call: Call, secret: str) -> None:
    project = call.world.project_of_secret(secret)
    if project is None or call.api == "app":
        raise _refused(call)
    if str(call.params.get("project_id", project.id)) != project.id:
        raise WireError(403, "The project secret belongs to another project")
    call.project = project


def _by_app_path(call: Call, account: Account) -> None:
    if "project_id" in call.path:
        call.project = _permitted(call, account, call.path["project_id"])
    elif "workspace_id" in call.path:
        project = call.world.project_of_workspace(call.path["workspace_id"])
        call.project = _permitted(call, account, project.id if project else "")


def _permitted(call: Call, account: Account, project_id: str) -> Project:
    project = call.world.projects.get(project_id)
    if project is None or project_id not in account.project_ids:
        raise WireError(403, f"You do not have access to project {project_id}")
    return project


def _refused(call: Call) -> WireError:
    if call.api != "app" and call.world.switches.auth_error == 400:
        return WireError(400, "Unable to authenticate request")
    return WireError(401, "Invalid credentials")
