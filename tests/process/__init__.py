"""Processes, threads and event loops, in real programs against real servers."""
