"""How fast secretsource is beside the peers, measured in one run: `make bench`."""
