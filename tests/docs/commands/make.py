"""`make TARGET`: whether there is such a target. Tests do not run make, which runs tests."""

import re
import sys
from pathlib import Path

makefile = Path(__file__).parents[3] / "Makefile"
known = re.findall(r"^([a-z]+):", makefile.read_text(), re.MULTILINE)
for target in sys.argv[1:]:
    assert target in known or "=" in target, (target, known)
