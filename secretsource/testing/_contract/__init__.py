"""The contract that every resolver keeps, as tests to inherit."""

from __future__ import annotations

from secretsource.testing._contract.batches import BatchTests
from secretsource.testing._contract.hooks import leave_out
from secretsource.testing._contract.names import NameTests
from secretsource.testing._contract.process import ProcessTests
from secretsource.testing._contract.secrecy import SecrecyTests
from secretsource.testing._contract.values import ValueTests

__all__ = ["ResolverContract"]


class ResolverContract(NameTests, ValueTests, BatchTests, ProcessTests, SecrecyTests):
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

    Class attributes say what the backend cannot do; tests that it cannot pass are then not collected:

    - ``binary = False``: it holds text only. Bytes are put under names of one segment.
    - ``stores_nul = False``: bytes have no zero among them.
    - ``stores_empty = False``: it has no empty values.
    - ``keeps_line_end = False``: a single line end at the end of a value is dropped, on purpose.
    - ``documents = False``: ``document=True`` is not supported.
    - ``versions = True``: answers tell their version, and ``reference`` can name one.
    - ``batches = True``: the resolver has ``fetch_many``, and it is proved as well.
    - ``timeout``: the seconds that a fetch may take, 10.

    Every name is used by one test only, so nothing needs to be cleaned up between tests. What a test puts is made at
    run time, and hidden from tracebacks.
    """

    def __init_subclass__(cls) -> None:
        """Leave out the tests of what the backend does not have."""
        super().__init_subclass__()
        leave_out(cls)
