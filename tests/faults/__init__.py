"""Every fault of a backend, a network or a process, tried one by one; `make faults` publishes what was seen."""
