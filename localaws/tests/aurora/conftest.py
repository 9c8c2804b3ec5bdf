"""One Aurora per test, on a clock that the test moves.

The contract tests say everything through `rds(region, account=…)`. Another face can take the place
of the boto3-shaped one by overriding that fixture.
"""

from typing import Any

import pytest
from localaws.aurora import Aurora, AuroraClient, KeyRing, VirtualClock
from tests.aurora.recording import RecordingData
from tests.aurora.scene import ACCOUNT, KEY_ALIAS, OTHER_ACCOUNT, SOURCE, TARGET, Client, Rds, Scene


@pytest.fixture
def clock() -> VirtualClock:
    """Return a clock that stands still until it is advanced."""
    return VirtualClock()


@pytest.fixture
def emitted() -> list[dict[str, Any]]:
    """Return the list that EventBridge events are put into."""
    return []


@pytest.fixture
def keys() -> KeyRing:
    """Return a key ring with a customer-managed key in each region of each account."""
    ring = KeyRing()
    for account in (ACCOUNT, OTHER_ACCOUNT):
        for region in (SOURCE, TARGET):
            ring.create(account, region, KEY_ALIAS)
    return ring


@pytest.fixture
def stored() -> RecordingData:
    """Return a data plane that remembers what each cluster and snapshot holds."""
    return RecordingData()


@pytest.fixture
def aurora(
    clock: VirtualClock, keys: KeyRing, emitted: list[dict[str, Any]], stored: RecordingData
) -> Aurora:
    """Return the model."""
    return Aurora(
        clock,
        keys=keys,
        data=stored,
        security_groups=lambda _account, _region, group: group != "sg-missing",
        emit=emitted.append,
    )


@pytest.fixture
def rds(aurora: Aurora) -> Rds:
    """Return what makes a client: `rds(region, account=…)`."""

    def client(region: str, *, account: str = ACCOUNT) -> Client:
        return AuroraClient(aurora, account=account, region=region)

    return client


@pytest.fixture
def scene(rds: Rds, aurora: Aurora, clock: VirtualClock) -> Scene:
    """Return the words to set up a world with."""
    return Scene(rds, aurora, clock)
