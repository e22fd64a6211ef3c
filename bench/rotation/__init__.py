"""Requests under load while the password behind them is rotated: how many of them fail. `make rotation`."""
