"""What comes in and what goes out, as values: RDS's events, people's requests, our own announcements."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from chalicelib.flow import exposure
from chalicelib.flow.choreography import ROWS, STEPS, TERMINAL
from chalicelib.flow.errors import RefusedError
from chalicelib.flow.limits import brief
from chalicelib.flow.operation import Operation
from chalicelib.flow.plan import Plan
from chalicelib.flow.rds_events import STARTING_EVENTS, RdsEvent
from chalicelib.flow.setting_problems import nearest
from chalicelib.flow.timestamps import iso_timestamp
from chalicelib.flow.untrusted_text import first_of, one_line, shown_name
from chalicelib.settings import PLAN_NAME

_STRICT = ConfigDict(frozen=True, extra="forbid", strict=True)
Request = TypeVar("Request", bound=BaseModel)
# EventBridge tries for 24 hours to reach a function, and Lambda's queue then keeps an event for 6:
# what is older was put again by somebody (EventBridge user guide, retry policy; Lambda developer
# guide, asynchronous invocation).
EVENT_AGE_MAX = timedelta(hours=30)
CLOCK_SKEW_MAX = timedelta(minutes=5)  # of who gives an event its time
LAST = "last"  # in rerun_of: the last success on the target of the plan
_ID_MAX = 128
_OPERATION_ID = re.compile(r"[a-z][a-z0-9-]{0,127}")
_SNAPSHOT_NAME = re.compile(
    r"(?:[a-z]+:)?[a-z][a-z0-9-]{0,254}", re.IGNORECASE
)  # `rds:…` are the automated ones
_SNAPSHOT_ARN = re.compile(
    r"arn:[a-z-]+:rds:[a-z0-9-]+:\d{12}:cluster-snapshot:" + _SNAPSHOT_NAME.pattern, re.IGNORECASE
)
_UNKNOWN_FIELD = "extra_forbidden"  # as pydantic calls it
_WRONG_FIELDS = (_UNKNOWN_FIELD, "missing", "model_type")
FIELD_MAX = 64  # characters of a field's name, where one is not known
_Shown = AfterValidator(one_line)  # what people write is one line from here on
_Id = Annotated[str, Field(min_length=1, max_length=_ID_MAX), _Shown]
_Reason = Annotated[str, Field(max_length=500), _Shown]


def _snapshot_identifier(text: str) -> str:
    if not (_SNAPSHOT_NAME.fullmatch(text) or _SNAPSHOT_ARN.fullmatch(text)):
        raise ValueError("should be the identifier or the ARN of a cluster snapshot")
    return text.lower()  # as RDS stores identifiers


class RestoreRequested(BaseModel):
    """A person's request: a snapshot, or a rerun.

    It chooses a snapshot or a step, never what is deleted.
    """

    model_config = _STRICT

    request_id: _Id | None = None
    plan: str | None = Field(default=None, pattern=f"^{PLAN_NAME.pattern}$")
    snapshot_identifier: Annotated[str, AfterValidator(_snapshot_identifier)] | None = None
    rerun_of: _Id | None = None
    from_step: Literal[STEPS] | None = None  # type: ignore[valid-type] # the steps are known at run time only
    older: bool | None = None  # whether newer data may be replaced by older
    reason: _Reason | None = None

    @model_validator(mode="after")
    def _makes_one_wish(self) -> "RestoreRequested":
        if self.from_step and not self.rerun_of:
            raise ValueError("from_step needs rerun_of, the operation that is to be continued")
        if self.rerun_of and (self.snapshot_identifier or (self.plan and self.rerun_of != LAST)):
            raise ValueError(
                "rerun_of keeps the snapshot and the plan of its operation; leave out the others"
            )
        return self


class CancelRequested(BaseModel):
    """A person's wish to stop one operation."""

    model_config = _STRICT

    operation_id: _Id
    reason: _Reason | None = None


class ProbeRequested(BaseModel):
    """The doctor's question what setup-db-users reaches.

    `settings` because that function reads no parameters.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    request_id: _Id
    settings: Plan


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
        """Read the envelope of EventBridge.

        The region and account are those of the resource, kept when forwarded.
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
        """The resource's own name.

        Snapshot names may hold a colon (`rds:…`), so only six parts are split.
        """
        return self.arn.split(":", 6)[-1]

    @property
    def names_snapshot(self) -> bool:
        """Tell whether it is a cluster's snapshot that the event speaks of."""
        return _SNAPSHOT_ARN.fullmatch(self.arn) is not None

    def is_in(self, account: str, region: str) -> bool:
        """Tell whether event and resource are of an account and region.

        A forwarded event keeps both.
        """
        return (self.account, self.region) == (account, region) == (*self.arn.split(":")[4:2:-1],)

    @property
    def is_of_cluster(self) -> bool:
        """Tell whether it is a cluster that the event speaks of."""
        return self.arn.split(":")[5:6] == ["cluster"]

    @property
    def cluster_arn(self) -> str:
        """The ARN of the cluster that is meant: the resource itself, or the one that an instance is called after.

        Ours are called `<cluster>-<number>`. An instance with another name came with an adopted
        target and is only ever deleted; its cluster's own event follows. Official samples have
        `rds:` before names, live events do not.
        """
        name = self.identifier.removeprefix("rds:")
        cluster = name if self.is_of_cluster else name.rpartition("-")[0]
        return ":".join([*self.arn.split(":")[:5], "cluster", cluster])

    def is_one_of(self, known: tuple[RdsEvent, ...]) -> bool:
        """Match by id, or by the message's beginning when the payload has no id."""
        return any(
            self.detail_type == one.detail_type
            and (
                self.event == one.event_id
                or (self.event is None and self.message.startswith(one.message))
            )
            for one in known
        )

    @property
    def starts_something(self) -> bool:
        """Tell whether a snapshot became available, rather than being begun, deleted or exported."""
        return self.is_one_of(STARTING_EVENTS)


def why_untimely(envelope: Mapping[str, Any], now: datetime) -> str | None:
    """Say why an event belongs to another time.

    None for one that EventBridge could be delivering now.

    Archives replay what once was right and would now replace a target or stop an operation.
    EventBridge itself marks each event with its time, so one without a time that can be read was
    made by hand, just now, and counts as fresh. Whoever puts an event may give it another time
    (PutEvents, `Time`), which is then obeyed by nobody.
    """
    if replay := envelope.get(
        "replay-name"
    ):  # which EventBridge adds to what it replays (user guide, archives)
        return f"it was replayed from an archive, by {shown_name(replay)}"
    try:
        made = datetime.fromisoformat(str(envelope.get("time")))
        age = now - (made if made.tzinfo else made.replace(tzinfo=UTC))
        of = iso_timestamp(now - age)
    except ValueError:
        return None
    except OverflowError:
        return (
            f"its time is {shown_name(str(envelope.get('time')))}, outside of the calendar in UTC"
        )
    if age < -CLOCK_SKEW_MAX:
        return f"it is of {of}, which has not come yet"
    return f"it is of {of}, {age // timedelta(hours=1)} hours ago" if age > EVENT_AGE_MAX else None


def detail_of(envelope: Mapping[str, Any]) -> Mapping[str, Any]:
    """Read what an event carries; an event that carries no object carries nothing."""
    detail = envelope.get("detail")
    return detail if isinstance(detail, Mapping) else {}


def event_id_of(envelope: Mapping[str, Any]) -> str:
    """Read the id that EventBridge gave an event; empty where there is none that could be one."""
    found = envelope.get("id")
    return one_line(found) if isinstance(found, str) and len(found) <= _ID_MAX else ""


def is_operation_id(text: str) -> bool:
    """Tell whether a text could be an operation's id: the targets' items stand in the same table."""
    return _OPERATION_ID.fullmatch(text) is not None


def operation_id_of(envelope: Mapping[str, Any]) -> str:
    """Read which operation an announcement is about; empty where it names none."""
    found = detail_of(envelope).get("operation_id")
    return found if isinstance(found, str) and is_operation_id(found) else ""


def _text(value: object) -> str:
    """Read a text of an event's; what is no text says nothing."""
    return shown_name(value) if isinstance(value, str) else ""


def parse_request(model: type[Request], detail: Any) -> Request:
    """Read a person's event; raises RefusedError naming every field that is wrong."""
    try:
        return model.model_validate(detail)
    except ValidationError as error:
        problems = error.errors(include_url=False)
        wrong = first_of(_problem(problem, model) for problem in problems)
        corrections = dict.fromkeys(_correction(problem, model) for problem in problems)
        raise RefusedError(
            f"The event {model.__name__} cannot be obeyed: {wrong}.",
            f"Put it again {' and '.join(corrections)}.",
        ) from error


def _problem(problem: Mapping[str, Any], model: type[BaseModel]) -> str:
    where = brief(one_line(".".join(map(str, problem["loc"]))), FIELD_MAX) or "the detail"
    near = nearest(where, model.model_fields) if problem["type"] == _UNKNOWN_FIELD else None
    meant = f" (did you mean {near}?)" if near else ""
    return f"{where}: {problem['msg'].removeprefix('Value error, ')}{meant}"


def _correction(problem: Mapping[str, Any], model: type[BaseModel]) -> str:
    """Say what makes one problem go away: a phrase that begins with the word with."""
    if problem["loc"] == ("from_step",):
        given = problem["input"]
        step = nearest(given, STEPS) if isinstance(given, str) else None
        return f"with from_step {step}" if step else "with one of these steps as from_step"
    if problem["type"] in _WRONG_FIELDS:
        return f"with these fields only: {', '.join(model.model_fields)}"
    return "with that corrected"


def announcement(operation: Operation) -> tuple[str, dict[str, Any]]:
    """Make the event that announces the present state.

    An end carries what users hang their own steps on.
    """
    detail: dict[str, Any] = {
        "operation_id": operation.operation_id, "plan": operation.plan_name, "stage": operation.stage,
        "state": operation.state.value, "version": operation.version,
    }  # fmt: skip
    if operation.state in TERMINAL:
        detail.update(end_of(operation))
    return ROWS[operation.state].event, detail


def end_of(operation: Operation) -> dict[str, Any]:
    """Tell how an operation ended, for machines; None where a thing never came to be."""
    facts, plan = operation.facts, operation.plan
    return {
        "source_cluster": plan.source_cluster_arn,
        "target_cluster": plan.target_cluster_arn,
        "snapshot": facts.snapshot.arn,
        "snapshot_created_at": _stamped(facts.snapshot.created_at),
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
        "warnings": [one_line(warning) for warning in operation.warnings],
        "notified": operation.notified,
        "rerun_of": operation.rerun_of,
        "keeps_cluster": bool(operation.keeps_cluster),
        "created_at": iso_timestamp(operation.created_at),
        "ended_at": _stamped(operation.ended_at),
        "durations": operation.to_item()["durations"],
    }


def _stamped(moment: datetime | None) -> str | None:
    return iso_timestamp(moment) if moment else None
