"""CloudFormation: moto's, without its worst habit. A type that it does not know it skips, and says CREATE_COMPLETE."""

import json
from typing import Any, ClassVar, Final

import yaml
from moto.cloudformation.exceptions import ValidationError
from moto.cloudformation.parsing import NULL_MODELS, get_model_map
from moto.cloudformation.responses import CloudFormationResponse
from moto.cloudformation.utils import yaml_tag_constructor
from moto.core.responses import ActionResult

from localaws import patterns
from localaws.refusals import NotModelledError
from localaws.schedules import Schedules, period_seconds

Resource = dict[str, Any]

EVENTS_RULE: Final = "AWS::Events::Rule"


class _Loader(yaml.SafeLoader):  # type: ignore[misc]  # yaml publishes no types
    """YAML with CloudFormation's short forms (`!Ref`, `!Sub` …)."""


_Loader.add_multi_constructor("", yaml_tag_constructor)


class CloudFormation(CloudFormationResponse):
    """The API of CloudFormation. The server fills in `schedules`."""

    schedules: ClassVar[Schedules]

    def create_stack(self) -> ActionResult:
        """Refuse a template that would not be made whole, then make it."""
        self._check()
        answer = super().create_stack()
        self.schedules.look_again()
        return answer

    def update_stack(self) -> ActionResult:
        """Refuse a template that would not be made whole, then change the stack."""
        self._check()
        answer = super().update_stack()
        self.schedules.look_again()
        return answer

    def create_change_set(self) -> ActionResult:
        """Refuse a template that would not be made whole, then prepare it."""
        self._check()
        return super().create_change_set()

    def _check(self) -> None:
        """Look at every resource, except those of a condition: which of them are made, moto decides later."""
        body = self._get_param("TemplateBody")
        for name, resource in (_resources_of(body) if body else {}).items():
            if "Condition" not in resource:
                _check_type(name, resource["Type"])
            if resource["Type"] == EVENTS_RULE:
                _check_rule(name, resource.get("Properties", {}))


def _resources_of(body: str) -> dict[str, Resource]:
    try:
        template = yaml.load(body, Loader=_Loader)  # noqa: S506  (it is a SafeLoader)
        resources: dict[str, Resource] = template["Resources"]
    except (yaml.YAMLError, TypeError, KeyError) as error:
        raise ValidationError(message="Template format error: it is not a template with Resources.") from error
    return resources


def _check_type(name: str, kind: str) -> None:
    known = kind in get_model_map() or kind in NULL_MODELS
    if not known:
        text = f"localaws cannot make {name}: it does not model {kind}. Leave it out here, or put it under a Condition."
        raise ValidationError(message=text)


def _check_rule(name: str, properties: Resource) -> None:
    schedule, pattern = properties.get("ScheduleExpression"), properties.get("EventPattern")
    try:
        if isinstance(schedule, str):
            period_seconds(schedule)
        if pattern is not None and "Fn::" not in json.dumps(pattern) and '"Ref"' not in json.dumps(pattern):
            patterns.parse(json.dumps(pattern))
    except (NotModelledError, patterns.InvalidPatternError) as error:
        raise ValidationError(message=f"{name} is refused: {error}") from error
