"""An application that asks PostgreSQL, whose password changes while it runs."""
