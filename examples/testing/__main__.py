"""Run the tests of an application, with pytest and with unittest.

pip install -r examples/testing/requirements.txt
python -m examples.testing
"""

import os
import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).parent


def main():
    # No settings but those of this example.
    alone = ["-c", os.devnull, "--rootdir", str(FOLDER), "-p", "no:cacheprovider", "-p", "no:asyncio"]
    for command in (
        ["pytest", "-q", *alone, str(FOLDER)],
        ["unittest", "-q", "examples.testing.test_with_unittest"],
    ):
        subprocess.run([sys.executable, "-m", *command], cwd=FOLDER.parents[1], check=True)
    print("done")


if __name__ == "__main__":
    main()
