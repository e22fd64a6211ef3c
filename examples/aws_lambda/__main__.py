"""Freeze a Lambda function between two invocations, as AWS does, and rotate its key meanwhile.

pip install -r examples/aws_lambda/requirements.txt
python -m examples.aws_lambda
"""

import json
import os
import secrets
import signal
import subprocess
import sys
import time
from pathlib import Path

from examples.aws_lambda.extension import Extension

FOLDER = Path(__file__).parent


def main():
    with Extension("pepipost", {"api_key": secrets.token_hex(16)}) as extension:
        function = subprocess.Popen(
            [sys.executable, "runtime.py"],
            cwd=FOLDER,
            env=os.environ
            | {
                "PARAMETERS_SECRETS_EXTENSION_HTTP_PORT": str(extension.port),
                "AWS_SESSION_TOKEN": secrets.token_hex(16),
            },
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        with function:
            invoke(function, extension, "the first invocation asks the extension")
            invoke(function, extension, "the second one has it in its cache")
            function.send_signal(signal.SIGSTOP)
            extension.rotate({"api_key": secrets.token_hex(16)})
            time.sleep(1.5)
            function.send_signal(signal.SIGCONT)
            invoke(function, extension, "after 1.5 s in the freezer it asks again")
            function.stdin.close()
    print("done")


def invoke(function, extension, text):
    before = extension.requests
    function.stdin.write(json.dumps({"text": text}) + "\n")
    function.stdin.flush()
    said = json.loads(function.stdout.readline())
    right = said["key"] == f"…{extension.fields['api_key'][-4:]}"
    asked = extension.requests - before
    print(f"{said['text']:<42} requests: {asked}  the key of now: {'yes' if right else 'no'}")


if __name__ == "__main__":
    main()
