"""The smallest IAM policy for a set of parameters."""

from __future__ import annotations

import json
from collections.abc import Iterable

from secretsource.resolvers import Location
from secretsource.resolvers._aws._partition import partition_of, region_known
from secretsource.resolvers.ssm._location import is_arn, is_possible

__all__ = ["policy_for"]


def policy_for(locations: Iterable[Location], region: str | None) -> str:
    """Return the policy as JSON; the account, and the region where none is configured, stand there in capitals.

    Args:
        locations: What is to be read.
        region: The region of the configuration.
    """
    where = region_known(region)
    start = f"arn:{partition_of(where)}:ssm:{where}:ACCOUNT:parameter/"
    known = [each for each in locations if is_possible(each.address)]
    single = {_arn(each.address, start) for each in known if not each.document}
    paths = {_arn(each.address.rstrip("/"), start) for each in known if each.document}
    statements = [
        _statement(["ssm:GetParameter", "ssm:GetParameters"], single),
        _statement(["ssm:GetParametersByPath"], {arn for path in paths for arn in (path, f"{path}/*")}),
    ]
    policy = {"Version": "2012-10-17", "Statement": [each for each in statements if each["Resource"]]}
    return json.dumps(policy, indent=2)


def _arn(address: str, start: str) -> str:
    return address if is_arn(address) else start + address.removeprefix("/")


def _statement(actions: list[str], resources: set[str]) -> dict[str, object]:
    return {"Effect": "Allow", "Action": actions, "Resource": sorted(resources)}
