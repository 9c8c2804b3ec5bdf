"""The events of RDS as values: what happened to which snapshot, cluster or instance."""

from collections.abc import Mapping
from typing import Any

from pydantic import (
    BaseModel,
    ConfigDict,
)

from chalicelib.flow.cluster_names import targets_of_cluster, targets_of_instance
from chalicelib.flow.rds_event_ids import STARTING_EVENTS, RdsEvent
from chalicelib.messages.envelopes import detail_of, text_of
from chalicelib.messages.requests import SNAPSHOT_ARN


class RdsNotice(BaseModel):
    """An event of RDS: what happened to which resource, and where."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    event: str | None  # the id, when the payload has one
    detail_type: str
    message: str
    arn: str
    region: str
    account: str

    @classmethod
    def of(cls, envelope: Mapping[str, Any]) -> "RdsNotice":
        """Read the envelope of EventBridge.

        Its region and account are those of the resource, also in a forwarded event.
        """
        detail, resources = detail_of(envelope), envelope.get("resources")
        first = resources[0] if isinstance(resources, list) and resources else ""
        return cls(
            event=text_of(detail.get("EventID")) or None,
            detail_type=text_of(envelope.get("detail-type")),
            message=text_of(detail.get("Message")),
            arn=text_of(detail.get("SourceArn") or first).lower(),
            region=text_of(envelope.get("region")),
            account=text_of(envelope.get("account")),
        )

    @property
    def identifier(self) -> str:
        """The resource's name, which may have a colon (a snapshot's `rds:…`)."""
        return self.arn.split(":", 6)[-1]

    @property
    def names_snapshot(self) -> bool:
        """Tell whether the event is about a cluster's snapshot."""
        return SNAPSHOT_ARN.fullmatch(self.arn) is not None

    def is_in(self, account: str, region: str) -> bool:
        """Tell whether the event and its resource are of an account and region.

        A forwarded event keeps both.
        """
        of_resource = (*self.arn.split(":")[4:2:-1],)
        return (self.account, self.region) == (account, region) == of_resource

    @property
    def is_of_cluster(self) -> bool:
        """Tell whether the event is about a cluster."""
        return self.arn.split(":")[5:6] == ["cluster"]

    @property
    def target_arns(self) -> tuple[str, ...]:
        """The ARNs of the clusters that may be the target of the event, the likeliest first.

        Official samples have `rds:` before names, live events do not.
        """
        name = self.identifier.removeprefix("rds:")
        names = targets_of_cluster(name) if self.is_of_cluster else targets_of_instance(name)
        prefix = self.arn.split(":")[:5]
        return tuple(":".join([*prefix, "cluster", name]) for name in names)

    def is_one_of(self, known: tuple[RdsEvent, ...]) -> bool:
        """Match by id, or by the message's beginning when the payload has no id."""
        return any(self._is(event) for event in known if self.detail_type == event.detail_type)

    def _is(self, event: RdsEvent) -> bool:
        if self.event is None:
            return self.message.startswith(event.message)
        return self.event == event.event_id

    @property
    def starts_something(self) -> bool:
        """Tell whether a snapshot became available; other events of snapshots start nothing."""
        return self.is_one_of(STARTING_EVENTS)
