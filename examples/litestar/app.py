"""The application: it makes links to invoices, and opens an invoice only for a link that it has made."""

import hashlib
import hmac

from litestar import Litestar, get
from litestar.di import NamedDependency
from litestar.exceptions import PermissionDeniedException
from litestar.params import FromPath, FromQuery

from secretsource import BackendUnavailable
from secretsource.integrations.litestar import SecretSourcePlugin, backend_unavailable


def signature_of(number: int, key: str) -> str:
    return hmac.new(key.encode(), str(number).encode(), hashlib.sha256).hexdigest()


@get("/links/{number:int}", sync_to_thread=False)
def make_link(number: FromPath[int], link_key: NamedDependency[str]) -> str:
    return f"/invoices/{number}?signature={signature_of(number, link_key)}"


@get("/invoices/{number:int}")
async def show(number: FromPath[int], signature: FromQuery[str], link_key: NamedDependency[str]) -> str:
    if not hmac.compare_digest(signature, signature_of(number, link_key)):
        raise PermissionDeniedException("this link is not ours, or it has ended")
    return f"invoice {number}"


app = Litestar(
    [make_link, show],
    plugins=[SecretSourcePlugin({"link_key": "shop/link_key"})],
    exception_handlers={BackendUnavailable: backend_unavailable},
    logging_config=None,
)
