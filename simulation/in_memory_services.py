"""The small services around Aurora, boto3-shaped and in memory.

Enough for the choreography, refused beyond it.
"""

import copy
import json
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError
from localaws.aurora import KeyRing

Answer = dict[str, Any]
ENTRIES_MAX = 10
CURRENT = "AWSCURRENT"  # the label of a secret's present version
ZONE, ZONE_NAME = "ZSTAGING", "db.example"
PROPAGATION = timedelta(seconds=60)
BYTES_MAX = 256 * 1024  # of a message of SNS, and of all entries of one call of EventBridge


def client_error(code: str, message: str, operation: str, status: int = 400) -> ClientError:
    """Make the error that boto3 would raise."""
    response: Any = {
        "Error": {"Code": code, "Message": message},
        "ResponseMetadata": {"HTTPStatusCode": status},
    }
    return ClientError(response, operation)


class Faults:
    """What tests make go wrong.

    The next calls of one method of one service, before or after their effect.
    """

    def __init__(self) -> None:
        self._waiting: dict[tuple[str, str], list[ClientError]] = {}

    def fail_next(
        self, service: str, method: str, code: str, *, status: int = 400, times: int = 1
    ) -> None:
        """Refuse the next `times` calls."""
        error = client_error(code, "A test asked for this.", method, status)
        self._waiting.setdefault((service, method), []).extend([error] * times)

    def check(self, service: str, method: str) -> None:
        """Raise what waits for this call."""
        if waiting := self._waiting.get((service, method)):
            raise waiting.pop(0)


class InMemoryService:
    """A client whose methods are those of this class.

    Each call is counted and may be made to fail.
    """

    name = ""

    def __init__(self, faults: Faults) -> None:
        self._faults = faults

    def __getattribute__(self, method: str) -> Any:
        found = object.__getattribute__(self, method)
        if not method.startswith("_") and callable(found) and method != "get_paginator":
            self._faults.check(self.name, method)
        return found

    def get_paginator(self, method: str) -> Any:
        """Give a paginator of one page."""
        call = getattr(self, method)

        class OnePage:
            def paginate(self, **parameters: Any) -> Iterator[Answer]:
                yield call(**parameters)

        return OnePage()


class InMemoryEvents(InMemoryService):
    """EventBridge's PutEvents: hands every entry on to `deliver`."""

    name = "events"

    def __init__(self, faults: Faults, deliver: Callable[[str, str, Answer], str]) -> None:
        super().__init__(faults)
        self._deliver = deliver

    def put_events(self, Entries: list[Answer]) -> Answer:  # noqa: N803 # boto3's own names, here and below
        """Take up to ten entries."""
        if not 1 <= len(Entries) <= ENTRIES_MAX:
            raise client_error("ValidationException", "1 to 10 entries are allowed.", "PutEvents")
        if sum(len(entry["Detail"].encode()) for entry in Entries) > BYTES_MAX:
            raise client_error(
                "ValidationException", "Total size of the entries is over the limit.", "PutEvents"
            )
        ids = [
            {
                "EventId": self._deliver(
                    entry["Source"], entry["DetailType"], json.loads(entry["Detail"])
                )
            }
            for entry in Entries
        ]
        return {"FailedEntryCount": 0, "Entries": ids}


class InMemoryTopics(InMemoryService):
    """SNS: topics that exist, and what was published to them."""

    name = "sns"

    def __init__(self, faults: Faults) -> None:
        super().__init__(faults)
        self._topics: dict[str, list[Answer]] = {}

    def create_topic(self, arn: str) -> None:
        """Make a topic."""
        self._topics[arn] = []

    def delete_topic(self, TopicArn: str) -> Answer:  # noqa: N803
        """Remove a topic; one that is not there is removed."""
        self._topics.pop(TopicArn, None)
        return {}

    def published(self, arn: str) -> list[Answer]:
        """List what was published, oldest first."""
        return copy.deepcopy(self._topics.get(arn, []))

    def get_topic_attributes(self, TopicArn: str) -> Answer:  # noqa: N803
        """Tell whether a topic is there."""
        self._found(TopicArn, "GetTopicAttributes")
        return {"Attributes": {"TopicArn": TopicArn}}

    def publish(self, TopicArn: str, Subject: str, Message: str, MessageStructure: str) -> Answer:  # noqa: N803
        """Publish a message with one text for each protocol."""
        topic = self._found(TopicArn, "Publish")
        if not Subject.isascii() or len(Subject) > 100 or "\n" in Subject:  # noqa: PLR2004 # SNS API reference
            raise client_error("InvalidParameter", "Invalid parameter: Subject", "Publish")
        if MessageStructure != "json" or "default" not in json.loads(Message):
            raise client_error(
                "InvalidParameter", "Invalid parameter: Message Structure", "Publish"
            )
        if len(Message.encode()) > BYTES_MAX:
            raise client_error("InvalidParameter", "Invalid parameter: Message too long", "Publish")
        topic.append({"Subject": Subject, **json.loads(Message)})
        return {"MessageId": f"message-{len(topic)}"}

    def _found(self, arn: str, operation: str) -> list[Answer]:
        if arn not in self._topics:
            raise client_error("NotFound", "Topic does not exist", operation, 404)
        return self._topics[arn]


class InMemorySecrets(InMemoryService):
    """Secrets Manager: values by name, and versions that are not the current one yet."""

    name = "secretsmanager"

    def __init__(self, faults: Faults) -> None:
        super().__init__(faults)
        self._values: dict[str, str] = {}
        self._current: dict[str, str] = {}
        self._versions: dict[str, dict[str, str]] = {}

    def put_secret_value(
        self,
        SecretId: str,  # noqa: N803
        SecretString: str,  # noqa: N803
        ClientRequestToken: str | None = None,  # noqa: N803
        VersionStages: tuple[str, ...] = (CURRENT,),  # noqa: N803
    ) -> Answer:
        """Write a version of a secret; the same token again is the same version."""
        versions = self._versions.setdefault(SecretId, {})
        version = ClientRequestToken or f"version-{len(versions) + 1}"
        if versions.setdefault(version, SecretString) != SecretString:
            message = "You can't modify an existing version."
            raise client_error("ResourceExistsException", message, "PutSecretValue")
        if CURRENT in VersionStages:
            self._values[SecretId], self._current[SecretId] = SecretString, version
        return {"VersionId": version}

    def update_secret_version_stage(
        self,
        SecretId: str,  # noqa: N803
        VersionStage: str,  # noqa: N803
        MoveToVersionId: str,  # noqa: N803
        RemoveFromVersionId: str,  # noqa: N803
    ) -> Answer:
        """Move a label to another version, from the version that has it."""
        if VersionStage != CURRENT or self._current[SecretId] != RemoveFromVersionId:
            message = f"Version stage {VersionStage} not found in version {RemoveFromVersionId}"
            raise client_error("InvalidParameterException", message, "UpdateSecretVersionStage")
        self._current[SecretId] = MoveToVersionId
        self._values[SecretId] = self._versions[SecretId][MoveToVersionId]
        return {}

    def delete_secret(self, SecretId: str) -> Answer:  # noqa: N803
        """Remove a secret."""
        del self._values[SecretId]
        return {}

    def get_secret_value(self, SecretId: str) -> Answer:  # noqa: N803
        """Read a secret."""
        if SecretId not in self._values:
            message = "Secrets Manager can't find the specified secret."
            raise client_error("ResourceNotFoundException", message, "GetSecretValue")
        return {"SecretString": self._values[SecretId], "VersionId": self._current[SecretId]}


class InMemoryParameters(InMemoryService):
    """SSM Parameter Store: values by path."""

    name = "ssm"

    def __init__(self, faults: Faults) -> None:
        super().__init__(faults)
        self._values: dict[str, str] = {}
        self._versions: dict[str, int] = {}

    def put_parameter(
        self,
        Name: str,  # noqa: N803
        Value: str,  # noqa: N803
        Type: str = "String",  # noqa: N803
        Overwrite: bool = True,  # noqa: N803
    ) -> Answer:
        """Write a parameter."""
        if Name in self._values and not Overwrite:
            message = "The parameter already exists."
            raise client_error("ParameterAlreadyExists", message, "PutParameter")
        if Type != "String":
            raise client_error("NotModelled", "This twin knows strings only.", "PutParameter")
        version = self._versions.get(Name, 0) + 1 if Name in self._values else 1
        self._values[Name], self._versions[Name] = Value, version
        return {"Version": version}

    def get_parameters(self, Names: list[str]) -> Answer:  # noqa: N803
        """Read parameters by name; those that are not there are named."""
        found = [
            {"Name": name, "Value": self._values[name], "Version": self._versions[name]}
            for name in Names
            if name in self._values
        ]
        return {
            "Parameters": found,
            "InvalidParameters": [name for name in Names if name not in self._values],
        }

    def delete_parameters(self, Names: list[str]) -> Answer:  # noqa: N803
        """Take parameters away; those that are not there are named."""
        gone = [name for name in Names if self._values.pop(name, None) is not None]
        return {"DeletedParameters": gone, "InvalidParameters": sorted({*Names} - {*gone})}

    def delete_parameter(self, Name: str) -> Answer:  # noqa: N803
        """Take a parameter away."""
        del self._values[Name]
        return {}

    def get_parameters_by_path(self, Path: str, Recursive: bool) -> Answer:  # noqa: N803
        """Read what lies below a path."""
        if not Recursive:
            raise client_error(
                "NotModelled", "This twin reads recursively only.", "GetParametersByPath"
            )
        found = {name: value for name, value in self._values.items() if name.startswith(Path)}
        return {
            "Parameters": [{"Name": name, "Value": value} for name, value in sorted(found.items())]
        }


class InMemoryZones(InMemoryService):
    """Route 53: CNAME records of one zone, and changes that take a minute."""

    name = "route53"

    def __init__(self, faults: Faults, now: Callable[[], datetime]) -> None:
        super().__init__(faults)
        self._now = now
        self._records: dict[str, Answer] = {}
        self._changes: dict[str, datetime] = {}

    def list_resource_record_sets(
        self,
        HostedZoneId: str,  # noqa: N803
        StartRecordName: str,  # noqa: N803
        MaxItems: str,  # noqa: N803
    ) -> Answer:
        """List records from a name on."""
        self._refuse_other(HostedZoneId, "ListResourceRecordSets")
        found = [self._records[name] for name in sorted(self._records) if name >= StartRecordName]
        return {"ResourceRecordSets": copy.deepcopy(found[: int(MaxItems)])}

    def change_resource_record_sets(
        self,
        HostedZoneId: str,  # noqa: N803
        ChangeBatch: Answer,  # noqa: N803
    ) -> Answer:
        """Make the changes of a batch, all of them or none."""
        self._refuse_other(HostedZoneId, "ChangeResourceRecordSets")
        records = dict(self._records)
        for change in ChangeBatch["Changes"]:
            wanted = copy.deepcopy(change["ResourceRecordSet"])
            if not wanted["Name"].removesuffix(".").endswith(f".{ZONE_NAME}"):
                message = (
                    f"RRSet with DNS name {wanted['Name']} is not permitted in zone {ZONE_NAME}."
                )
                raise client_error("InvalidChangeBatch", message, "ChangeResourceRecordSets")
            wanted["Name"] = wanted["Name"].removesuffix(".") + "."
            is_there = records.get(wanted["Name"])
            is_right = is_there == wanted if change["Action"] == "DELETE" else is_there is None
            if not is_right:
                message = f"Tried to {change['Action']} a record that is another by now."
                raise client_error("InvalidChangeBatch", message, "ChangeResourceRecordSets")
            records.pop(wanted["Name"], None)
            if change["Action"] == "CREATE":
                records[wanted["Name"]] = wanted
        self._records = records
        change_id = f"C{len(self._changes) + 1}"
        self._changes[change_id] = self._now()
        return {"ChangeInfo": {"Id": f"/change/{change_id}", "Status": "PENDING"}}

    def get_change(self, Id: str) -> Answer:  # noqa: N803
        """Tell whether a change is everywhere."""
        if Id not in self._changes:
            raise client_error("NoSuchChange", f"Could not find {Id}.", "GetChange", 404)
        is_done = self._now() - self._changes[Id] >= PROPAGATION
        return {"ChangeInfo": {"Id": f"/change/{Id}", "Status": "INSYNC" if is_done else "PENDING"}}

    def _refuse_other(self, zone_id: str, operation: str) -> None:
        if zone_id != ZONE:
            message = f"No hosted zone found with ID: {zone_id}"
            raise client_error("NoSuchHostedZone", message, operation, 404)


class InMemoryKeys(InMemoryService):
    """KMS: the model's own keys, looked up."""

    name = "kms"

    def __init__(self, faults: Faults, keys: KeyRing, account: str, region: str) -> None:
        super().__init__(faults)
        self._keys, self._account, self._region = keys, account, region

    def describe_key(self, KeyId: str) -> Answer:  # noqa: N803
        """Look at a key by id, ARN or alias."""
        found = self._keys(self._account, self._region, KeyId)
        if found is None or found.region != self._region:
            raise client_error("NotFoundException", f"Key {KeyId} is not found.", "DescribeKey")
        state = "Enabled" if found.enabled else "Disabled"
        return {"KeyMetadata": {"Arn": found.arn, "KeyState": state, "KeyManager": found.manager}}


class InMemoryNetwork(InMemoryService):
    """EC2: security groups and the VPC that each is in."""

    name = "ec2"

    def __init__(self, faults: Faults) -> None:
        super().__init__(faults)
        self.groups: dict[str, str] = {}

    def describe_security_groups(self, GroupIds: list[str]) -> Answer:  # noqa: N803
        """Look at security groups by id."""
        for group in GroupIds:
            if group not in self.groups:
                message = f"The security group '{group}' does not exist"
                raise client_error("InvalidGroup.NotFound", message, "DescribeSecurityGroups")
        return {
            "SecurityGroups": [
                {"GroupId": group, "VpcId": self.groups[group]} for group in GroupIds
            ]
        }
