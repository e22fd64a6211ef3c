"""What a real backend says of a secret that is gone, forbidden or changed, and when it cannot serve."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Any

from secretsource import SecretNotFound
from tests.fakes import in_threads
from tests.faults.cases import BOTH, Expected, Row, Seen, Table, each
from tests.faults.played import KINDS
from tests.faults.real import rewrite
from tests.faults.setting import Setting

__all__ = ["OUTCOMES"]

_MISSING = Expected("SecretNotFound", "missing")
_DELETED = Expected("SecretNotFound", "deleted")
_FIELD = Expected("SecretNotFound", "field")
_DENIED = Expected("AccessDenied", "denied")
_VALUE = Expected("value")
_READERS = 16
_NO_PERMISSIONS = "moto has no permissions; see the statuses"


def _real(method: str) -> Callable[[Setting], None]:
    def act(setting: Setting) -> None:
        getattr(setting.real, method)()

    return act


def _destroy(setting: Setting) -> None:
    setting.real.call("PUT", f"secret/destroy/{setting.real.path}", {"versions": [1]})


def _missing_stage(setting: Setting) -> None:
    setting.name = f"aws://{setting.real.path}?stage=AWSPENDING#key"


def _missing_version(setting: Setting) -> None:
    version = {"aws": secrets.token_hex(16), "vault": "77", "conjur": "77"}[setting.cell.backend]
    separator = "#key" if setting.cell.backend != "conjur" else ""
    path = f"secret/{setting.real.path}" if setting.cell.backend == "vault" else setting.real.path
    path += "/key" if setting.cell.backend == "conjur" else ""
    setting.name = f"{setting.cell.backend}://{path}?version={version}{separator}"


def _seal(setting: Setting) -> None:
    setting.real.bao.seal()


def _lose_database(setting: Setting) -> None:
    setting.real.server.database_down = True


def _rotate_key(setting: Setting) -> None:
    setting.real.server.rotate_api_key("alice")


def _within_the_ttl(setting: Setting) -> Seen:
    """Read the old value within the ttl, and the new one as soon as it is asked for."""
    setting.store.get(setting.name)
    rewrite(setting)
    if setting.read().outcome != "another value":
        return Seen("a value younger than its ttl was fetched again")
    seen = setting.read(refresh=True)
    return Seen(
        "the old value; the new one with refresh" if seen.outcome == "value" else seen.outcome,
        error=seen.error,
    )


def _two_fields(setting: Setting) -> Seen:
    """Write both fields together, again and again, while they are read together."""
    wrong = 0
    for number in range(20):
        mark = f"{number}:{secrets.token_hex(8)}"
        setting.real.put(mark, second=mark)
        setting.clock.advance(1000.0)
        got = setting.store.get_fields(setting.real.path)
        wrong += got["key"] != got["second"]
    return Seen("two fields of one version" if not wrong else "two versions mixed")


def _revoked_under_many(setting: Setting) -> Seen:
    """Revoke the token under 16 threads that want 16 secrets; count the logins."""
    value = setting.value
    names = setting.real.put_beside(value, _READERS)
    for name in names:
        setting.store.get(name)
    setting.real.revoke()
    setting.clock.advance(1000.0)
    logins, turns = setting.real.logins(), iter(names)
    came = in_threads(_READERS, lambda: setting.store.get(next(turns)).value == value)
    right = sum(each_ is True for each_ in came)
    return Seen(f"{right} right", asked=setting.real.logins() - logins)


def _part_of_a_batch(setting: Setting) -> Seen:
    """Ask for three secrets at once, one of which is not there."""
    names = [setting.name, f"{setting.real.path}x/key"]
    try:
        setting.store.get_many(names)
    except SecretNotFound as error:
        found = setting.store.get(setting.name).value == setting.value
        return Seen("SecretNotFound, and the others are kept" if found else "lost", "missing", error=error)
    return Seen("value")


def _row(id: str, words: str, act: Callable[[Setting], Seen | None], **more: Any) -> Row:
    return Row(id, words, act, starts="real", place="nothing", **more)


_ONLY_VAULT = dict.fromkeys(("aws", "conjur"), "it is Vault that has this")
_ONLY_AWS = dict.fromkeys(("vault", "conjur"), "it is AWS that has this")
_ONLY_CONJUR = dict.fromkeys(("aws", "vault"), "it is Conjur that has this")

OUTCOMES = Table(
    "outcomes",
    KINDS,
    [
        _row("missing", "it is removed for good", _real("remove"), expected=each(_MISSING, _MISSING)),
        _row(
            "deleted",
            "its version is deleted, or it is pending deletion",
            _real("delete"),
            expected=each(_DELETED, _DELETED, ("aws", "vault")),
            lacks={"conjur": "Conjur deletes for good"},
        ),
        _row(
            "destroyed",
            "its version is destroyed",
            _destroy,
            expected=each(_DELETED, _DELETED, ("vault",)),
            lacks=_ONLY_VAULT,
        ),
        _row(
            "no-field",
            "its document has lost the field",
            _real("lose_field"),
            expected=each(_FIELD, _FIELD, ("aws", "vault")),
            lacks={"conjur": "a variable has no fields"},
        ),
        _row(
            "no-stage",
            "no version has the stage",
            _missing_stage,
            expected=each(_MISSING, _MISSING, ("aws",)),
            lacks=_ONLY_AWS,
        ),
        _row("no-version", "there is no such version", _missing_version, expected=each(_MISSING, _MISSING)),
        _row(
            "no-permission",
            "the permission is taken away",
            _real("deny"),
            expected=each(_DENIED, _DENIED, ("vault", "conjur")),
            lacks={"aws": _NO_PERMISSIONS},
        ),
        _row(
            "revoked-token",
            "the token is revoked",
            _real("revoke"),
            expected=each(None, _VALUE, ("vault", "conjur")),
            lacks={"aws": "moto checks no credentials; see the statuses"},
        ),
        _row(
            "revoked-under-many",
            "the token is revoked under 16 threads that want 16 secrets; logins are counted",
            _revoked_under_many,
            expected=each(Expected(f"{_READERS} right", asked=1), None, ("vault", "conjur")),
            lacks={"aws": "moto checks no credentials; see the statuses"},
            ways=BOTH,
            commands=False,
        ),
        _row(
            "rotated-key",
            "the key of the login is changed",
            _rotate_key,
            expected=each(_DENIED, _VALUE, ("conjur",)),
            lacks=_ONLY_CONJUR,
        ),
        _row(
            "sealed",
            "the server is sealed",
            _seal,
            expected=each(Expected("BackendUnavailable", "sealed"), Expected("stale value"), ("vault",)),
            lacks=_ONLY_VAULT,
        ),
        _row(
            "database-down",
            "its database is down",
            _lose_database,
            expected=each(Expected("BackendUnavailable", "server"), Expected("stale value"), ("conjur",)),
            lacks=_ONLY_CONJUR,
        ),
        _row("rotated", "it is another one since, and the ttl is over", rewrite, expected=each(None, _VALUE)),
        _row(
            "rotated-now",
            "it is another one since, within the ttl",
            _within_the_ttl,
            expected=each(Expected("the old value; the new one with refresh"), None),
            commands=False,
        ),
        _row(
            "two-fields",
            "two fields are rewritten together, 20 times",
            _two_fields,
            expected=each(Expected("two fields of one version", most=20.0), None, ("aws", "vault")),
            lacks={"conjur": "no version joins two variables"},
            ways=BOTH,
            commands=False,
        ),
        _row(
            "batch",
            "of several that are asked for at once, one is not there",
            _part_of_a_batch,
            expected=each(Expected("SecretNotFound, and the others are kept", "missing"), None),
            ways=BOTH,
            commands=False,
        ),
    ],
)
