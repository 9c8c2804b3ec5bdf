"""Commands in forks of a process that has imported the program: starting takes longer than most.

Each is `python -m` in a process of its own, with its arguments, environment and streams. The
process that forks has one thread. It ends with its input.
"""

import atexit
import gc
import json
import os
import runpy
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

SECONDS_MAX = 120
MODULE = "aurora_restore"
SERVICES = (
    "cloudformation", "cloudwatch", "dynamodb", "ec2", "events", "iam", "kms", "lambda", "logs",
    "rds", "s3", "secretsmanager", "sns", "sqs", "ssm", "sts",
)  # fmt: skip


def run_forked(
    arguments: Sequence[str], folder: Path, environment: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    """Run `python -m aurora_restore` in a folder, with nothing to read."""
    with TemporaryDirectory() as streams:
        out, err = Path(streams, "out"), Path(streams, "err")
        command = {
            "arguments": list(arguments),
            "folder": str(folder),
            "environment": dict(environment),
            "streams": [os.devnull, str(out), str(err)],
        }
        status = _ask(json.dumps(command))
        return subprocess.CompletedProcess(arguments, status, out.read_text(), err.read_text())


def _ask(command: str) -> int:
    process = _forking()
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(f"{command}\n")
    process.stdin.flush()
    return int(process.stdout.readline())


@cache
def _forking() -> subprocess.Popen[str]:
    """Start the process that forks, once in a process of tests."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.deployment.forked_commands"],
        cwd=Path(__file__).parents[2],
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    atexit.register(process.communicate)
    return process


# --- in the process that forks ---


def import_program() -> None:
    """Import what the commands import, and read the models of services that they read."""
    from aurora_restore.account.reading_clients import new_session  # noqa: PLC0415  # not in the tests' own
    from aurora_restore.cli import verbs  # noqa: F401, PLC0415

    keys = {"aws_access_key_id": "any", "aws_secret_access_key": "any"}
    session = new_session()
    for service in SERVICES:
        session.client(service, region_name="us-west-2", **keys)
    gc.freeze()


def fork_for_each_command() -> dict[str, Any] | None:
    """Run what the input names, a line each; return a command in its fork, and None at the end."""
    for line in sys.stdin:
        child = os.fork()
        if not child:
            return dict(json.loads(line))
        _, ended = os.waitpid(child, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(ended)}\n")
        sys.stdout.flush()
    return None


def become(command: Mapping[str, Any]) -> None:
    """Be the command; this process then ends as Python ends any other."""
    signal.alarm(SECONDS_MAX)
    for number, stream in enumerate(command["streams"]):
        flags = os.O_WRONLY | os.O_CREAT if number else os.O_RDONLY
        os.dup2(os.open(stream, flags, 0o600), number)
    os.chdir(command["folder"])
    os.environ.clear()
    os.environ.update(command["environment"])
    sys.argv[1:] = command["arguments"]
    runpy.run_module(MODULE, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    import_program()
    if wanted := fork_for_each_command():
        become(wanted)
