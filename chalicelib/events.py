"""What comes in and what goes out, as values: RDS's events, people's requests, our own announcements."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from chalicelib.choreography import ROWS, STEPS, TERMINAL
from chalicelib.errors import RefusedError
from chalicelib.foreign_text import first_of, one_line
from chalicelib.limits import brief
from chalicelib.operation import Operation, stamp
from chalicelib.rds_events import STARTING_EVENTS, RdsEvent
from chalicelib.settings import PLAN_NAME

_STRICT = ConfigDict(frozen=True, extra="forbid", strict=True)
Request = TypeVar("Request", bound=BaseModel)
# EventBridge tries for 24 hours to reach a function, and Lambda's queue then keeps an event for 6: what is older was
# put again by somebody (EventBridge user guide, retry policy; Lambda developer guide, asynchronous invocation).
EVENT_AGE_MAX = timedelta(hours=30)
_ID_MAX = 128
FIELD_MAX = 64  # characters of a field's name, where one is not known
_Shown = AfterValidator(one_line)  # what people write is one line from here on
_Id = Annotated[str, Field(min_length=1, max_length=_ID_MAX), _Shown]
_Reason = Annotated[str, Field(max_length=500), _Shown]


class RestoreRequested(BaseModel):
    """A person's request: a snapshot, or a rerun. It chooses a snapshot or a step, never what is deleted."""

    model_config = _STRICT

    request_id: _Id | None = None
    plan: str | None = Field(default=None, pattern=f"^{PLAN_NAME.pattern}$")
    snapshot_identifier: Annotated[str, Field(min_length=1, max_length=255), _Shown] | None = None
    rerun_of: _Id | None = None
    from_step: Literal[STEPS] | None = None  # type: ignore[valid-type] # the steps are known at run time only
    reason: _Reason | None = None

    @model_validator(mode="after")
    def _makes_one_wish(self) -> "RestoreRequested":
        if self.from_step and not self.rerun_of:
            raise ValueError("from_step needs rerun_of, the operation that is to be continued")
        if self.rerun_of and (self.snapshot_identifier or self.plan):
            raise ValueError("rerun_of keeps the snapshot and the plan of its operation; leave out the others")
        return self


class CancelRequested(BaseModel):
    """A person's wish to stop one operation."""

    model_config = _STRICT

    operation_id: _Id
    reason: _Reason | None = None


class RdsNotice(BaseModel):
    """An event of RDS, as far as it is a hint: what happened to which resource, where."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    event: str | None  # the id, when the payload has one
    detail_type: str
    message: str
    arn: str
    region: str
    account: str

    @classmethod
    def of(cls, envelope: Mapping[str, Any]) -> "RdsNotice":
        """Read the envelope of EventBridge; the region and account are those of the resource, kept when forwarded."""
        detail = envelope.get("detail") or {}
        arn = str(detail.get("SourceArn") or next(iter(envelope.get("resources") or []), ""))
        return cls(
            event=detail.get("EventID"), detail_type=str(envelope.get("detail-type", "")),
            message=str(detail.get("Message", "")), arn=arn.lower(), region=str(envelope.get("region", "")),
            account=str(envelope.get("account", "")),
        )  # fmt: skip

    @property
    def identifier(self) -> str:
        """The resource's own name. Snapshot names may hold a colon (`rds:…`), so only six parts are split."""
        return self.arn.split(":", 6)[-1]

    @property
    def is_of_cluster(self) -> bool:
        """Tell whether it is a cluster that the event speaks of."""
        return self.arn.split(":")[5:6] == ["cluster"]

    @property
    def cluster_arn(self) -> str:
        """The ARN of the cluster that is meant: the resource itself, or the one that an instance is called after.

        Ours are called `<cluster>-<number>`. An instance with another name came with an adopted target and is only ever
        deleted; its cluster's own event follows. Official samples have `rds:` before names, live events do not.
        """
        name = self.identifier.removeprefix("rds:")
        cluster = name if self.is_of_cluster else name.rpartition("-")[0]
        return ":".join([*self.arn.split(":")[:5], "cluster", cluster])

    def is_one_of(self, known: tuple[RdsEvent, ...]) -> bool:
        """Match by id, or by the message's beginning when the payload has no id."""
        return any(
            self.detail_type == one.detail_type
            and (self.event == one.event_id or (self.event is None and self.message.startswith(one.message)))
            for one in known
        )

    @property
    def starts_something(self) -> bool:
        """Tell whether a snapshot became available, rather than being begun, deleted or exported."""
        return self.is_one_of(STARTING_EVENTS)


def why_stale(envelope: Mapping[str, Any], now: datetime) -> str | None:
    """Say why an event belongs to the past; None for one that EventBridge could still be delivering.

    Archives replay what once was right and would now replace a target or stop an operation. EventBridge itself marks
    each event with its time, so one without a time that can be read was made by hand, just now, and counts as fresh.
    """
    if name := envelope.get("replay-name"):  # which EventBridge adds to what it replays (user guide, archives)
        return f"it was replayed from an archive, by {name}"
    try:
        made = datetime.fromisoformat(str(envelope.get("time")))
    except ValueError:
        return None
    age = now - (made if made.tzinfo else made.replace(tzinfo=UTC))
    return f"it is of {stamp(now - age)}, {age // timedelta(hours=1)} hours ago" if age > EVENT_AGE_MAX else None


def parse_request(model: type[Request], detail: Any) -> Request:
    """Read a person's event; raises RefusedError naming every field that is wrong."""
    try:
        return model.model_validate(detail)
    except ValidationError as error:
        wrong = first_of(map(_problem, error.errors(include_url=False, include_input=False)))
        raise RefusedError(
            f"The event {model.__name__} cannot be obeyed: {wrong}.",
            f"Put it again with these fields only: {', '.join(model.model_fields)}.",
        ) from error


def _problem(problem: Mapping[str, Any]) -> str:
    where = brief(one_line(".".join(map(str, problem["loc"]))), FIELD_MAX) or "the detail"
    return f"{where}: {problem['msg'].removeprefix('Value error, ')}"


def announcement(operation: Operation) -> tuple[str, dict[str, Any]]:
    """Make the event that announces the present state; an end carries what users hang their own steps on."""
    detail: dict[str, Any] = {
        "operation_id": operation.operation_id, "plan": operation.plan, "stage": operation.stage,
        "state": operation.state.value, "version": operation.version,
    }  # fmt: skip
    if operation.state in TERMINAL:
        detail.update(end_of(operation))
    return ROWS[operation.state].announced_as, detail


def end_of(operation: Operation) -> dict[str, Any]:
    """Tell how an operation ended, for machines; None where a thing never came to be."""
    facts, plan = operation.facts, operation.settings
    return {
        "source_cluster": plan.source_cluster_arn,
        "target_cluster": plan.target_cluster_arn,
        "snapshot": facts.snapshot_arn,
        "snapshot_created_at": _text(facts.snapshot_created_at),
        "endpoint": facts.endpoint,
        "reader_endpoint": facts.reader_endpoint,
        "port": facts.port,
        "master_credentials_secret_id": plan.master_credentials_secret_id,
        "app_credentials_secret_id": plan.app_credentials_secret_id,
        "production_logins_closed": facts.production_logins_closed,
        "production_logins_kept": list(facts.logins_kept),
        "reason": operation.reason and one_line(operation.reason),
        "remedy": operation.remedy and one_line(operation.remedy),
        "failed_step": operation.failed_step,
        "stopped_in": operation.stopped_in.value if operation.stopped_in else None,
        "warnings": [one_line(warning) for warning in operation.warnings],
        "notified": operation.notified,
        "rerun_of": operation.rerun_of,
        "created_at": stamp(operation.created_at),
        "ended_at": _text(operation.ended_at),
        "durations": [duration.model_dump(mode="json") for duration in operation.durations],
    }


def _text(moment: datetime | None) -> str | None:
    return stamp(moment) if moment else None
