"""The application: it sends a mail, and does not know where its key lives."""

import json
import urllib.error
import urllib.request

from secretsource import get_secret


def send_mail(service: str) -> str:
    """Send one mail through *service* and return what it said."""
    mail = {
        "from": {"email": "shop@example.com"},
        "subject": "Your order",
        "content": [{"type": "html", "value": "It is on its way."}],
        "personalizations": [{"to": [{"email": "customer@example.com"}]}],
    }
    request = urllib.request.Request(
        f"{service}/v5/mail/send",
        data=json.dumps(mail).encode(),
        headers={"api_key": get_secret("pepipost/api_key"), "Content-Type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return f"{answer.status} accepted"
    except urllib.error.HTTPError as error:
        return f"{error.code} refused"
