"""The partition of AWS that a region belongs to, as ARNs begin with it."""

from __future__ import annotations

import os

__all__ = ["partition_of", "region_known"]

_PARTITIONS = {
    "cn-": "aws-cn",
    "us-gov-": "aws-us-gov",
    "us-isob-": "aws-iso-b",
    "us-isof-": "aws-iso-f",
    "us-iso-": "aws-iso",
    "eu-isoe-": "aws-iso-e",
    "eusc-": "aws-eusc",
}


def partition_of(region: str) -> str:
    """Return the partition, such as ``aws`` or ``aws-cn``."""
    return next((each for start, each in _PARTITIONS.items() if region.startswith(start)), "aws")


def region_known(region: str | None) -> str:
    """Return the region that is configured or that a variable names, else ``REGION``; files are not looked at."""
    return region or os.environ.get("AWS_DEFAULT_REGION") or os.environ.get("AWS_REGION") or "REGION"
