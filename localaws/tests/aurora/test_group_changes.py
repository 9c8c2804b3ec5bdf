"""Parameters of groups, and what becomes of groups that exist."""

from functools import partial
from typing import Any

import pytest
from tests.aurora.scene import SOURCE, Client, Rds, Scene, code_of, message_of

NAME = "strict"


@pytest.fixture
def client(rds: Rds) -> Client:
    """Return a client in whose region there is a group of each kind."""
    made = rds(SOURCE)
    family = {"DBParameterGroupFamily": "aurora-postgresql16", "Description": "strict"}
    made.create_db_cluster_parameter_group(DBClusterParameterGroupName=NAME, **family)
    made.create_db_parameter_group(DBParameterGroupName=NAME, **family)
    made.create_db_subnet_group(
        DBSubnetGroupName=NAME,
        DBSubnetGroupDescription="strict",
        SubnetIds=["subnet-1", "subnet-2"],
    )
    return made


def setting(name: str, value: str, method: str = "pending-reboot") -> list[dict[str, str]]:
    """Return the Parameters of a change of one."""
    return [{"ParameterName": name, "ParameterValue": value, "ApplyMethod": method}]


def values(client: Client, **options: Any) -> dict[str, Any]:
    """Return the values of the cluster group's parameters, by name."""
    found = client.describe_db_cluster_parameters(DBClusterParameterGroupName=NAME, **options)
    return {
        parameter["ParameterName"]: parameter.get("ParameterValue")
        for parameter in found["Parameters"]
    }


def test_a_parameter_that_was_set_is_shown_as_the_users(client: Client) -> None:
    """A parameter that was set is shown as the user's, every other as the engine's or AWS's own; a
    reset undoes it.
    """
    client.modify_db_cluster_parameter_group(
        DBClusterParameterGroupName=NAME, Parameters=setting("rds.force_ssl", "1", "immediate")
    )
    mine = values(client, Source="user")
    client.reset_db_cluster_parameter_group(
        DBClusterParameterGroupName=NAME, ResetAllParameters=True
    )

    assert {"rds.force_ssl": "1"} == mine
    assert {} == values(client, Source="user")
    assert "rds.force_ssl" in values(client, Source="engine-default")


def test_parameters_of_instances_are_set_and_reset_by_name(client: Client) -> None:
    """Parameters of instance groups are set and reset; those of cluster groups are not among
    them.
    """
    for name, value in (("work_mem", "8192"), ("log_statement", "ddl")):
        client.modify_db_parameter_group(DBParameterGroupName=NAME, Parameters=setting(name, value))
    client.reset_db_parameter_group(
        DBParameterGroupName=NAME, Parameters=[{"ParameterName": "work_mem"}]
    )
    found = client.describe_db_parameters(DBParameterGroupName=NAME)["Parameters"]

    assert ["log_statement"] == [
        parameter["ParameterName"] for parameter in found if parameter["Source"] == "user"
    ]
    assert "rds.force_ssl" not in {parameter["ParameterName"] for parameter in found}


def test_what_waits_for_a_reboot_shows_on_the_members(scene: Scene, client: Client) -> None:
    """A change that waits for a reboot shows on the members, for the cluster's group and the
    instance's.
    """
    scene.cluster(DBClusterParameterGroupName=NAME, instances=0)
    scene.instance("first", "prod-cluster", DBParameterGroupName=NAME)
    change = setting("shared_preload_libraries", "pgaudit")
    client.modify_db_cluster_parameter_group(DBClusterParameterGroupName=NAME, Parameters=change)
    client.modify_db_parameter_group(DBParameterGroupName=NAME, Parameters=change)
    expected = "pending-reboot"

    assert expected == scene.describe()["DBClusterMembers"][0]["DBClusterParameterGroupStatus"]
    assert (
        "pending-reboot"
        == scene.describe_instance("first")["DBParameterGroups"][0]["ParameterApplyStatus"]
    )


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (setting("rds.logical_replication", "1", "immediate"), "InvalidParameterCombination"),
        (setting("rds.force_ssl", "2"), "InvalidParameterValue"),
        (setting("work_mem", "much"), "InvalidParameterValue"),
        (setting("work_mem", "8192", "soon"), "InvalidParameterValue"),
        (setting("colour", "blue"), "LocalAwsNotModelled"),
    ],
)
def test_a_change_that_aws_refuses_changes_nothing(
    client: Client, change: list[dict[str, str]], code: str
) -> None:
    """A change that AWS refuses changes nothing, nor do the changes beside it."""
    fine = setting("log_statement", "all")
    found = code_of(
        client.modify_db_cluster_parameter_group,
        DBClusterParameterGroupName=NAME,
        Parameters=fine + change,
    )

    assert code == found
    assert {} == values(client, Source="user")


def test_a_default_group_is_neither_changed_nor_deleted(client: Client) -> None:
    """A default group can be neither changed nor deleted: it is AWS's own."""
    default = "default.aurora-postgresql16"
    found = code_of(
        client.modify_db_parameter_group,
        DBParameterGroupName=default,
        Parameters=setting("work_mem", "8192"),
    )

    assert "InvalidDBParameterGroupState" == found
    assert "InvalidDBParameterGroupState" == code_of(
        client.delete_db_cluster_parameter_group, DBClusterParameterGroupName=default
    )
    assert "InvalidDBSubnetGroupStateFault" == code_of(
        client.delete_db_subnet_group, DBSubnetGroupName="default"
    )


PARAMETER_GROUP = ("InvalidDBParameterGroupState", "DBParameterGroupNotFound")


@pytest.mark.parametrize(
    ("method", "parameter", "codes"),
    [
        ("delete_db_cluster_parameter_group", "DBClusterParameterGroupName", PARAMETER_GROUP),
        ("delete_db_parameter_group", "DBParameterGroupName", PARAMETER_GROUP),
        (
            "delete_db_subnet_group",
            "DBSubnetGroupName",
            ("InvalidDBSubnetGroupStateFault", "DBSubnetGroupNotFoundFault"),
        ),
    ],
)
def test_a_group_in_use_is_kept_and_an_unused_one_goes(
    scene: Scene, client: Client, method: str, parameter: str, codes: tuple[str, str]
) -> None:
    """A group in use cannot be deleted, and the refusal names who uses it; an unused one can."""
    scene.cluster(DBClusterParameterGroupName=NAME, DBSubnetGroupName=NAME, instances=0)
    scene.instance("first", "prod-cluster", DBParameterGroupName=NAME)
    delete = partial(getattr(client, method), **{parameter: NAME})
    kept, why = code_of(delete), message_of(delete)
    scene.delete_instances("first")
    client.delete_db_cluster(DBClusterIdentifier="prod-cluster", SkipFinalSnapshot=True)
    scene.settle()

    assert (codes[0], True) == (kept, "prod-cluster" in why or "first" in why)
    assert ("accepted", codes[1]) == (code_of(delete), code_of(delete))


def test_a_subnet_group_is_given_other_subnets(client: Client) -> None:
    """A subnet group can be given other subnets, in two zones at least."""
    changed = client.modify_db_subnet_group(
        DBSubnetGroupName=NAME, SubnetIds=["subnet-3", "subnet-4"]
    )["DBSubnetGroup"]
    refused = code_of(client.modify_db_subnet_group, DBSubnetGroupName=NAME, SubnetIds=["subnet-5"])

    assert ["subnet-3", "subnet-4"] == [subnet["SubnetIdentifier"] for subnet in changed["Subnets"]]
    assert "strict" == changed["DBSubnetGroupDescription"]
    assert "DBSubnetGroupDoesNotCoverEnoughAZs" == refused
