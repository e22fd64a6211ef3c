"""The smallest policy that lets secrets be read."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from secretsource.resolvers import Location
from secretsource.resolvers._aws._partition import partition_of, region_known
from secretsource.resolvers.aws._region import Region
from secretsource.resolvers.aws._settings import Settings

__all__ = ["policy_for"]

_ANY_SIX = "-??????"  # AWS adds a hyphen and six characters to the ARN of each secret
_WHOLE_ARN = re.compile(r"-[A-Za-z0-9]{6}$", re.ASCII)


def policy_for(locations: Sequence[Location], settings: Settings) -> str:
    """Return the policy, as JSON; what only the operator knows stands there in capitals.

    Args:
        locations: What is to be read.
        settings: How it is asked for.
    """
    regions = [Region(each) for each in settings.clients]
    resources = sorted({_arn(each.address, region) for each in locations for region in regions})
    actions = ["secretsmanager:GetSecretValue"]
    if settings.agent is not None:  # it asks which versions there are, when its copies have become old
        actions.insert(0, "secretsmanager:DescribeSecret")
    statements: list[dict[str, object]] = [{"Effect": "Allow", "Action": actions, "Resource": resources}]
    if settings.batch:
        # AWS knows this one for all secrets alone; which can be read, the statement above says.
        statements.append(
            {"Effect": "Allow", "Action": "secretsmanager:BatchGetSecretValue", "Resource": "*"}
        )
    return json.dumps({"Version": "2012-10-17", "Statement": statements}, indent=2)


def _arn(address: str, region: Region) -> str:
    if address.startswith("arn:"):
        here = region.address(address)
        return here if _WHOLE_ARN.search(here) else here + _ANY_SIX
    where = region_known(region.settings.region)
    return f"arn:{partition_of(where)}:secretsmanager:{where}:ACCOUNT:secret:{address}{_ANY_SIX}"
