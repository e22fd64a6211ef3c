"""A Litestar application that gives out links which end, signed with a key that may change."""
