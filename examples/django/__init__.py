"""A Django project whose keys and database login are secrets."""
