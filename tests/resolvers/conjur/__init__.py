"""Tests of the Conjur resolver against the stand-in, which is held to a real Conjur's recorded answers."""
