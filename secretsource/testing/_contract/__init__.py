"""The contract that every resolver keeps, as tests to inherit."""

from __future__ import annotations

from secretsource.testing._contract.batches import BatchTests
from secretsource.testing._contract.hooks import leave_out
from secretsource.testing._contract.names import NameTests
from secretsource.testing._contract.optional import OptionalTests
from secretsource.testing._contract.process import ProcessTests
from secretsource.testing._contract.secrecy import SecrecyTests
from secretsource.testing._contract.served import ServedTests
from secretsource.testing._contract.values import ValueTests
from secretsource.testing._contract.writes import WriteTests

__all__ = ["ResolverContract"]


class ResolverContract(
    NameTests, ValueTests, BatchTests, ProcessTests, SecrecyTests, OptionalTests, WriteTests, ServedTests
):
    """Tests that prove a resolver. Inherit from it in a test file, under a name that pytest collects.

        class TestOurResolver(ResolverContract):
            binary = False

            @pytest.fixture(autouse=True)
            def _server(self, our_server):
                self.server = our_server

            def make_resolver(self):
                return OurResolver("ours", url=self.server.url)

            def put(self, name, value):
                path, _, field = name.rpartition("/")
                self.server.write(path or field, field, value)

            def remove(self, name):
                ...

    To fill in:

    - ``make_resolver()`` returns a new resolver, with connections of its own. It is closed after each test.
    - ``put(name, value)`` stores a value where the resolver looks for a name, beside other fields of its document.
    - ``remove(name)`` deletes it.

    Where the backend has it:

    - ``deny(name)`` lets the resolver's login be denied a name that was put. The resolver that asks is made afterwards,
      so it may also switch to another login or server.
    - ``reference(name, *, version=None)`` returns an explicit reference to what ``put`` stores under a name.
    - ``credentials()`` returns passwords and tokens, which must not show up in anything printed either.
    - ``lend(name, value, seconds)`` stores a value that is lent for so long, where the resolver has ``renew``.

    For a resolver that speaks HTTP, these two bring the tests of a server that goes wrong: that hangs, drips,
    redirects, answers nonsense, and repeats all it knows in its errors.

    - ``make_resolver_at(url)`` returns a resolver that asks another server.
    - ``play(server, name, value)`` lets a `FaultyServer` answer logins and a read of *name* well, and returns the path
      that a read goes to.
    - ``untrusted_context()`` returns an `ssl.SSLContext` with a certificate that the resolver does not trust.

    Class attributes say what the backend cannot do; tests that it cannot pass are then not collected:

    - ``binary = False``: it holds text only. Bytes are put under names of one segment.
    - ``stores_nul = False``: bytes have no zero among them.
    - ``stores_empty = False``: it has no empty values.
    - ``keeps_line_end = False``: a single line end at the end of a value is dropped, on purpose.
    - ``documents = False``: ``document=True`` is not supported.
    - ``versions = True``: answers tell their version, and ``reference`` can name one.
    - ``own_404 = False``: a 404 of the backend looks like anybody's.
    - ``any_body = True``: whatever a 200 holds is a value, so that only HTML, a 204 and what is cut are broken.
    - ``compares = True``: ``put`` can be told which version it replaces.
    - ``timeout``: the seconds that a fetch may take, 10.

    And what the resolver can do beside reading, each of which is proved as well; one that it does not tell of is an
    error:

    - ``batches = True``: it has ``fetch_many``.
    - ``fresh = True``: it has ``fetch_fresh``.
    - ``writes = True``: it has ``put``.
    - ``checks = True``: it has ``check``.
    - ``policies = True``: it has ``policy_for``.

    Every name is used by one test only, so nothing needs to be cleaned up between tests. What a test puts is made at
    run time, and hidden from tracebacks.
    """

    def __init_subclass__(cls) -> None:
        """Leave out the tests of what the backend does not have."""
        super().__init_subclass__()
        leave_out(cls)
