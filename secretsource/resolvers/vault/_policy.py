"""The smallest policy that lets some documents be read, in Vault's own language."""

from __future__ import annotations

import json
from collections.abc import Sequence

from secretsource.resolvers import Location
from secretsource.resolvers.vault._mounts import Mount, holder_of

__all__ = ["policy_for"]

_REVOKE = """\
# Leases are revoked by close(), as revoke_on_close is set. Renewing them is allowed by the policy "default".
path "sys/leases/revoke" {
  capabilities = ["update"]
}"""


def policy_for(locations: Sequence[Location], mounts: tuple[Mount, ...], usual: str, *, revokes: bool) -> str:
    """Return the policy.

    The look-up of a mount needs no rule of its own: whoever may read below it may look it up. Nor does renewing a
    lease: the policy ``default``, which every token has unless it was made without, allows it.

    Args:
        locations: What is read.
        mounts: Those that are known.
        usual: The mount of names.
        revokes: Whether leases are revoked.
    """
    rules = [_rule(address, mounts, usual) for address in dict.fromkeys(each.address for each in locations)]
    if not rules:
        return ""
    return "\n\n".join([*rules, *([_REVOKE] if revokes else [])]) + "\n"


def _rule(address: str, mounts: tuple[Mount, ...], usual: str) -> str:
    mount = holder_of(address, mounts)
    comments = []
    if mount is None:
        guess = Mount(usual if Mount(usual, 2).holds(address) else address.partition("/")[0], 2)
        comments.append(
            f"# If {guess.path} is not KV version 2, the path is {_quoted(address)}: it was not asked yet."
        )
        mount = guess
    path = mount.url_path(address).removeprefix("/v1/")
    if path.endswith("*") or "+" in path.split("/"):
        comments.append("# + and * stand for anything here: a policy cannot name this path alone.")
    return "\n".join([*comments, f"path {_quoted(path)} {{", '  capabilities = ["read"]', "}"])


def _quoted(path: str) -> str:
    return json.dumps(path, ensure_ascii=False)
