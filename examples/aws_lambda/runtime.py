"""What AWS does with the function: import it once, then call its handler for each event that comes in."""

import json
import sys

from function import handler

for line in sys.stdin:
    print(json.dumps(handler(json.loads(line), None)), flush=True)
