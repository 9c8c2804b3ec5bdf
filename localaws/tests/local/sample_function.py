"""A Chalice app of a few lines, to be really deployed."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

ENTRY_POINT = "import sys; from chalice.cli import main; sys.exit(main())"

SOURCE = """
import json, os, sys, time
import boto3
from chalice import Chalice

app = Chalice(app_name="tiny")
queue = os.environ["QUEUE"]

def tell(**facts):
    boto3.client("sqs").send_message(QueueUrl=queue, MessageBody=json.dumps(facts))

@app.on_cw_event({"source": ["tiny.echo"]}, name="echo")
def echo(event):
    modules = sorted(sys.path)
    tell(event=event.to_dict(), colour=os.environ["COLOUR"], modules=modules, process=os.getpid())

@app.on_cw_event({"source": ["tiny.fail"]}, name="fail")
def fail(event):
    tell(attempt=event.context.aws_request_id)
    raise ValueError("This function always fails.")

@app.on_cw_event({"source": ["tiny.sleep"]}, name="slow")
def slow(event):
    left = event.context.get_remaining_time_in_millis()
    tell(began=event.context.aws_request_id, milliseconds=left)
    time.sleep(600)

@app.schedule("rate(5 minutes)", name="tick")
def tick(event):
    tell(ticked=event.to_dict())

@app.lambda_function(name="ask")
def ask(event, context):
    if event.get("end") == "exit":
        os._exit(3)
    if event.get("end") == "raise":
        raise LookupError("Nothing is there.")
    if event.get("pause"):
        tell(paused=os.getpid())
        time.sleep(event["pause"])
    names = ["function_name", "function_version", "invoked_function_arn", "memory_limit_in_mb"]
    names.append("log_group_name")
    print("asked", event.get("what"))
    documented = {name: getattr(context, name) for name in names}
    return {"process": os.getpid(), "environment": dict(os.environ), "context": documented}
"""

POLICY = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": ["sqs:SendMessage", "logs:*"], "Resource": "*"}],
}


def write_app(folder: Path, *, queue: str, colour: str = "blue") -> Path:
    """Write the app and its configuration into a folder and return it."""
    settings = folder / ".chalice"
    settings.mkdir(parents=True, exist_ok=True)
    stage = {
        "autogen_policy": False,
        "iam_policy_file": "policy.json",
        "environment_variables": {"QUEUE": queue, "COLOUR": colour},
        "lambda_functions": {"slow": {"lambda_timeout": 1}, "fail": {"lambda_timeout": 10}},
    }
    (settings / "config.json").write_text(
        json.dumps({"version": "2.0", "app_name": "tiny", "stages": {"local": stage}})
    )
    (settings / "policy.json").write_text(json.dumps(POLICY))
    (folder / "app.py").write_text(SOURCE)
    (folder / "requirements.txt").write_text("")
    return folder


def deploy(folder: Path, environment: Mapping[str, str]) -> None:
    """Run the real `chalice deploy`."""
    command = [sys.executable, "-c", ENTRY_POINT, "deploy", "--stage", "local"]
    done = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
