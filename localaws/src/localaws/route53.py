"""Route 53: moto's zones, with batches that hold or fail as a whole, and changes that take time.

No name is resolved: a zone is a list that can be read.
"""

import secrets
import string
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, Final, cast

from moto.core.responses import ActionResult
from moto.route53 import models
from moto.route53.exceptions import Route53ClientError
from moto.route53.responses import Route53 as MotoRoute53

from localaws.record_sets import ChangeRefusedError, RecordSet, changed

PROPAGATION: Final = timedelta(seconds=60)
"""Route 53's servers have a change within a minute, as a rule (its API reference, GetChange)."""

VALUES_MAX: Final = 1_000  # of a batch, those of an UPSERT twice (developer guide, quotas)
_ID_CHARACTERS: Final = string.ascii_uppercase + string.digits
_ID_LENGTH: Final = 20
_PREFIX: Final = "/change/"


def _utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass
class Propagation:
    """The changes that were accepted, and which of them all name servers have."""

    speed: float = 1.0
    now: Callable[[], datetime] = _utc_now
    _submitted: dict[str, tuple[datetime, str | None]] = field(default_factory=dict)

    def begin(self, comment: str | None = None) -> dict[str, Any]:
        """Accept a change, and return what is said of it."""
        identifier = "C" + "".join(secrets.choice(_ID_CHARACTERS) for _ in range(_ID_LENGTH))
        self._submitted[identifier] = self.now(), comment
        return self.of(identifier)

    def of(self, identifier: str) -> dict[str, Any]:
        """Return what is said of a change: PENDING at first, then INSYNC."""
        found = self._submitted.get(identifier.removeprefix(_PREFIX))
        if found is None:
            raise Route53ClientError(
                "NoSuchChange", f"Could not find resource with ID: {identifier}"
            )
        submitted_at, comment = found
        is_everywhere = self.now() - submitted_at >= PROPAGATION / self.speed
        return {
            "Id": _PREFIX + identifier.removeprefix(_PREFIX),
            "Status": "INSYNC" if is_everywhere else "PENDING",
            "SubmittedAt": submitted_at,
            "Comment": comment,
        }


class Route53(MotoRoute53):
    """The API of Route 53. The server fills in `propagation`."""

    propagation: ClassVar[Propagation]

    def create_hosted_zone(self) -> ActionResult:
        """Create a zone; the same CallerReference does not make a second one."""
        reference = self._get_param("CallerReference")
        if any(zone.caller_reference == reference for zone in self.backend.zones.values()):
            raise Route53ClientError(
                "HostedZoneAlreadyExists", "A hosted zone with this CallerReference exists already."
            )
        return self._with_change(super().create_hosted_zone())

    def delete_hosted_zone(self) -> ActionResult:
        """Delete a zone that has no records of its users any more."""
        return self._with_change(super().delete_hosted_zone())

    def _with_change(self, answer: ActionResult) -> ActionResult:
        said = cast("dict[str, Any]", answer.result)
        return ActionResult({**said, "ChangeInfo": self.propagation.begin()})

    def change_resource_record_sets(self) -> ActionResult:
        """Change record sets, all of a batch or none."""
        zone = self.backend.get_hosted_zone(self._get_param("HostedZoneId"))
        changes = self._get_param("ChangeBatch.Changes")
        _refuse_many(changes)
        try:
            after = changed(zone.name, map(_read, zone.rrsets), changes)
        except ChangeRefusedError as error:
            raise Route53ClientError(error.code, f"[{error}]") from error
        zone.rrsets = [_write(one) for one in after]
        comment = self._get_param("ChangeBatch.Comment")
        return ActionResult({"ChangeInfo": self.propagation.begin(comment)})

    def get_change(self) -> ActionResult:
        """Say how far a change is."""
        return ActionResult({"ChangeInfo": self.propagation.of(self._get_param("Id"))})


def _refuse_many(changes: list[dict[str, Any]]) -> None:
    values = sum(
        len(change["ResourceRecordSet"].get("ResourceRecords") or ())
        * (2 if change["Action"] == "UPSERT" else 1)
        for change in changes
    )
    if values > VALUES_MAX:
        raise Route53ClientError(
            "InvalidChangeBatch", f"[Number of records limit of {VALUES_MAX} exceeded.]"
        )


def _read(found: models.RecordSet) -> RecordSet:
    # moto writes the values of the records that it makes for a zone in two ways.
    values = (value["Value"] if isinstance(value, dict) else value for value in found.records)
    return RecordSet(found.name, str(found.type), int(found.ttl or 0), tuple(values))


def _write(one: RecordSet) -> models.RecordSet:
    return models.RecordSet(  # type: ignore[abstract]  # moto makes them so itself
        {
            "Name": one.name,
            "Type": one.type,
            "TTL": one.ttl,
            "ResourceRecords": list(one.values),
        }
    )
