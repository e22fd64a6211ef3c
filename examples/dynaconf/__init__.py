"""Settings of a shop in a file, which names its secrets and holds none."""
