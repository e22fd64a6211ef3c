"""Tests of the Vault resolver."""
