"""Custom endpoints: made, changed and deleted, and what becomes of them when their cluster goes."""

from typing import Any

import pytest
from localaws.aurora import Aurora
from tests.aurora.scene import SOURCE, Scene, code_of

COMBINATION = "InvalidParameterCombination"
NAME = "reports"


@pytest.fixture
def client(scene: Scene) -> Any:
    """Give a client, and a cluster with two instances."""
    scene.cluster(instances=2)
    return scene.rds(SOURCE)


def create(client: Any, **options: Any) -> Any:
    """Create a custom endpoint and return the answer."""
    chosen = {"DBClusterEndpointIdentifier": NAME, "EndpointType": "ANY", **options}
    return client.create_db_cluster_endpoint(DBClusterIdentifier="prod-cluster", **chosen)


def listed(client: Any, **options: Any) -> list[Any]:
    """List endpoints."""
    return list(client.describe_db_cluster_endpoints(**options)["DBClusterEndpoints"])


def custom(client: Any) -> Any:
    """Describe the custom endpoint."""
    (found,) = listed(client, DBClusterEndpointIdentifier=NAME)
    return found


def test_a_custom_endpoint_is_made_in_a_minute(scene: Scene, client: Any) -> None:
    """A custom endpoint is creating, then available, and its cluster names it."""
    answer = create(client, StaticMembers=["PROD-cluster-2"])
    during = custom(client)["Status"]
    scene.settle()
    found = custom(client)

    assert ("creating", "creating", "available") == (answer["Status"], during, found["Status"])
    assert ("CUSTOM", "ANY", ["prod-cluster-2"], []) == (
        found["EndpointType"],
        found["CustomEndpointType"],
        found["StaticMembers"],
        found["ExcludedMembers"],
    )
    assert found["Endpoint"].startswith("reports.cluster-custom-c")
    assert found["DBClusterEndpointArn"].endswith(":cluster-endpoint:reports")
    assert [found["Endpoint"]] == scene.describe()["CustomEndpoints"]


def test_every_cluster_has_two_endpoints_in_the_list(scene: Scene, client: Any) -> None:
    """The cluster's own two are listed beside the custom ones, and filters tell them apart."""
    cluster = scene.describe()
    create(client, EndpointType="reader")
    types = {"Name": "db-cluster-endpoint-type", "Values": ["writer", "reader"]}
    own = listed(client, DBClusterIdentifier="prod-cluster", Filters=[types])
    readers = {"Name": "db-cluster-endpoint-custom-type", "Values": ["reader"]}

    assert [
        ("READER", cluster["ReaderEndpoint"]),
        ("WRITER", cluster["Endpoint"]),
    ] == sorted((one["EndpointType"], one["Endpoint"]) for one in own)
    assert [NAME] == [
        one["DBClusterEndpointIdentifier"] for one in listed(client, Filters=[readers])
    ]
    assert 3 == len(listed(client))


def test_members_are_given_anew_as_a_whole(scene: Scene, client: Any) -> None:
    """A change replaces one list by the other; the endpoint is modifying meanwhile."""
    create(client, StaticMembers=["prod-cluster-1"])
    scene.settle()
    change = {"DBClusterEndpointIdentifier": NAME, "ExcludedMembers": ["prod-cluster-2"]}
    answer = client.modify_db_cluster_endpoint(**change)
    busy = code_of(client.modify_db_cluster_endpoint, **change)
    scene.settle()
    found = custom(client)

    assert ("modifying", "InvalidDBClusterEndpointStateFault") == (answer["Status"], busy)
    assert ("available", "ANY", [], ["prod-cluster-2"]) == (
        found["Status"],
        found["CustomEndpointType"],
        found["StaticMembers"],
        found["ExcludedMembers"],
    )


def test_a_deleted_endpoint_is_gone_after_a_while(scene: Scene, client: Any) -> None:
    """A custom endpoint is deleting, then gone."""
    create(client)
    scene.settle()
    answer = client.delete_db_cluster_endpoint(DBClusterEndpointIdentifier=NAME)
    during = custom(client)["Status"]
    scene.settle()

    assert ("deleting", "deleting") == (answer["Status"], during)
    assert [] == listed(client, DBClusterEndpointIdentifier=NAME)
    assert "CustomEndpoints" not in scene.describe()


def test_a_rename_leaves_custom_endpoints_as_they_are(scene: Scene, client: Any) -> None:
    """Name, address and resource id stay; only the cluster's name in it follows."""
    create(client)
    scene.settle()
    before = custom(client)
    client.modify_db_cluster(
        DBClusterIdentifier="prod-cluster", NewDBClusterIdentifier="new", ApplyImmediately=True
    )
    scene.settle()

    assert {**before, "DBClusterIdentifier": "new"} == custom(client)
    assert [before["Endpoint"]] == scene.describe("new")["CustomEndpoints"]


def test_a_restored_cluster_has_none_and_a_deleted_one_leaves_none(
    scene: Scene, client: Any
) -> None:
    """Custom endpoints are in no snapshot, and go with their cluster."""
    create(client)
    scene.snapshot()
    restored = scene.restore("by-hand")
    scene.delete_instances("prod-cluster-2", "prod-cluster-1")
    client.delete_db_cluster(DBClusterIdentifier="prod-cluster", SkipFinalSnapshot=True)
    scene.settle()

    assert "CustomEndpoints" not in restored
    assert [] == listed(client, DBClusterEndpointIdentifier=NAME)


def test_tags_are_the_endpoints_own(client: Any) -> None:
    """Tags given at the making are listed by the endpoint's ARN."""
    tags = [{"Key": "team", "Value": "shop"}]
    arn = create(client, Tags=tags)["DBClusterEndpointArn"]

    assert tags == client.list_tags_for_resource(ResourceName=arn)["TagList"]


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"DBClusterIdentifier": "nobodys"}, "DBClusterNotFoundFault"),
        ({"DBClusterEndpointIdentifier": "two--hyphens"}, "InvalidParameterValue"),
        ({"EndpointType": "WRITER"}, "InvalidParameterValue"),
        ({"StaticMembers": ["nobodys"]}, "DBInstanceNotFound"),
        (
            {"StaticMembers": ["prod-cluster-1"], "ExcludedMembers": ["prod-cluster-2"]},
            COMBINATION,
        ),
        ({}, "DBClusterEndpointAlreadyExistsFault"),
    ],
)
def test_what_cannot_be_made_is_refused(client: Any, options: dict[str, Any], code: str) -> None:
    """Names that are taken or wrong, other types, instances of nobody, two lists at once."""
    create(client, DBClusterEndpointIdentifier="reports" if not options else "other")
    chosen = {"DBClusterIdentifier": "prod-cluster", "DBClusterEndpointIdentifier": NAME}
    wanted = {**chosen, "EndpointType": "ANY", **options}

    assert code == code_of(client.create_db_cluster_endpoint, **wanted)


def test_a_cluster_has_five_at_most(client: Any) -> None:
    """The sixth custom endpoint of a cluster is refused."""
    for number in range(5):
        create(client, DBClusterEndpointIdentifier=f"e{number}")

    assert "DBClusterEndpointQuotaExceededFault" == code_of(create, client=client)


def test_a_cluster_that_is_busy_gets_none(scene: Scene, client: Any, aurora: Aurora) -> None:
    """Only an available cluster gets a custom endpoint."""
    aurora.set_status(scene.describe()["DBClusterArn"], "renaming")

    assert "InvalidDBClusterStateFault" == code_of(create, client=client)


def test_what_is_not_there_is_not_found(client: Any) -> None:
    """A change and a deletion of nothing are refused; a list of nothing is empty."""
    named = {"DBClusterEndpointIdentifier": NAME}

    assert {"DBClusterEndpointNotFoundFault"} == {
        code_of(client.modify_db_cluster_endpoint, **named),
        code_of(client.delete_db_cluster_endpoint, **named),
    }
    assert [] == listed(client, **named)
    assert "DBClusterNotFoundFault" == code_of(
        client.describe_db_cluster_endpoints, DBClusterIdentifier="nobodys"
    )
