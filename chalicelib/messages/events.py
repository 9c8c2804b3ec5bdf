"""The events as values: those of RDS, the requests of people, and the app's announcements."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    PlainValidator,
    ValidationError,
    model_validator,
)

from chalicelib.flow import exposure
from chalicelib.flow.choreography import ROWS, STEPS, TERMINAL, State
from chalicelib.flow.errors import RefusedError
from chalicelib.flow.not_carried import not_carried
from chalicelib.flow.operation import Operation
from chalicelib.flow.plan import Plan
from chalicelib.flow.rds_events import STARTING_EVENTS, RdsEvent
from chalicelib.flow.retirement import previous_kept_until
from chalicelib.flow.setting_problems import nearest
from chalicelib.flow.text_limits import brief
from chalicelib.flow.timestamps import iso_timestamp
from chalicelib.flow.untrusted_text import first_of, one_line, shown_name
from chalicelib.messages import commands
from chalicelib.messages.target_naming import opened_arn
from chalicelib.settings import PLAN_NAME

_STRICT = ConfigDict(frozen=True, extra="forbid", strict=True)
Request = TypeVar("Request", bound=BaseModel)
# EventBridge tries for 24 hours to reach a function, and Lambda's queue then keeps an event for 6:
# an older event was sent again by somebody (EventBridge user guide, retry policy; Lambda developer
# guide, asynchronous invocation).
EVENT_AGE_MAX = timedelta(hours=30)
CLOCK_SKEW_MAX = timedelta(minutes=5)  # between the sender's clock and this one
LAST = "last"  # in rerun_of: the last success on the target of the plan
_ID_MAX = 128
_OPERATION_ID = re.compile(r"[a-z][a-z0-9-]{0,127}")
# Automated snapshots are called `rds:…`.
_SNAPSHOT_NAME = re.compile(r"(?:[a-z]+:)?[a-z][a-z0-9-]{0,254}", re.IGNORECASE)
_SNAPSHOT_ARN = re.compile(
    r"arn:[a-z-]+:rds:[a-z0-9-]+:\d{12}:cluster-snapshot:" + _SNAPSHOT_NAME.pattern, re.IGNORECASE
)
_CLUSTER_SUFFIX = re.compile(r"-(?:next|previous|a|b)$")
_INSTANCE_SUFFIX = re.compile(r"(?:-[0-9a-f]{6})?-\d+$")
_UNKNOWN_FIELD = "extra_forbidden"  # as pydantic calls it
_WRONG_FIELDS = (_UNKNOWN_FIELD, "missing", "model_type")
FIELD_MAX = 64  # characters that are shown of an unknown field's name
_Shown = AfterValidator(one_line)  # people's texts are one line from here on
_Id = Annotated[str, Field(min_length=1, max_length=_ID_MAX), _Shown]
_Reason = Annotated[str, Field(max_length=500), _Shown]


def _snapshot_identifier(text: str) -> str:
    if not (_SNAPSHOT_NAME.fullmatch(text) or _SNAPSHOT_ARN.fullmatch(text)):
        raise ValueError("should be the identifier or the ARN of a cluster snapshot")
    return text.lower()  # as RDS stores identifiers


class RestoreRequested(BaseModel):
    """A person's request for a restore or a rerun.

    It chooses a snapshot or a step, never what is deleted.
    """

    model_config = _STRICT

    request_id: _Id | None = None
    plan: str | None = Field(default=None, pattern=f"^{PLAN_NAME.pattern}$")
    snapshot_identifier: Annotated[str, AfterValidator(_snapshot_identifier)] | None = None
    rerun_of: _Id | None = None
    # The steps are known at run time only.
    from_step: Literal[STEPS] | None = None  # type: ignore[valid-type]
    older: bool | None = None  # whether newer data may be replaced by older
    reason: _Reason | None = None

    @model_validator(mode="after")
    def _is_consistent(self) -> "RestoreRequested":
        if self.from_step and not self.rerun_of:
            raise ValueError("from_step needs rerun_of, the operation that is to be continued")
        if self.rerun_of and (self.snapshot_identifier or (self.plan and self.rerun_of != LAST)):
            raise ValueError(
                "rerun_of keeps the snapshot and the plan of its operation; leave out the others"
            )
        return self


class CancelRequested(BaseModel):
    """A person's request to cancel one operation."""

    model_config = _STRICT

    operation_id: _Id
    reason: _Reason | None = None


class RollbackRequested(BaseModel):
    """A person's request to give the previous target its name back."""

    model_config = _STRICT

    operation_id: _Id
    request_id: _Id | None = None
    reason: _Reason | None = None


def _read_plan(settings: Any) -> Plan:
    """Read the settings of a plan by their names; those of another version are ignored."""
    if not isinstance(settings, dict):
        raise ValueError("should be the settings of a plan")  # noqa: TRY004 # pydantic's contract
    return Plan.of_settings(**settings)


class ProbeRequested(BaseModel):
    """The doctor's request that setup-db-users try its network.

    It has the plan's settings, because that function reads no SSM parameters.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    request_id: _Id
    settings: Annotated[Plan, PlainValidator(_read_plan)]


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
            event=_text(detail.get("EventID")) or None,
            detail_type=_text(envelope.get("detail-type")),
            message=_text(detail.get("Message")),
            arn=_text(detail.get("SourceArn") or first).lower(),
            region=_text(envelope.get("region")),
            account=_text(envelope.get("account")),
        )

    @property
    def identifier(self) -> str:
        """The resource's name, which may have a colon (a snapshot's `rds:…`)."""
        return self.arn.split(":", 6)[-1]

    @property
    def names_snapshot(self) -> bool:
        """Tell whether the event is about a cluster's snapshot."""
        return _SNAPSHOT_ARN.fullmatch(self.arn) is not None

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

        A cluster is the target itself, or has its name with a suffix. Instances that the
        app creates are called `<target>-<number>`, or `<target>-<digits>-<number>`. An instance
        with another name came with an adopted target and is only ever deleted; the event of its
        cluster follows. Official samples have `rds:` before names, live events do not.
        """
        name = self.identifier.removeprefix("rds:")
        if self.is_of_cluster:
            names = [name, _CLUSTER_SUFFIX.sub("", name)]
        elif _INSTANCE_SUFFIX.search(name):
            names = [name.rpartition("-")[0], _INSTANCE_SUFFIX.sub("", name)]
        else:
            names = []
        prefix = self.arn.split(":")[:5]
        return tuple(":".join([*prefix, "cluster", name]) for name in dict.fromkeys(names))

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


def why_untimely(envelope: Mapping[str, Any], now: datetime) -> str | None:
    """Say why an event is stale or of the future; None for one that may be delivered now.

    An event from an archive was right once, and would now replace a target or stop an operation.
    EventBridge gives each event its time, so an event without a readable time was made by hand just
    now. Who sends an event may give it another time (PutEvents, `Time`); such an event is ignored.
    """
    # EventBridge adds the name to the events that it replays (user guide, archives).
    if replay := envelope.get("replay-name"):
        return f"it was replayed from an archive, by {shown_name(replay)}"
    time = str(envelope.get("time"))
    try:
        sent_at = datetime.fromisoformat(time)
        age = now - (sent_at if sent_at.tzinfo else sent_at.replace(tzinfo=UTC))
        timestamp = iso_timestamp(now - age)
    except ValueError:
        return None
    except OverflowError:
        return f"its time is {shown_name(time)}, outside of the calendar in UTC"
    if age < -CLOCK_SKEW_MAX:
        return f"it is of {timestamp}, which has not come yet"
    if age > EVENT_AGE_MAX:
        return f"it is of {timestamp}, {age // timedelta(hours=1)} hours ago"
    return None


def detail_of(envelope: Mapping[str, Any]) -> Mapping[str, Any]:
    """Read the detail of an event; empty where it is no object."""
    detail = envelope.get("detail")
    return detail if isinstance(detail, Mapping) else {}


def event_id_of(envelope: Mapping[str, Any]) -> str:
    """Read the id that EventBridge gave an event; empty where there is no valid one."""
    found = envelope.get("id")
    return one_line(found) if isinstance(found, str) and len(found) <= _ID_MAX else ""


def is_operation_id(text: str) -> bool:
    """Tell whether a text could be an operation's id: the same table has the targets' items."""
    return _OPERATION_ID.fullmatch(text) is not None


def operation_id_of(envelope: Mapping[str, Any]) -> str:
    """Read the operation id of an announcement; empty where it names none."""
    found = detail_of(envelope).get("operation_id")
    return found if isinstance(found, str) and is_operation_id(found) else ""


def _text(value: object) -> str:
    """Read a text of an event; empty where the value is no text."""
    return shown_name(value) if isinstance(value, str) else ""


def parse_request(model: type[Request], detail: Any) -> Request:
    """Read a person's event; raises RefusedError that names every wrong field."""
    try:
        return model.model_validate(detail)
    except ValidationError as error:
        problems = error.errors(include_url=False)
        wrong = first_of(_problem(problem, model) for problem in problems)
        corrections = dict.fromkeys(_correction(problem, model) for problem in problems)
        raise RefusedError(
            f"The event {model.__name__} is invalid: {wrong}.",
            f"Send it again {' and '.join(corrections)}.",
        ) from error


def _problem(problem: Mapping[str, Any], model: type[BaseModel]) -> str:
    field = brief(one_line(".".join(map(str, problem["loc"]))), FIELD_MAX) or "the detail"
    near = nearest(field, model.model_fields) if problem["type"] == _UNKNOWN_FIELD else None
    suggestion = f" (did you mean {near}?)" if near else ""
    return f"{field}: {problem['msg'].removeprefix('Value error, ')}{suggestion}"


def _correction(problem: Mapping[str, Any], model: type[BaseModel]) -> str:
    """Give the correction of one problem, as a phrase that begins with `with`."""
    if problem["loc"] == ("from_step",):
        given = problem["input"]
        step = nearest(given, STEPS) if isinstance(given, str) else None
        return f"with from_step {step}" if step else "with one of these steps as from_step"
    if problem["type"] in _WRONG_FIELDS:
        return f"with these fields only: {', '.join(model.model_fields)}"
    return "with that corrected"


def announcement(operation: Operation) -> tuple[str, dict[str, Any]]:
    """Make the event that announces the present state.

    The event of an end has all that users' own steps need.
    """
    detail: dict[str, Any] = {
        "operation_id": operation.operation_id,
        "plan": operation.plan_name,
        "stage": operation.stage,
        "state": operation.state.value,
        "version": operation.version,
    }
    if operation.state in TERMINAL:
        detail.update(end_of(operation))
    return ROWS[operation.state].event, detail


def replacement_of(operation: Operation, at: str) -> dict[str, Any]:
    """Describe for programs when a target will be replaced, and what prevents it."""
    return {
        "operation_id": operation.operation_id,
        "plan": operation.plan_name,
        "stage": operation.stage,
        "target_cluster": operation.plan.target_cluster_arn,
        "snapshot": operation.facts.snapshot.arn,
        "replaced_at": at,
        "cancel": commands.cancel_command(operation),
    }


def end_of(operation: Operation) -> dict[str, Any]:
    """Describe the end of an operation for programs; None where something was never made."""
    facts, plan, old = operation.facts, operation.plan, operation.facts.target.old
    return {
        "source_cluster": plan.source_cluster_arn,
        "target_cluster": opened_arn(operation),
        "previous_cluster": old.resource_id if old and operation.keeps_previous else None,
        "previous_kept_until": _iso_or_none(previous_kept_until(operation)),
        "snapshot": facts.snapshot.arn,
        "snapshot_created_at": _iso_or_none(facts.snapshot.created_at),
        "endpoint": facts.target.endpoint,
        "reader_endpoint": facts.target.reader_endpoint,
        "port": facts.target.port,
        "master_credentials_secret_id": plan.users.master_credentials_secret_id,
        "app_credentials_secret_id": plan.users.app_credentials_secret_id,
        "production_logins_closed": facts.users.production_logins_closed,
        "production_logins_kept": list(facts.users.logins_kept),
        "exposure_seconds_max": exposure.seconds_max(facts),
        "quieted": dict(facts.users.quieted),
        "reason": operation.reason and one_line(operation.reason),
        "remedy": operation.remedy and one_line(operation.remedy),
        "problems": [one_line(problem) for problem in operation.problems],
        "failed_step": operation.failed_step,
        "stopped_in": operation.stopped_at.value if operation.stopped_at else None,
        "not_carried": _not_carried(operation),
        "warnings": [one_line(warning) for warning in operation.warnings],
        "notified": operation.notified,
        "rerun_of": operation.rerun_of,
        "keeps_cluster": bool(operation.keeps_cluster),
        "created_at": iso_timestamp(operation.created_at),
        "ended_at": _iso_or_none(operation.ended_at),
        "durations": operation.to_item()["durations"],
    }


def _not_carried(operation: Operation) -> list[str]:
    """List what the new target lacks; nothing where it did not come to be."""
    is_good = operation.state in (State.ARCHIVED, State.SUCCEEDED)
    return [one_line(what) for what in not_carried(operation)] if is_good else []


def _iso_or_none(moment: datetime | None) -> str | None:
    return iso_timestamp(moment) if moment else None
