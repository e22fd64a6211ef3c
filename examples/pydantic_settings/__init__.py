"""Settings of a shop: plain ones from the environment, secrets from the chain of secretsource."""
