"""JSON Web Tokens with a key made at run time, as an identity provider signs them."""

from __future__ import annotations

import base64
import json
import time

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

__all__ = ["Issuer"]


class Issuer:
    """Signs tokens.

    Args:
        name: The claim ``iss``.
    """

    def __init__(self, name: str = "https://issuer.example") -> None:
        self.name = name
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)

    @property
    def public_key(self) -> str:
        """The key that verifies its tokens, in PEM form."""
        pem = self._key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        return pem.decode()

    def issue(self, *, lives: float = 60, **claims: object) -> str:
        """Return a token with these claims.

        Args:
            lives: Seconds; less than 0 for one that has expired.
            **claims: In place of the usual ones, or beside them.
        """
        now = int(time.time())
        usual = {"iss": self.name, "iat": now - 300, "nbf": now - 300, "exp": now + lives}
        signed = ".".join(_encoded(json.dumps(part).encode()) for part in (_HEADER, usual | claims))
        signature = self._key.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256())
        return f"{signed}.{_encoded(signature)}"


_HEADER = {"alg": "RS256", "typ": "JWT"}


def _encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
