"""The app: it counts the visits of each person in the session."""

from flask import Flask, session

from secretsource import BackendUnavailable, secret
from secretsource.integrations.flask import SecretSource, backend_unavailable


def create_app() -> Flask:
    app = Flask(__name__)
    app.config["SECRET_KEY"] = secret("shop/session_key")
    app.config["SECRET_KEY_FALLBACKS"] = [
        secret("shop/session_key_next"),
        secret("shop/session_key_previous"),
    ]
    app.register_error_handler(BackendUnavailable, backend_unavailable)
    SecretSource(app).prefetch(app)

    @app.get("/")
    def index() -> str:
        session["visits"] = session.get("visits", 0) + 1
        return f"visit {session['visits']}"

    return app
