"""The settings, for the whole shop: ``from examples.dynaconf.config import settings``."""

from pathlib import Path

from dynaconf import Dynaconf, Validator

from secretsource.integrations.dynaconf import LOADERS

settings = Dynaconf(
    settings_files=[Path(__file__).with_name("settings.toml")],
    environments=True,
    env_switcher="SHOP_ENV",
    envvar_prefix="SHOP",
    loaders=LOADERS,
    validators=[Validator("STRIPE_KEY", "DB_PASSWORD", must_exist=True), Validator("STRIPE_KEY", len_min=8)],
)
