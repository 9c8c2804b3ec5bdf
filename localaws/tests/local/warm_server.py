"""A server with one warm worker, as a program: prints the port and the worker's process id, then
waits to be ended.
"""

import io
import json
import signal
import sys
import zipfile

import boto3
from localaws.lambda_http import RUNTIME
from localaws.server import Server

LAMBDA = {
    "Effect": "Allow",
    "Principal": {"Service": "lambda.amazonaws.com"},
    "Action": "sts:AssumeRole",
}
TRUST = json.dumps({"Version": "2012-10-17", "Statement": [LAMBDA]})


def zipped(source: str) -> bytes:
    """Return a package with one module, `app`."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("app.py", source)
    return content.getvalue()


def create_function(endpoint: str, name: str, source: str, *, region: str = "us-west-2") -> None:
    """Deploy a function from its source, without Chalice."""
    session = boto3.Session(
        aws_access_key_id="any", aws_secret_access_key="any", region_name=region
    )
    role = session.client("iam", endpoint_url=endpoint).create_role(
        RoleName=name, AssumeRolePolicyDocument=TRUST
    )
    session.client("lambda", endpoint_url=endpoint).create_function(
        FunctionName=name,
        Runtime=RUNTIME,
        Role=role["Role"]["Arn"],
        Handler="app.handler",
        Code={"ZipFile": zipped(source)},
        Timeout=60,  # Lambda's default of 3 s is little for a first import on a busy machine
    )


def main() -> None:
    """Run until a signal ends it."""
    server = Server(0, sys.argv[1])
    server.start()
    create_function(server.endpoint, "hello", "def handler(event, context):\n    return event\n")
    session = boto3.Session(
        aws_access_key_id="any", aws_secret_access_key="any", region_name="us-west-2"
    )
    session.client("lambda", endpoint_url=server.endpoint).invoke(
        FunctionName="hello", Payload="{}"
    )
    sys.stdout.write(
        json.dumps({"endpoint": server.endpoint, "workers": server.functions.process_ids}) + "\n"
    )
    sys.stdout.flush()
    signal.signal(signal.SIGTERM, lambda _signal, _frame: sys.exit(0))
    try:
        signal.pause()
    finally:
        server.stop()


if __name__ == "__main__":
    main()
