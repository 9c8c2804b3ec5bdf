"""Route 53: batches of record sets that hold or fail as a whole, and changes that take a minute."""

import time
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError
from localaws.aurora import VirtualClock
from localaws.route53 import Propagation
from moto.core.exceptions import ServiceException
from tests.local.conftest import WAIT_SECONDS_MAX, Clients

NAME = "staging.db.example."
BATCH = "InvalidChangeBatch"
OLD, NEW = (
    "old.cluster-c1.us-west-2.rds.amazonaws.com",
    "new.cluster-c1.us-west-2.rds.amazonaws.com",
)


class Zone:
    """A zone of a test's own, and who changes it."""

    def __init__(self, client: Any, reference: str) -> None:
        self.client = client
        zone = client.create_hosted_zone(Name="db.example", CallerReference=reference)
        self.id = zone["HostedZone"]["Id"]

    def change(self, *changes: tuple[str, dict[str, Any]]) -> Any:
        """Make changes in one batch, and return what is said of it."""
        batch = [{"Action": action, "ResourceRecordSet": one} for action, one in changes]
        return self.client.change_resource_record_sets(
            HostedZoneId=self.id, ChangeBatch={"Comment": "a test", "Changes": batch}
        )["ChangeInfo"]

    def refusal(self, *changes: tuple[str, dict[str, Any]]) -> tuple[str, str]:
        """Return code and sentence with which a batch is refused."""
        with pytest.raises(ClientError) as refused:
            self.change(*changes)
        error = refused.value.response["Error"]
        return error["Code"], error["Message"]

    def records(self, **options: Any) -> dict[tuple[str, str], list[str]]:
        """List the records that users made, by name and type."""
        found = self.client.list_resource_record_sets(HostedZoneId=self.id, **options)
        return {
            (one["Name"], one["Type"]): [record["Value"] for record in one["ResourceRecords"]]
            for one in found["ResourceRecordSets"]
            if one["Type"] not in {"NS", "SOA"}
        }


@pytest.fixture
def zone(clients: Clients, request: pytest.FixtureRequest) -> Zone:
    """Make a zone."""
    return Zone(clients("route53"), request.node.name)


def cname(value: str = OLD, name: str = NAME, ttl: int = 5) -> dict[str, Any]:
    """Give a CNAME record set."""
    return {"Name": name, "Type": "CNAME", "TTL": ttl, "ResourceRecords": [{"Value": value}]}


def test_a_pointer_is_created_moved_and_deleted(zone: Zone) -> None:
    """A record set is created, replaced by UPSERT, and deleted by what it is."""
    seen = []
    for action, value in (("CREATE", OLD), ("UPSERT", NEW), ("UPSERT", NEW), ("DELETE", NEW)):
        zone.change((action, cname(value)))
        seen.append(zone.records())

    assert [{(NAME, "CNAME"): [value]} for value in (OLD, NEW, NEW)] == seen[:-1]
    assert {} == seen[-1]


def test_a_change_is_pending_until_all_servers_have_it(zone: Zone) -> None:
    """The answer says PENDING; after a minute of the server's time, the change is INSYNC."""
    begun = zone.change(("UPSERT", cname()))
    ends_at = time.monotonic() + WAIT_SECONDS_MAX
    while (found := zone.client.get_change(Id=begun["Id"])["ChangeInfo"])["Status"] != "INSYNC":
        assert time.monotonic() < ends_at

    assert "PENDING" == begun["Status"]
    assert {**begun, "Status": "INSYNC"} == found


def test_a_minute_passes_between_pending_and_in_sync() -> None:
    """A change is everywhere after sixty seconds, divided by the speed."""
    clock = VirtualClock()
    propagation = Propagation(speed=2, now=clock.now)
    identifier = propagation.begin()["Id"]
    clock.advance(29)
    before = propagation.of(identifier)["Status"]
    clock.advance(1)

    assert ("PENDING", "INSYNC") == (before, propagation.of(identifier)["Status"])
    assert timedelta(seconds=30) == clock.now() - propagation.of(identifier)["SubmittedAt"]


def test_a_change_that_nobody_made_is_not_found(zone: Zone) -> None:
    """GetChange knows its own changes only; moto would call any of them done."""
    with pytest.raises(ServiceException, match="NOBODYS"):
        Propagation().of("CNOBODYS")
    with pytest.raises(ClientError) as refused:
        zone.client.get_change(Id="CNOBODYS")

    assert "NoSuchChange" == refused.value.response["Error"]["Code"]


def test_what_is_there_is_not_created_and_what_is_not_there_not_deleted(zone: Zone) -> None:
    """CREATE and DELETE are conditions as well: that is how nobody's change is overwritten."""
    zone.change(("CREATE", cname()))
    refused = [
        zone.refusal(("CREATE", cname(NEW))),
        zone.refusal(("DELETE", cname(NEW))),
        zone.refusal(("DELETE", cname(ttl=60))),
        zone.refusal(("DELETE", cname(name="other.db.example"))),
    ]

    assert [BATCH] * 4 == [code for code, _ in refused]
    assert ["already exists", "do not match", "do not match", "not found"] == [
        next(words for words in ("already exists", "do not match", "not found") if words in said)
        for _, said in refused
    ]
    assert {(NAME, "CNAME"): [OLD]} == zone.records()


def test_a_pointer_is_moved_on_condition_of_what_was_read(zone: Zone) -> None:
    """DELETE of the old value and CREATE of the new one in one batch: if the old one is another
    meanwhile, nothing changes.
    """
    zone.change(("CREATE", cname()))
    zone.change(("DELETE", cname()), ("CREATE", cname(NEW)))
    moved = zone.records()
    code, _ = zone.refusal(("DELETE", cname()), ("CREATE", cname("third.example")))

    assert BATCH == code
    assert {(NAME, "CNAME"): [NEW]} == moved == zone.records()


def test_a_batch_fails_as_a_whole(zone: Zone) -> None:
    """The good change before the bad one is not made either."""
    code, _ = zone.refusal(("CREATE", cname()), ("CREATE", cname(name="other.example")))

    assert (BATCH, {}) == (code, zone.records())


@pytest.mark.parametrize(
    ("record", "code"),
    [
        (cname(name="db.example"), BATCH),
        (cname(name="notdb.example"), BATCH),
        ({"Name": NAME, "Type": "CNAME", "TTL": 5}, "InvalidInput"),
        ({**cname(), "Type": "A", "SetIdentifier": "a", "Weight": 1}, "LocalAwsNotModelled"),
        (
            {
                "Name": NAME,
                "Type": "A",
                "AliasTarget": {
                    "HostedZoneId": "Z1",
                    "DNSName": OLD,
                    "EvaluateTargetHealth": False,
                },
            },
            "LocalAwsNotModelled",
        ),
    ],
)
def test_a_record_set_that_cannot_be_is_refused(
    zone: Zone, record: dict[str, Any], code: str
) -> None:
    """A CNAME at the top of a zone, another zone's name, no value, and what is not modelled."""
    assert code == zone.refusal(("UPSERT", record))[0]
    assert {} == zone.records()


def test_a_cname_is_alone_under_its_name(zone: Zone) -> None:
    """Beside other records of its name a CNAME is refused, whichever comes second."""
    text = {"Name": NAME, "Type": "TXT", "TTL": 5, "ResourceRecords": [{"Value": '"t"'}]}
    zone.change(("CREATE", text))
    second = zone.refusal(("CREATE", cname()))[0]
    zone.change(("DELETE", text), ("CREATE", cname()))

    assert [BATCH, BATCH] == [second, zone.refusal(("CREATE", text))[0]]


def test_one_record_is_read_by_name_and_type(zone: Zone) -> None:
    """A list begins at the name and type that it is asked for."""
    zone.change(("CREATE", cname(name="a.db.example")), ("CREATE", cname(NEW)))
    found = zone.records(StartRecordName=NAME, StartRecordType="CNAME", MaxItems="1")

    assert {(NAME, "CNAME"): [NEW]} == found


def test_a_zone_is_made_once_and_deleted_when_it_is_empty(zone: Zone, clients: Clients) -> None:
    """The same CallerReference makes no second zone; records keep a zone from its deletion."""
    reference = zone.client.get_hosted_zone(Id=zone.id)["HostedZone"]["CallerReference"]
    zone.change(("CREATE", cname()))
    codes = []
    for call, parameters in (
        (zone.client.create_hosted_zone, {"Name": "b.example", "CallerReference": reference}),
        (zone.client.delete_hosted_zone, {"Id": zone.id}),
    ):
        with pytest.raises(ClientError) as refused:
            call(**parameters)
        codes.append(refused.value.response["Error"]["Code"])
    zone.change(("DELETE", cname()))
    deleted = zone.client.delete_hosted_zone(Id=zone.id)["ChangeInfo"]

    assert ["HostedZoneAlreadyExists", "HostedZoneNotEmpty"] == codes
    assert "PENDING" == deleted["Status"]


@pytest.mark.parametrize("call", ["list_health_checks", "list_traffic_policies"])
def test_what_moto_fakes_is_refused(zone: Zone, call: str) -> None:
    """Health checks and traffic policies have no effect here, so there are none."""
    with pytest.raises(ClientError) as refused:
        getattr(zone.client, call)()

    assert "LocalAwsNotModelled" == refused.value.response["Error"]["Code"]
