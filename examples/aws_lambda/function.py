"""The function. It is deployed as it is, with `secretsource.toml` beside it."""

from secretsource import get_secret


def handler(event, _context):
    key = get_secret("pepipost/api_key")  # from the cache, unless it is older than the ttl
    return {"text": event["text"], "key": f"…{key.reveal()[-4:]}"}
