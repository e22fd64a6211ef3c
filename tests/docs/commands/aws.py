"""`aws SERVICE OPERATION --option value`, whose operations and options are those of the model that boto3 has too."""

import json
import sys

import boto3

service, operation, *options = sys.argv[1:]
asked = {
    "".join(part.title() for part in option.removeprefix("--").split("-")): value
    for option, value in zip(options[::2], options[1::2], strict=True)
}
client = boto3.session.Session().client(service)  # any service
answer = getattr(client, operation.replace("-", "_"))(**asked)
answer.pop("ResponseMetadata")
sys.stdout.write(json.dumps(answer, default=str) + "\n")
client.close()
