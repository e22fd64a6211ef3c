"""Tests of the resolvers, each against the server it asks."""
