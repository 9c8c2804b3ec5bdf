"""boto3 pointed at this machine: no real account is reached, whatever the shell says."""

import os
import threading
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, Final

import boto3
from botocore.config import Config

from localaws.loopback import direct_loopback, keep_loopback_direct

CREDENTIALS: Final = {"AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local"}
_LOCK: Final = threading.Lock()  # a session makes one client at a time
_CONFIG: Final = Config(
    connect_timeout=5, read_timeout=60, retries={"total_max_attempts": 2}, proxies={}
)


def local_environment(endpoint: str, region: str) -> dict[str, str]:
    """Return what a client needs to talk to the endpoint, in the form of the shell's variables."""
    where = {"AWS_ENDPOINT_URL": endpoint, **CREDENTIALS, "AWS_DEFAULT_REGION": region}
    return where | direct_loopback(os.environ)


def without_aws(environment: Mapping[str, str]) -> dict[str, str]:
    """Return an environment without this user's variables, profiles and files of AWS."""
    kept = {name: value for name, value in environment.items() if not name.startswith("AWS_")}
    return {**kept, "AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}


def leave_real_aws() -> None:
    """Forget, for this process and those it starts, what its environment says about AWS."""
    kept = without_aws(os.environ)
    os.environ.clear()
    os.environ.update(kept)
    keep_loopback_direct()


@cache
def _session() -> boto3.Session:
    """One for the whole process: it has read every service's model that was wanted before."""
    return boto3.Session(
        aws_access_key_id=CREDENTIALS["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
    )


def _say_account(account: str) -> Callable[..., None]:
    def add(request: Any, **_: Any) -> None:
        request.headers["x-moto-account-id"] = account

    return add


class EndpointClients:
    """boto3 clients of one endpoint, made once each."""

    def __init__(self, endpoint: str) -> None:
        self._endpoint = endpoint
        self._made: dict[tuple[str, str, str | None], Any] = {}

    def __call__(self, service: str, region: str) -> Any:
        """Return the client of a service in a region."""
        return self._kept(service, region, None)

    def of_account(self, service: str, region: str, account: str) -> Any:
        """Return the client of a service in a region of an account, named in moto's own header."""
        return self._kept(service, region, account)

    def _kept(self, service: str, region: str, account: str | None) -> Any:
        # boto3's sessions are not safe between threads while they make a client.
        with _LOCK:
            if (service, region, account) not in self._made:
                client = self._make(service, region)
                if account is not None:
                    client.meta.events.register("before-send", _say_account(account))
                self._made[service, region, account] = client
            return self._made[service, region, account]

    def _make(self, service: str, region: str) -> Any:
        return _session().client(
            service, region_name=region, endpoint_url=self._endpoint, config=_CONFIG
        )
