"""The settings: every key in them is a name."""

import os

from secretsource.integrations.django import fallbacks, secret

SECRET_KEY = secret("django/secret_key")
SECRET_KEY_FALLBACKS = fallbacks("django/secret_key_new", "django/secret_key_old")

if "DB_HOST" in os.environ:
    DATABASES = {
        "default": {
            "ENGINE": "secretsource.integrations.django.postgresql",
            "NAME": os.environ.get("DB_NAME", "shop"),
            "HOST": os.environ["DB_HOST"],
            "PORT": os.environ.get("DB_PORT", "5432"),
            "USER": secret("db/primary/user"),
            "PASSWORD": secret("db/primary/password"),
            "CONN_MAX_AGE": 60,
            "CONN_HEALTH_CHECKS": True,
        }
    }
else:  # a laptop
    DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "shop.sqlite3"}}

ALLOWED_HOSTS = ["127.0.0.1"]
ROOT_URLCONF = "examples.django.urls"
INSTALLED_APPS = ["django.contrib.sessions", "secretsource.integrations.django"]
MIDDLEWARE = ["django.contrib.sessions.middleware.SessionMiddleware"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
LOGGING = {"version": 1, "loggers": {"django.server": {"level": "WARNING"}}}
