"""The stage's settings as a whole: resolved to plans as the functions do, and compared."""

import shlex
from collections.abc import Iterator

from aurora_restore.account.parameters import PARAMETERS
from aurora_restore.deployment import config_checks
from aurora_restore.doctor.stage_view import StageView
from aurora_restore.findings import Finding, failed, ok, warning
from chalicelib.flow.plan import SETTINGS, Plan
from chalicelib.settings import unknown_parameters

NAMES_MAX = 10  # of one deletion (API reference, DeleteParameters)


def settings(view: StageView) -> Iterator[Finding]:
    """Resolve every plan. Raises SettingsError where not even the environment can be read."""
    for name, plan in view.plans.items():
        if isinstance(plan, Plan):
            yield ok(f"{name}: {plan.source_cluster_arn} to {plan.target_cluster_arn}.")
            yield from _region(view, plan)
    for problem in config_checks.plan_problems(view.plans):
        yield failed(problem, "")
    for problem in unknown_parameters(view.settings, view.parameters):
        yield failed(problem, "Rename or delete it.")
    for found in config_checks.of_variables(view.stage):
        yield failed(found.what, found.do)
    yield from _overruled(view)


def _region(view: StageView, plan: Plan) -> Iterator[Finding]:
    if plan.target.region != view.stage.region:
        yield warning(
            f"The plan {plan.name} restores into {plan.target.region}, but the app is in "
            f"{view.stage.region}. RDS events from that region never reach it, so every wait "
            "lasts until the next poll.",
            "Make it a stage of its own in that region, or correct TARGET_REGION.",
        )


def _overruled(view: StageView) -> Iterator[Finding]:
    """Find what stands in two places and differs: the functions take SSM's."""
    variables = view.settings.variables
    names = [field for field in SETTINGS if field in variables]
    places = {field: field.replace("_", "-") for field in sorted(names)}
    differ = [
        place
        for field, place in places.items()
        if view.parameters.get(place) not in (None, "", variables[field])
    ]
    if differ:
        yield warning(
            f"SSM below {view.stage.parameter_path} overrides .chalice/config.json in "
            f"{', '.join(differ)}.",
            f"Write SSM's values into .chalice/config.json, or correct SSM: "
            f"{' and '.join(_corrections(view, differ))}.",
        )


def _corrections(view: StageView, differ: list[str]) -> Iterator[str]:
    """Give the commands that put SSM right: what the foundation made is written, the rest deleted.

    CloudFormation writes a parameter only where the configuration has changed since.
    """
    path, region = view.stage.parameter_path, f"--region {view.stage.region}"
    others = [f"{path}{place}" for place in differ if place not in PARAMETERS]
    for place in differ:
        if place in PARAMETERS:
            value = shlex.quote(view.settings.variables[place.replace("-", "_")])
            yield (
                f"`aws ssm put-parameter {region} --overwrite --name {path}{place} --value {value}`"
            )
    for first in range(0, len(others), NAMES_MAX):
        names = " ".join(others[first : first + NAMES_MAX])
        yield f"`aws ssm delete-parameters {region} --names {names}`"
