"""What the commands print with ``--json``: the keys are documented, and none of them changes or goes."""

from __future__ import annotations

from datetime import datetime

from secretsource import Check, LinkCheck, NameCheck, ResolverError, SecretSourceError, Step

__all__ = ["check_as_json", "not_asked_as_json", "step_as_json"]


def step_as_json(step: Step) -> dict[str, object]:
    """Return one link that was asked."""
    return {
        "link": step.link,
        "location": step.location,
        "outcome": step.outcome,
        "reason": step.reason,
        "detail": step.detail,
        "version": step.version,
        "seconds": round(step.seconds, 6),
    }


def not_asked_as_json(not_asked: tuple[tuple[str, str], ...]) -> list[dict[str, str]]:
    """Return the links that were not asked."""
    return [{"link": link, "location": location} for link, location in not_asked]


def check_as_json(check: Check, status: int) -> dict[str, object]:
    """Return what was checked.

    Args:
        check: What was found.
        status: How the command ends.
    """
    return {
        "status": status,
        "links": [_link(link) for link in check.links],
        "names": [_name(name) for name in check.names],
    }


def _link(link: LinkCheck) -> dict[str, object]:
    health = link.health
    policy = {"names": list(link.policy_names), "text": link.policy} if link.policy else None
    return {
        "link": link.link,
        "checked": health is not None or link.error is not None,
        "identity": health and health.identity,
        "expires_in": health and health.expires_in,
        "detail": health and health.detail,
        "error": link.error and _error(link.error),
        "seconds": round(link.seconds, 6),
        "policy": policy,
    }


def _name(name: NameCheck) -> dict[str, object]:
    found = name.found
    return {
        "name": name.name,
        "required": name.required,
        "link": found and found.link,
        "location": found and found.location,
        "version": found and found.version,
        "created": name.created and _moment(name.created),
        "lease": name.lease,
        "error": name.error and _error(name.error),
        "steps": [step_as_json(step) for step in name.steps],
        "not_asked": not_asked_as_json(name.not_asked),
    }


def _error(error: SecretSourceError) -> dict[str, object]:
    told: tuple[str | None, str] = (None, str(error))
    if isinstance(error, ResolverError):
        told = error.reason, error.detail
    return {"type": type(error).__name__, "reason": told[0], "detail": told[1]}


def _moment(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")
