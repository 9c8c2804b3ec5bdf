"""The stage's settings as a whole: resolved to plans as the functions do, and compared."""

from collections.abc import Iterator

from aurora_restore.deployment import config_checks
from aurora_restore.doctor.stacks import command_of
from aurora_restore.doctor.stage_view import StageView
from aurora_restore.findings import Finding, failed, ok, warning
from chalicelib.flow.plan import SETTINGS, Plan
from chalicelib.settings import unknown_parameters


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
        field
        for field, place in places.items()
        if view.parameters.get(place) not in (None, "", variables[field])
    ]
    if differ:
        yield warning(
            f"SSM below {view.stage.parameter_path} overrules .chalice/config.json in "
            f"{', '.join(places[field] for field in differ)}.",
            f"Make both the same ({command_of(view, 'deploy')} writes SSM's), or take the value "
            "out of one of them.",
        )
