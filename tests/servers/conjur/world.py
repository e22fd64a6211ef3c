"""All the state behind the stand-in, in one place."""

from threading import RLock

from .clock import Clock
from .credentials import Credentials
from .database import Database
from .host_factories import FactoryTokens
from .names import full_id
from .policy_loading import PolicyLoader
from .store import Resource, Store
from .tokens import Tokens


class World:
    """One Conjur account.

    Attributes:
        lock: held while a request is answered or a test changes something.
        enabled: the authenticators that are switched on, `authn` among them.
    """

    def __init__(self, account: str, policy: str, token_life: float) -> None:
        self.account = account
        self.lock = RLock()
        self.clock = Clock()
        self.database = Database()
        self.store = Store()
        self.credentials = Credentials()
        self.tokens = Tokens(self.clock, token_life)
        self.factory_tokens = FactoryTokens(self.clock)
        self.enabled = {"authn"}
        self.policies = PolicyLoader(account, self.store, self.credentials, self.clock)
        self.policies.bootstrap()
        self.load_policy(policy)

    def load_policy(self, text: str) -> None:
        """Load a document at the root."""
        root = self.policies.root
        self.policies.load(root, self.policies.read(root, text))

    def find(self, kind: str, identifier: str) -> Resource | None:
        """Return a resource of this account, if it exists."""
        return self.store.resources.get(full_id(self.account, kind, identifier))

    def variable_text(self, identifier: str) -> str:
        """Return the newest value of a variable as text; empty when there is none."""
        variable = self.find("variable", identifier)
        return ((variable and variable.versions.get()) or b"").decode(errors="replace")
