"""The places that say where the target is: a secret, parameters, a DNS record.

Each is written on condition that it is still what was read. A place that somebody else has written
meanwhile raises TransientError: it is read again, and judged anew.
"""

import json
import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from chalicelib.aws.client import AwsError, NotFoundError, Service
from chalicelib.flow.errors import RefusedError, TransientError

STAGING_LABEL = "AURORA_RESTORE"  # of a version of the secret that is not the current one yet
CURRENT = "AWSCURRENT"
TTL_SECONDS = 5
IN_SYNC = "INSYNC"
# Secrets Manager's answers where the current version is not the one that was read.
MOVED_ON = frozenset({"InvalidParameterException", "InvalidRequestException"})
Value = str | int


@dataclass(frozen=True)
class Address:
    """Where a cluster is, as its pointers say it."""

    host: str
    reader_host: str
    port: int
    cluster_id: str

    @property
    def members(self) -> dict[str, Value]:
        """Give the members of the secret."""
        return asdict(self)

    @property
    def parameters(self) -> dict[str, str]:
        """Give the parameters below the folder of the plan."""
        return {
            "endpoint": self.host,
            "reader_endpoint": self.reader_host,
            "port": str(self.port),
            "cluster_id": self.cluster_id,
        }


MEMBERS = ("host", "reader_host", "port", "cluster_id")
PARAMETERS = ("endpoint", "reader_endpoint", "port", "cluster_id")


@dataclass(frozen=True)
class SeenSecret:
    """The current version of a secret: its document, and what it says of the target."""

    version: str
    document: Mapping[str, Any]

    @property
    def values(self) -> dict[str, Value]:
        """Give the pointers that are there."""
        return {name: self.document[name] for name in MEMBERS if name in self.document}

    def __repr__(self) -> str:
        """Show no password."""
        return f"SeenSecret(version={self.version!r})"


class PointedSecret:
    """The application secret, whose JSON names the target beside the users."""

    def __init__(self, secrets: Service, secret_id: str) -> None:
        self._secrets, self._secret_id = secrets, secret_id

    def read(self) -> SeenSecret:
        """Read the current version; raises RefusedError where it is missing or no object."""
        name = self._secret_id
        try:
            answer = self._secrets.call("get_secret_value", SecretId=name)
        except NotFoundError as error:
            raise RefusedError(
                f"There is no secret {name} in {self._secrets.region}.",
                "Make it, or correct APP_CREDENTIALS_SECRET_ID.",
            ) from error
        try:
            document = json.loads(answer.get("SecretString") or "")
        except ValueError:  # the text of the error would quote the secret
            document = None
        if not isinstance(document, dict):
            raise RefusedError(
                f"The secret {name} is no JSON object, so it cannot name the target.",
                "Store a JSON object with the users in it.",
            )
        return SeenSecret(answer["VersionId"], document)

    def write(self, seen: SeenSecret, address: Address | None) -> None:
        """Make a version with other pointers the current one, in place of the one that was read.

        The version is made beside the current one. Moving the label fails unless that is still on
        the version that was read (API reference, UpdateSecretVersionStage).
        """
        members = address.members if address else {}
        kept = {name: value for name, value in seen.document.items() if name not in MEMBERS}
        # The same request again makes no second version.
        token = uuid.uuid5(uuid.NAMESPACE_URL, json.dumps([seen.version, members]))
        made = self._secrets.call(
            "put_secret_value",
            SecretId=self._secret_id,
            ClientRequestToken=str(token),
            SecretString=json.dumps({**kept, **members}),
            VersionStages=[STAGING_LABEL],
        )
        try:
            self._secrets.call(
                "update_secret_version_stage",
                SecretId=self._secret_id,
                VersionStage=CURRENT,
                MoveToVersionId=made["VersionId"],
                RemoveFromVersionId=seen.version,
            )
        except AwsError as error:
            if error.code in MOVED_ON:
                raise _changed(f"The secret {self._secret_id}") from error
            raise


@dataclass(frozen=True)
class SeenParameter:
    """A parameter as it was read."""

    value: str
    version: int


class PointedParameters:
    """The parameters of a plan below `…/pointers/<plan>/`."""

    def __init__(self, ssm: Service, folder: str) -> None:
        self._ssm, self._folder = ssm, folder

    def read(self) -> dict[str, SeenParameter]:
        """Read the parameters that are there."""
        names = [f"{self._folder}{name}" for name in PARAMETERS]
        found = self._ssm.call("get_parameters", Names=names)["Parameters"]
        return {
            parameter["Name"].removeprefix(self._folder): SeenParameter(
                parameter["Value"], parameter["Version"]
            )
            for parameter in found
        }

    def write(self, name: str, seen: SeenParameter | None, value: str | None) -> None:
        """Write one parameter, or delete it.

        SSM has no condition for a change, only for a creation: the version that a change makes
        tells whether another one came between (API reference, PutParameter).
        """
        path = f"{self._folder}{name}"
        if value is None:
            if seen:
                self._ssm.call("delete_parameters", Names=[path])
            return
        try:
            made = self._ssm.call(
                "put_parameter", Name=path, Value=value, Type="String", Overwrite=seen is not None
            )
        except AwsError as error:
            if error.code == "ParameterAlreadyExists":
                raise _changed(f"The parameter {path}") from error
            raise
        if made["Version"] != (seen.version + 1 if seen else 1):
            raise _changed(f"The parameter {path}")


@dataclass(frozen=True)
class SeenRecord:
    """The CNAME record as it was read, whole: that is the condition of its change."""

    record_set: Mapping[str, Any]

    @property
    def host(self) -> str:
        """The name that it leads to."""
        (value,) = self.record_set["ResourceRecords"]
        return str(value["Value"]).lower().removesuffix(".")

    @property
    def ttl(self) -> int:
        """The seconds for which a name server may answer with it after it was changed."""
        return int(self.record_set["TTL"])


class PointedRecord:
    """A CNAME record in a hosted zone of Route 53."""

    def __init__(self, route53: Service, zone_id: str, name: str) -> None:
        self._route53, self._zone_id, self._name = route53, zone_id, name

    def read(self) -> SeenRecord | None:
        """Read the record; raises RefusedError where something else has the name."""
        try:
            answer = self._route53.call(
                "list_resource_record_sets",
                HostedZoneId=self._zone_id,
                StartRecordName=self._name,
                MaxItems="3",
            )
        except NotFoundError as error:
            raise RefusedError(
                f"There is no hosted zone {self._zone_id}.", "Correct TARGET_DNS_ZONE_ID."
            ) from error
        for found in answer["ResourceRecordSets"]:
            if found["Name"].lower().removesuffix(".") == self._name:
                return self._plain(found)
        return None

    def _plain(self, found: Mapping[str, Any]) -> SeenRecord:
        is_plain = "SetIdentifier" not in found and len(found.get("ResourceRecords", ())) == 1
        if found["Type"] == "CNAME" and is_plain:
            return SeenRecord(found)
        raise RefusedError(
            f"The record {self._name} in the zone {self._zone_id} is no simple CNAME, but "
            f"{found['Type']}.",
            "Name a CNAME record, or a name without a record, in TARGET_DNS_NAME.",
        )

    def write(self, seen: SeenRecord | None, host: str | None) -> str:
        """Replace the record that was read, or create or delete it; returns the change's id.

        A batch holds or fails as a whole, and the deletion of a record that is another by now fails
        (API reference, ChangeResourceRecordSets). So does a name that the zone cannot have, with
        the same code: raises RefusedError where nobody has changed the record.
        """
        changes = []
        if seen:
            changes.append({"Action": "DELETE", "ResourceRecordSet": seen.record_set})
        if host:
            changes.append({"Action": "CREATE", "ResourceRecordSet": self._record_set(host)})
        try:
            answer = self._route53.call(
                "change_resource_record_sets",
                HostedZoneId=self._zone_id,
                ChangeBatch={"Comment": "aurora-restore", "Changes": changes},
            )
        except AwsError as error:
            if error.code != "InvalidChangeBatch":
                raise
            if self.read() != seen:
                raise _changed(f"The record {self._name}") from error
            raise RefusedError(
                error.reason,
                f"Correct TARGET_DNS_NAME, {self._name}, or TARGET_DNS_ZONE_ID, {self._zone_id}: "
                "the name has to be one below the zone's.",
                from_step="delete-rds",
            ) from error
        return str(answer["ChangeInfo"]["Id"]).rpartition("/")[2]

    def _record_set(self, host: str) -> dict[str, Any]:
        values = [{"Value": host}]
        return {
            "Name": self._name, "Type": "CNAME", "TTL": TTL_SECONDS, "ResourceRecords": values,
        }  # fmt: skip

    def is_in_sync(self, change_id: str) -> bool:
        """Tell whether all of Route 53's servers know a change."""
        found = self._route53.call("get_change", Id=change_id)["ChangeInfo"]
        return bool(found["Status"] == IN_SYNC)


def _changed(what: str) -> TransientError:
    return TransientError(f"{what} was changed by somebody else meanwhile; it is read again.")
