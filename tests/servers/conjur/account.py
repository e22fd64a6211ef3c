"""What a test can change and ask behind the server's back."""

import base64
from collections.abc import Iterable, Mapping

from . import jwts
from .database import Database
from .names import full_id, role_of
from .store import Resource
from .world import World

_ISSUER = "https://issuer.example"
_AUDIENCE = "conjur"


class Account:
    """One Conjur account, without the network.

    Roles are named as they log in, `alice` or `host/app/web`; variables by their id without account and kind.
    Wherever either is wanted, a full id such as `demo:group:readers` or `demo:policy:db` does too.
    """

    def __init__(self, account: str, policy: str, token_life: float) -> None:
        self.account = account
        self.world = World(account, policy, token_life)

    # Roles and tokens

    def api_key(self, role: str) -> str:
        """Return the present API key of a role."""
        return self.world.credentials.key(self._role(role))

    def rotate_api_key(self, role: str) -> str:
        """Give a role a new API key and return it; tokens got with the old one live on."""
        with self.world.lock:
            return self.world.credentials.rotate(self._role(role))

    def token(self, login: str) -> str:
        """Return a new token for *login*, ready for the header."""
        return base64.b64encode(self.world.tokens.issue(login).encode()).decode()

    def revoke_tokens(self) -> None:
        """Make every token issued so far invalid."""
        with self.world.lock:
            self.world.tokens.revoke_all()

    @property
    def token_life(self) -> float:
        """How long new tokens live, in whole seconds."""
        return self.world.tokens.life

    @token_life.setter
    def token_life(self, seconds: float) -> None:
        self.world.tokens.life = seconds

    def advance(self, seconds: float) -> None:
        """Push the server's clock forward: tokens run out without a wait."""
        self.world.clock.advance(seconds)

    # Variables and privileges

    def set(self, variable: str, value: bytes) -> None:
        """Set the value of a variable that exists."""
        with self.world.lock:
            self._resource(variable).versions.set(value)

    def add_variable(
        self,
        variable: str,
        value: bytes | None = None,
        readers: Iterable[str] = (),
        annotations: Mapping[str, str] | None = None,
    ) -> None:
        """Make a variable that *readers* may see and fetch, with a value unless it is to be without one."""
        full = self._full("variable", variable)
        with self.world.lock:
            owner = full_id(self.account, "user", "admin")
            root = self.world.policies.root
            self.world.store.add(Resource(full, owner, self.world.clock.now(), root, dict(annotations or {})))
            for role in readers:
                self.permit(role, ("read", "execute"), variable)
            if value is not None:
                self.set(variable, value)

    def remove(self, variable: str) -> None:
        """Remove a variable with all its versions."""
        with self.world.lock:
            self.world.store.remove(self._resource(variable).id)

    def permit(self, role: str, privileges: Iterable[str], variable: str) -> None:
        """Give a role privileges on a variable."""
        with self.world.lock:
            self.world.store.permit(self._role(role), privileges, self._resource(variable).id)

    def deny(self, role: str, privileges: Iterable[str], variable: str) -> None:
        """Take privileges that a role was given itself.

        Raises:
            ValueError: when the role still has one of them, through a group or as the owner.
        """
        wanted = tuple(privileges)
        with self.world.lock:
            resource, full = self._resource(variable), self._role(role)
            self.world.store.deny(full, wanted, resource.id)
            left = [one for one in wanted if self.world.store.allowed(full, one, resource)]
        if left:
            raise ValueError(f"{role} still has {', '.join(left)} through another role; deny it there")

    def load_policy(self, text: str) -> None:
        """Load a policy document at the root, in addition to what is there."""
        with self.world.lock:
            self.world.load_policy(text)

    # Other authenticators

    def enable_ldap(self, service: str, passwords: Mapping[str, str]) -> None:
        """Switch on LDAP for the roles that are in the directory, each with its password there."""
        name = f"conjur/authn-ldap/{service}"
        webservice = full_id(self.account, "webservice", name)
        if webservice not in self.world.store.resources:
            self.load_policy(f"- !policy\n  id: {name}\n  body: [ !webservice ]\n")
        for login in passwords:
            self.permit(login, ("read", "authenticate"), webservice)
        self.world.credentials.set_directory(service, passwords)
        self.world.enabled.add(f"authn-ldap/{service}")

    def enable_trusted(self, authenticator: str, logins: Mapping[str, str]) -> None:
        """Switch on an authenticator that asks a service outside of Conjur, such as `authn-oidc/okta`.

        Args:
            authenticator: Its kind and its service, if it has one.
            logins: What the service outside vouches for: a login for each token, or for each access key of AWS.
        """
        name = f"conjur/{authenticator}"
        webservice = full_id(self.account, "webservice", name)
        if webservice not in self.world.store.resources:
            self.load_policy(f"- !policy\n  id: {name}\n  body: [ !webservice ]\n")
        for login in logins.values():
            self.permit(login, ("read", "authenticate"), webservice)
        self.world.credentials.set_trusted(authenticator, logins)
        self.world.enabled.add(authenticator)

    def enable_jwt(self, service: str = "ci", claim: str = "workload", path: str = "app") -> None:
        """Switch on the JWT authenticator that a policy made: *claim* names a host below *path*."""
        settings = {
            "public-keys": jwts.new_key_set(),
            "issuer": _ISSUER,
            "audience": _AUDIENCE,
            "token-app-property": claim,
            "identity-path": path,
        }
        for name, value in settings.items():
            self.set(f"conjur/authn-jwt/{service}/{name}", value.encode())
        self.world.enabled.add(f"authn-jwt/{service}")

    def issue_jwt(self, claims: Mapping[str, object], *, service: str = "ci", life: float = 300.0) -> str:
        """Sign a JWT that the authenticator *service* trusts; a life below 0 makes one that ran out."""
        keys = self.world.variable_text(f"conjur/authn-jwt/{service}/public-keys")
        return jwts.issue(self.world.clock, keys, {"iss": _ISSUER, "aud": _AUDIENCE, **claims}, life=life)

    # The database

    @property
    def database(self) -> Database:
        """Its `pooled_connections` says how many answers fail once it is back."""
        return self.world.database

    @property
    def database_down(self) -> bool:
        """Whether the database is stopped."""
        return self.world.database.down

    @database_down.setter
    def database_down(self, down: bool) -> None:
        with self.world.lock:
            self.world.database.down = down

    # Names

    def _role(self, role: str) -> str:
        return role if role.startswith(f"{self.account}:") else role_of(self.account, role)

    def _full(self, kind: str, name: str) -> str:
        return name if name.startswith(f"{self.account}:") else full_id(self.account, kind, name)

    def _resource(self, variable: str) -> Resource:
        return self.world.store.resources[self._full("variable", variable)]
