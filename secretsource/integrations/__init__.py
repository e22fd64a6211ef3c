"""One thin module for each framework, named after it. They use the public API only, and import nobody else's framework.

Nothing of them is imported by ``import secretsource``. Each takes ``store=``, the `Store` to read from; without it, it
reads from the process-wide one of the moment, so that `secretsource.testing.override` works in tests.
"""
