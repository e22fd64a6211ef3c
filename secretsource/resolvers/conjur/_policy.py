"""The lines of policy that a variable needs: Conjur makes variables and permissions by policy, and by nothing else."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from secretsource.resolvers._location import Location

__all__ = ["policy_for", "variable_lines"]

_PLAIN = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_./-]*", re.ASCII)
_HEAD = "# conjur policy load -b root -f FILE.yml"


def policy_for(locations: Sequence[Location], login: str | None) -> str:
    """Return the permission to read all *locations*, as YAML for the policy ``root``.

    Args:
        locations: Variables, and paths, of which the operator has to name the variables.
        login: Who reads, or `None` if that is not known.
    """
    ids = dict.fromkeys(_id_of(location) for location in locations)
    lines = [
        _HEAD,
        "- !permit",
        f"  role: {role_of(login)}",
        "  privileges: [read, execute]",
        "  resource:" if ids else "  resource: []",
        *(f"    - !variable {_scalar(each)}" for each in ids),
    ]
    return "\n".join(lines) + "\n"


def variable_lines(variable: str, login: str) -> str:
    """Return in one line what makes *variable* and lets *login* write and read it."""
    each = f"!variable {_scalar(variable)}"
    permit = f"role: {role_of(login)}, privileges: [read, execute, update], resource: {each}"
    return f"- {each} and - !permit {{ {permit} }}"


def role_of(login: str | None) -> str:
    """Return a login as policies write it: a host's begins with ``host/``."""
    if not login:
        return "!host LOGIN"
    kind = "host" if login.startswith("host/") else "user"
    return f"!{kind} {_scalar(login.removeprefix('host/'))}"


def _id_of(location: Location) -> str:
    return f"{location.address}NAME" if location.document else location.address


def _scalar(text: str) -> str:
    """Return *text* as YAML; what is not plain is quoted as JSON is, which YAML reads too."""
    return text if _PLAIN.fullmatch(text) else json.dumps(text, ensure_ascii=False)
