"""The engine for MySQL and MariaDB: ``ENGINE = "secretsource.integrations.django.mysql"``."""
