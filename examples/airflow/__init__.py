"""A DAG whose connection and variable come from secretsource."""
