"""The contract of Aurora once more, over HTTP: the same tests, asked by an unmodified boto3."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config

from localaws.aurora import Aurora
from localaws.server import Server
from tests.aurora.conftest import aurora, clock, emitted, keys, scene, stored
from tests.aurora.scene import ACCOUNT, Client, Rds

__all__ = ["aurora", "clock", "emitted", "keys", "rds", "scene", "stored"]


@pytest.fixture(scope="session")
def session() -> boto3.Session:
    """Return one session for all tests: reading the service model takes longer than a test."""
    return boto3.Session(aws_access_key_id="any", aws_secret_access_key="any")


@pytest.fixture
def rds(aurora: Aurora, session: boto3.Session, tmp_path: Path) -> Iterator[Rds]:
    """Give boto3 clients of a server whose Aurora is the test's own."""
    server = Server(0, tmp_path / "localaws", aurora=aurora)
    server.start()
    yield partial(_client, session, server.endpoint)
    server.stop()


def _client(session: boto3.Session, endpoint: str, region: str, *, account: str = ACCOUNT) -> Client:
    config = Config(retries={"total_max_attempts": 1})
    client = session.client("rds", region_name=region, endpoint_url=endpoint, config=config)

    def name_account(request: Any, **_: Any) -> None:
        request.headers["x-moto-account-id"] = account

    client.meta.events.register("before-sign.rds", name_account)
    return client
