"""The `aws` of the environment: with the endpoint exported no call leaves this machine, and it
starts from anywhere.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.programs.recording_server import Recorder, recording

ROOT = Path(__file__).parents[2]
AWS = ROOT / "tools" / "set_up" / "aws"
EXPORTS = {
    "AWS_ACCESS_KEY_ID": "local",
    "AWS_SECRET_ACCESS_KEY": "local",
    "AWS_DEFAULT_REGION": "us-west-2",
    "AWS_MAX_ATTEMPTS": "1",
}
CALLS = (
    # version 1 has hosts of its own for the first two
    "rds describe-db-clusters --region us-east-1",
    "sqs purge-queue --queue-url https://sqs.us-west-2.amazonaws.com/123456789012/queue",
    "s3 ls s3://bucket",
    "sts get-caller-identity --profile theirs",
)
PROFILES = """\
[profile base]
aws_access_key_id = any
aws_secret_access_key = any
[profile theirs]
ignore_configured_endpoint_urls = true
region = eu-west-1
"""
KEYS = "aws_access_key_id = any\naws_secret_access_key = any\n"
ROLE = "role_arn = arn:aws:iam::123456789012:role/theirs\nsource_profile = base\n"


@pytest.fixture(scope="module")
def anywhere(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a checkout in a folder with a blank, a quote and a dollar in its name, whose environment
    has version 1.
    """
    checkout = tmp_path_factory.mktemp("it's a $folder")
    (checkout / ".venv" / "bin").mkdir(parents=True)
    programs = checkout / "tools" / "set_up"
    programs.mkdir(parents=True)
    shutil.copy(AWS, programs)
    (checkout / ".venv" / "bin" / "aws").symlink_to("../../tools/set_up/aws")
    python = checkout / ".venv" / "bin" / "python"
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    python.chmod(0o755)
    return checkout


@pytest.fixture
def proxy() -> Iterator[Recorder]:
    """Give a proxy: whatever asks for another host than this machine is seen there."""
    with recording() as recorder:
        yield recorder


@pytest.fixture
def endpoint() -> Iterator[Recorder]:
    """Give what stands for localaws."""
    with recording() as recorder:
        yield recorder


def run(
    program: Path, line: str, folder: Path, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run a line of `aws` in a folder, with this environment and the exported credentials."""
    return subprocess.run(
        [program, *line.split()],
        cwd=folder,
        env={"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": str(folder), **EXPORTS, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


@pytest.mark.parametrize("version", ["1", "as installed"])
def test_no_call_leaves_while_the_endpoint_is_exported(
    anywhere: Path, tmp_path: Path, endpoint: Recorder, proxy: Recorder, version: str
) -> None:
    """Every call reaches the endpoint, whatever its service, region and profile, and whatever
    proxies the shell names.
    """
    (tmp_path / "config").write_text(PROFILES + KEYS)
    program = anywhere / ".venv" / "bin" / "aws" if version == "1" else AWS
    shell = dict.fromkeys(
        ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy"), proxy.endpoint
    )
    shell |= {"AWS_ENDPOINT_URL": endpoint.endpoint, "AWS_CONFIG_FILE": str(tmp_path / "config")}
    with ThreadPoolExecutor(2) as pool:
        ran = list(pool.map(lambda line: run(program, line, tmp_path, **shell), CALLS))

    assert (len(CALLS), []) == (len(endpoint.seen), proxy.seen), [call.stderr for call in ran]


def test_a_profile_whose_role_is_elsewhere_is_not_asked_for(
    tmp_path: Path, endpoint: Recorder, proxy: Recorder
) -> None:
    """A profile's role is not assumed at the real STS: the call fails on this machine."""
    (tmp_path / "config").write_text(PROFILES + ROLE)
    shell = {"HTTPS_PROXY": proxy.endpoint, "AWS_ENDPOINT_URL": endpoint.endpoint}
    ran = run(
        AWS,
        "rds describe-db-clusters --profile theirs",
        tmp_path,
        AWS_CONFIG_FILE=str(tmp_path / "config"),
        **shell,
    )

    assert ([], False) == (proxy.seen, ran.returncode == 0)


def test_without_the_endpoint_the_proxy_of_the_shell_is_used(
    tmp_path: Path, proxy: Recorder
) -> None:
    """Without the exported endpoint the shell's own proxy leads to the real AWS."""
    run(AWS, "sts get-caller-identity", tmp_path, HTTPS_PROXY=proxy.endpoint)

    assert ["CONNECT sts.us-west-2.amazonaws.com:443"] == proxy.seen


def test_the_command_line_starts_from_a_folder_with_any_name(anywhere: Path) -> None:
    """`aws` starts by its path and by a link to it, from any folder."""
    link = anywhere / "a link"
    link.symlink_to(anywhere / ".venv" / "bin" / "aws")
    output = [
        run(path, "--version", Path("/")).stdout.split("/")[0]
        for path in (anywhere / ".venv/bin/aws", link)
    ]

    assert ["aws-cli", "aws-cli"] == output


def test_the_environment_has_this_program() -> None:
    """The environment that `make` sets up has this `aws` first on the path that the README
    exports.
    """
    assert AWS == (Path(os.path.abspath(sys.executable)).parent / "aws").resolve()  # noqa: PTH100  # not its target
