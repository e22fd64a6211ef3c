"""Every code block of the documentation is run or checked."""
