"""What a typed Flask app writes."""

from __future__ import annotations

from typing import assert_type

from flask import Flask
from werkzeug.exceptions import ServiceUnavailable

from secretsource import BackendUnavailable, Store, secret
from secretsource.integrations.flask import SecretSource, backend_unavailable
from secretsource.testing import MemoryResolver

store = Store([MemoryResolver()])
app = Flask(__name__)
app.config["PEPIPOST_KEY"] = secret("pepipost/api_key")

SecretSource(app)
secrets = SecretSource(secrets={"PEPIPOST_KEY": "pepipost/api_key"}, store=store)
assert_type(secrets.init_app(app), None)
assert_type(secrets.prefetch(app, timeout=5), None)
assert_type(secrets.store, Store)
app.register_error_handler(BackendUnavailable, backend_unavailable)
assert_type(backend_unavailable(BackendUnavailable()), ServiceUnavailable)

SecretSource(app, store)  # type: ignore[call-arg, arg-type]
SecretSource(secrets={"PEPIPOST_KEY": secret("pepipost/api_key")})  # type: ignore[dict-item]
