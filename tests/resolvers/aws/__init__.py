"""Tests of the AWS resolver."""
