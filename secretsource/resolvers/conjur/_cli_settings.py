"""What Conjur's CLI was told by ``conjur init``."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["NOTHING", "Conjurrc"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Conjurrc:
    """What the file says; empty texts where it says nothing. The address is masked until it is checked."""

    path: str = ""
    url: str = ""
    account: str = ""
    cert_file: str = ""
    authn_type: str = ""
    service_id: str = ""
    netrc_path: str = ""


NOTHING = Conjurrc()
