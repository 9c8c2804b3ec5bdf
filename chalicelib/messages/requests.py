"""The events that people send: requests to restore, to cancel, to roll back, and to probe."""

import re
from collections.abc import Mapping
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

from chalicelib.flow.choreography import STEPS
from chalicelib.flow.errors import RefusedError
from chalicelib.flow.plan import Plan
from chalicelib.flow.setting_problems import nearest
from chalicelib.flow.text_limits import brief
from chalicelib.flow.untrusted_text import first_of, one_line
from chalicelib.messages.envelopes import ID_MAX
from chalicelib.settings import PLAN_NAME

_STRICT = ConfigDict(frozen=True, extra="forbid", strict=True)
Request = TypeVar("Request", bound=BaseModel)
LAST = "last"  # in rerun_of: the last success on the target of the plan
# Automated snapshots are called `rds:…`.
_SNAPSHOT_NAME = re.compile(r"(?:[a-z]+:)?[a-z][a-z0-9-]{0,254}", re.IGNORECASE)
SNAPSHOT_ARN = re.compile(
    r"arn:[a-z-]+:rds:[a-z0-9-]+:\d{12}:cluster-snapshot:" + _SNAPSHOT_NAME.pattern, re.IGNORECASE
)
_UNKNOWN_FIELD = "extra_forbidden"  # as pydantic calls it
_WRONG_FIELDS = (_UNKNOWN_FIELD, "missing", "model_type")
FIELD_MAX = 64  # characters that are shown of an unknown field's name
_Shown = AfterValidator(one_line)  # people's texts are one line from here on
_Id = Annotated[str, Field(min_length=1, max_length=ID_MAX), _Shown]
_Reason = Annotated[str, Field(max_length=500), _Shown]


def _snapshot_identifier(text: str) -> str:
    if not (_SNAPSHOT_NAME.fullmatch(text) or SNAPSHOT_ARN.fullmatch(text)):
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
