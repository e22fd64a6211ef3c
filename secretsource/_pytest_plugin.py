"""The pytest plugin: fixtures for tests that need secrets."""
