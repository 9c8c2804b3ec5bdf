"""What outlives a deployment: both tables and both secrets, made once and never taken away or
overwritten.
"""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.infra.conftest import Made


def table(made: Made, name: str) -> dict[str, Any]:
    """Describe a table."""
    described: dict[str, Any] = made("dynamodb").describe_table(TableName=name)["Table"]
    return described


def indexes(made: Made, name: str) -> dict[str, list[str]]:
    """Return the key attributes of a table's indexes, hash key first."""
    described = table(made, name)["GlobalSecondaryIndexes"]
    return {
        index["IndexName"]: [key["AttributeName"] for key in index["KeySchema"]]
        for index in described
    }


def expiry(made: Made, name: str) -> dict[str, str]:
    """Return how a table's items expire."""
    found: dict[str, str] = made("dynamodb").describe_time_to_live(TableName=name)[
        "TimeToLiveDescription"
    ]
    return found


def secrets(made: Made) -> tuple[str, str]:
    """Name both secrets."""
    return made.names.master_secret, made.names.app_secret


def value(made: Made, name: str) -> str | None:
    """Read a secret's value; None where it has none."""
    client = made("secretsmanager")
    try:
        return str(client.get_secret_value(SecretId=name)["SecretString"])
    except client.exceptions.ResourceNotFoundException:
        return None


def test_operations_are_found_by_due_time_and_by_plan(made: Made) -> None:
    """The table of operations has the two indexes that the heartbeat and operators read."""
    state = made.make("records")["StateTableName"]
    found = indexes(made, state)

    assert {"open-by-due": ["open", "due_at"], "by-plan": ["plan", "created_at"]} == found
    assert [{"AttributeName": "operation_id", "KeyType": "HASH"}] == table(made, state)["KeySchema"]


def test_the_audit_trail_is_found_by_operation(made: Made) -> None:
    """The audit table keeps the guide's key and has an index by operation, in order."""
    audit = made.make("records")["AuditTableName"]

    assert {"by-operation": ["operation_id", "metric_id"]} == indexes(made, audit)
    assert [{"AttributeName": "metric_id", "KeyType": "HASH"}] == table(made, audit)["KeySchema"]


def test_both_tables_are_paid_by_request_and_can_be_recovered(made: Made) -> None:
    """Nobody plans capacity, and a table can be taken back to any second of the last 35 days."""
    outputs = made.make("records")
    for name in (outputs["StateTableName"], outputs["AuditTableName"]):
        backups = made("dynamodb").describe_continuous_backups(TableName=name)[
            "ContinuousBackupsDescription"
        ]

        assert "PAY_PER_REQUEST" == table(made, name)["BillingModeSummary"]["BillingMode"]
        assert "ENABLED" == backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"]


def test_only_the_audit_trail_expires(made: Made) -> None:
    """Audit rows go when their `expires_at` has passed; the record of an operation stays."""
    made.make("records")
    found = expiry(made, made.names.audit_table)

    assert {"TimeToLiveStatus": "ENABLED", "AttributeName": "expires_at"} == found
    assert {"TimeToLiveStatus": "DISABLED"} == expiry(made, made.names.state_table)


def test_tables_are_protected_where_that_is_asked(made: Made) -> None:
    """Protected tables are not deleted by DynamoDB until the protection is taken off."""
    made.make("records")
    before = table(made, made.names.state_table)["DeletionProtectionEnabled"]
    made.make("records", ProtectTables="true")
    with pytest.raises(ClientError, match="DeletionProtectionEnabled is set to True"):
        made("dynamodb").delete_table(TableName=made.names.audit_table)
    protected = table(made, made.names.state_table)["DeletionProtectionEnabled"]
    made.make("records", ProtectTables="false")

    assert before is False
    assert protected is True
    assert table(made, made.names.audit_table)["DeletionProtectionEnabled"] is False


def test_secrets_are_made_empty(made: Made) -> None:
    """Secrets are made empty, with a description of what belongs in them, and with no placeholder
    for a password.
    """
    outputs = made.make("records")
    described = [made("secretsmanager").describe_secret(SecretId=name) for name in secrets(made)]
    found = [secret["ARN"] for secret in described]

    assert [outputs["MasterSecretArn"], outputs["AppSecretArn"]] == found
    assert [True, True] == ["as JSON with" in secret["Description"] for secret in described]
    assert [None, None] == [value(made, name) for name in secrets(made)]


def test_what_people_put_into_a_secret_stays(made: Made) -> None:
    """A filled secret stays, through an update, its removal from the template, and the stack's
    deletion.
    """
    made.make("records")
    content = json.dumps({"password": "put-by-people"})
    for name in secrets(made):
        made("secretsmanager").put_secret_value(SecretId=name, SecretString=content)
    made.make("records", ProtectTables="true")
    updated = [value(made, name) for name in secrets(made)]
    outputs = made.make(
        "records", ProtectTables="true", MakeMasterSecret="false", MakeAppSecret="false"
    )
    made.remove("records")

    assert [content] * 4 == [*updated, *(value(made, name) for name in secrets(made))]
    assert set() == outputs.keys() & {"MasterSecretArn", "AppSecretArn"}


def test_a_secret_that_is_there_is_not_made(made: Made) -> None:
    """A secret that exists is not made where the deployment says so, and it stays when the stack
    goes.
    """
    names = dict(
        zip(
            ("MasterSecretName", "AppSecretName"),
            ("people/master", f"people/{made.stage}"),
            strict=True,
        )
    )
    made("secretsmanager").create_secret(Name=names["MasterSecretName"], SecretString="theirs")
    outputs = made.make("records", MakeMasterSecret="false", **names)

    assert {"State", "Audit", "AppSecret"} == made.resources("records").keys()
    assert (
        names["AppSecretName"]
        == made("secretsmanager").describe_secret(SecretId=outputs["AppSecretArn"])["Name"]
    )
    assert "theirs" == value(made, names["MasterSecretName"])


def test_a_secret_of_somebody_elses_is_not_taken_over(made: Made) -> None:
    """A secret of somebody else stops the stack, which names it, and leaves no table in the way of
    the next attempt.
    """
    made("secretsmanager").create_secret(Name=made.names.app_secret, SecretString="theirs")
    failed = made.make("records")["status"]
    left = [
        name
        for name in made("dynamodb").list_tables()["TableNames"]
        if made.stage in name.split("-")
    ]
    made.remove("records")

    assert ("ROLLBACK_COMPLETE", [], "theirs") == (failed, left, value(made, made.names.app_secret))
    assert "CREATE_COMPLETE" == made.make("records", MakeAppSecret="false")["status"]


def test_everything_outlives_the_stack(made: Made) -> None:
    """A deleted stack leaves the tables with their items, and the secrets."""
    state = made.make("records")["StateTableName"]
    item = {"operation_id": {"S": "an-operation"}}
    made("dynamodb").put_item(TableName=state, Item=item)
    status = made.remove("records")

    assert "DELETE_COMPLETE" == status
    assert item == made("dynamodb").get_item(TableName=state, Key=item)["Item"]
    assert [True, True] == [
        bool(made("secretsmanager").describe_secret(SecretId=name)) for name in secrets(made)
    ]
