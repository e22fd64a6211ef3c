"""Backends that are real, or nearly: OpenBao, moto, and a stand-in that is held to recorded answers of Conjur."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from secretsource.resolvers import Resolver
from secretsource.resolvers.aws import AwsResolver
from secretsource.resolvers.conjur import ConjurResolver
from secretsource.resolvers.vault import VaultResolver
from tests.faults.canaries import Canaries, new_text
from tests.faults.visible import unheard
from tests.servers.conjur import ConjurServer
from tests.servers.moto import Moto
from tests.servers.openbao import OpenBao

if TYPE_CHECKING:
    from tests.faults.setting import Setting

__all__ = ["RealAws", "RealConjur", "RealVault", "Servers", "enter"]

_READ = 'path "{path}" {{ capabilities = ["read"] }}\n'


class Servers:
    """The servers of one run, each started when a cell needs it first."""

    def __init__(self) -> None:
        self._bao: OpenBao | None = None
        self._moto: Moto | None = None
        self.client: Any = None

    def bao(self) -> OpenBao:
        if self._bao is None:
            self._bao = OpenBao()
        return self._bao

    def moto(self) -> Moto:
        if self._moto is None:
            self._moto = Moto()
            self.client = self._moto.client()
        return self._moto

    def stop(self) -> None:
        if self._bao is not None:
            self._bao.stop()
        if self._moto is not None:
            self.client.close()
            self._moto.stop()


class RealVault:
    """One document in OpenBao, and an AppRole that may read it."""

    def __init__(self, bao: OpenBao, canaries: Canaries, namespace: str | None = None) -> None:
        self.bao = bao
        self.path = f"faults{secrets.token_hex(6)}"
        self.name = f"{self.path}/key"
        self.policy = self.path
        bao.policy(self.policy, _READ.format(path=f"secret/data/{self.path}*"))
        role_id, secret_id = bao.approle(self.path, [self.policy])
        for what, text in (("role id", role_id.replace("-", "")), ("secret id", secret_id)):
            canaries.add(what, text)
        auth = {"method": "approle", "role_id": role_id, "secret_id": secret_id}
        self.resolver: Resolver = VaultResolver(address=bao.url, auth=auth, namespace=namespace)

    def put(self, value: str, **other: str) -> None:
        self.bao.put("secret", self.path, {"key": value, **other})

    def put_beside(self, value: str, count: int) -> list[str]:
        """Write documents whose paths begin alike; return the names."""
        paths = [f"{self.path}{number}" for number in range(count)]
        for path in paths:
            self.bao.put("secret", path, {"key": value})
        return [f"{path}/key" for path in paths]

    def logins(self) -> int:
        """Return how many tokens there are."""
        return len(self.bao.api("LIST", "auth/token/accessors").body["data"]["keys"])

    def call(self, method: str, path: str, body: object = None) -> None:
        answer = self.bao.api(method, path, body)
        assert answer.status < 300, answer.status

    def delete(self) -> None:
        self.call("DELETE", f"secret/data/{self.path}")

    def remove(self) -> None:
        self.call("DELETE", f"secret/metadata/{self.path}")

    def lose_field(self) -> None:
        self.bao.put("secret", self.path, {"other": "x"})

    def deny(self) -> None:
        self.bao.policy(self.policy, _READ.format(path="secret/data/another"))

    def revoke(self) -> None:
        self.call("PUT", "sys/leases/revoke-prefix/auth/approle/login")


class RealAws:
    """One secret in moto."""

    def __init__(self, servers: Servers, canaries: Canaries, setting: Setting) -> None:
        environ: Mapping[str, str] = servers.moto().environ
        hidden = {"AWS_SECRET_ACCESS_KEY": secrets.token_hex(24), "AWS_SESSION_TOKEN": secrets.token_hex(24)}
        for name, text in (environ | hidden).items():
            setting.monkeypatch.setenv(name, text)
        for what, text in hidden.items():
            canaries.add(what, text)
        self.client = servers.client
        self.path = f"faults{secrets.token_hex(6)}"
        self.name = f"{self.path}/key"
        self.resolver: Resolver = AwsResolver(batch=setting.cell.row.id == "batch")
        self._made = False

    def put(self, value: str, **other: str) -> None:
        text = json.dumps({"key": value, **other})
        with unheard():
            if self._made:
                self.client.put_secret_value(SecretId=self.path, SecretString=text)
            else:
                self.client.create_secret(Name=self.path, SecretString=text)
        self._made = True

    def delete(self) -> None:
        self.client.delete_secret(SecretId=self.path)

    def remove(self) -> None:
        self.client.delete_secret(SecretId=self.path, ForceDeleteWithoutRecovery=True)

    def lose_field(self) -> None:
        self.client.put_secret_value(SecretId=self.path, SecretString='{"other": "x"}')


class RealConjur:
    """One variable in the stand-in, which alice may read."""

    def __init__(self, server: ConjurServer, canaries: Canaries) -> None:
        self.server = server
        self.path = f"faults{secrets.token_hex(6)}"
        self.name = f"{self.path}/key"
        key = server.api_key("alice")
        canaries.add("api key", key)
        auth = {"method": "api_key", "login": "alice", "api_key": key}
        self.resolver: Resolver = ConjurResolver(url=server.url, account=server.account, auth=auth)
        self._made = False

    def put(self, value: str, **_: str) -> None:
        if self._made:
            self.server.set(self.name, value.encode())
        else:
            self.server.add_variable(self.name, value=value.encode(), readers=["alice"])
        self._made = True

    def put_beside(self, value: str, count: int) -> list[str]:
        """Write variables; return their names."""
        names = [f"{self.name}{number}" for number in range(count)]
        for name in names:
            self.server.add_variable(name, value=value.encode(), readers=["alice"])
        return names

    def logins(self) -> int:
        """Return how many logins there were."""
        return self.server.count("authenticate")

    def remove(self) -> None:
        self.server.remove(self.name)

    def deny(self) -> None:
        self.server.deny("alice", ["execute"], self.name)

    def revoke(self) -> None:
        self.server.revoke_tokens()


def enter(setting: Setting, servers: Servers, *, own: bool = False) -> None:
    """Put a value into the real backend of the cell, and make a store in front of it.

    Args:
        setting: Where it goes.
        servers: Those of the run.
        own: Start another server for this cell alone.
    """
    makers: dict[str, Callable[[], Any]] = {
        "vault": lambda: RealVault(_own(setting) if own else servers.bao(), setting.canaries),
        "aws": lambda: RealAws(servers, setting.canaries, setting),
        "conjur": lambda: RealConjur(setting.ends.enter_context(ConjurServer()), setting.canaries),
    }
    real = makers[setting.cell.backend]()
    setting.real, setting.resolver, setting.name = real, real.resolver, real.name
    rewrite(setting)
    setting.open()


def rewrite(setting: Setting) -> None:
    """Let the secret be another one."""
    text = new_text()
    setting.canaries.add("value", text)
    setting.value = text
    setting.real.put(text)


def _own(setting: Setting) -> OpenBao:
    bao = OpenBao()
    setting.ends.callback(bao.stop)
    return bao
