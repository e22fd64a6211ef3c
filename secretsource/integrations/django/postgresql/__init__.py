"""The engine for PostgreSQL: ``ENGINE = "secretsource.integrations.django.postgresql"``."""
