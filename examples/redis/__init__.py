"""An application that counts in Redis, whose password changes while it runs."""
