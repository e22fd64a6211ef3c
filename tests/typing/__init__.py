"""Files that are only checked by mypy: they pin the public types."""
