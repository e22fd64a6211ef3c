"""Django: secrets in ``settings.py``, database engines that survive a rotation, and a check before deployment.

    from secretsource.integrations.django import secret

    SECRET_KEY = secret("django/secret_key")
    DATABASES = {
        "default": {
            "ENGINE": "secretsource.integrations.django.postgresql",
            "USER": secret("db/primary/username"),
            "PASSWORD": secret("db/primary/password"),
        }
    }

With ``"secretsource.integrations.django"`` in ``INSTALLED_APPS``, ``manage.py check --deploy`` tells of every secret of
the settings that cannot be read.
"""

from __future__ import annotations

from secretsource.integrations.django._fallbacks import Fallbacks, fallbacks
from secretsource.integrations.django._lazy import LazySecret, secret

__all__ = ["Fallbacks", "LazySecret", "fallbacks", "secret"]
