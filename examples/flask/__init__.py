"""A Flask app whose session key is a secret, and changes while people are logged in."""
