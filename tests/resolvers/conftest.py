"""What all tests of resolvers share."""

from tests.botocore_models import parse_models_once

__all__ = ["parse_models_once"]
