"""What setup-db-users finds where none of its clients reaches anything."""

from dataclasses import replace

import boto3
from botocore.config import Config

from chalicelib.runtime.plans import plan
from chalicelib.settings import DEFAULT_PLAN
from chalicelib.target.reachability import Trial, try_network
from tests.choreography.run_night import FaultyStage

DEAD = "http://127.0.0.1:9"  # the discard port, where nobody listens
_CONFIG = Config(retries={"total_max_attempts": 1}, connect_timeout=2)
_SESSION = boto3.Session(aws_access_key_id="any", aws_secret_access_key="any")


def trial_in_a_dead_network(stage: FaultyStage, *, resolves: bool) -> Trial:
    """Try with real clients that speak to a port where nobody listens, and a DNS that knows all
    names or none.
    """

    def clients(service: str, region: str) -> object:
        return _SESSION.client(service, region_name=region, endpoint_url=DEAD, config=_CONFIG)

    found = frozenset({"10.0.0.1"} if resolves else ())
    ports = replace(stage.ports(), clients=clients, addresses=lambda _host: found)
    settings = plan(stage.ports(), DEFAULT_PLAN)
    assert settings is not None
    return try_network(settings, ports)
