"""The stage's settings as a whole: resolved to plans as the functions do it, and held against each other."""

from collections.abc import Iterator

from aurora_restore.deployment import config_checks
from aurora_restore.doctor.observations import Sight, doubtful, fine, wrong
from aurora_restore.doctor.stacks import command_of
from aurora_restore.doctor.stage_view import Patient
from chalicelib.flow.plan import Plan
from chalicelib.settings import NOT_SETTINGS, unknown_parameters


def settings(patient: Patient) -> Iterator[Sight]:
    """Resolve every plan. Raises SettingsError where not even the environment can be read."""
    for name, plan in patient.plans.items():
        if isinstance(plan, Plan):
            yield fine(f"{name}: {plan.source_cluster_arn} to {plan.target_cluster_arn}.")
            yield from _region(patient, plan)
    for problem in config_checks.plan_problems(patient.plans):
        yield wrong(problem, "")
    for problem in unknown_parameters(patient.ports.settings, patient.parameters):
        yield wrong(problem, "Rename or delete it.")
    for found in config_checks.of_variables(patient.stage):
        yield wrong(found.what, found.do)
    yield from _overruled(patient)


def _region(patient: Patient, plan: Plan) -> Iterator[Sight]:
    if plan.target_region != patient.stage.region:
        yield doubtful(
            f"The plan {plan.name} restores into {plan.target_region} and the app lives in "
            f"{patient.stage.region}, where it does not hear what RDS tells there: every wait "
            "lasts until its next look.",
            "Make it a stage of its own in that region, or correct TARGET_REGION.",
        )


def _overruled(patient: Patient) -> Iterator[Sight]:
    """Find what stands in two places and differs: the functions take SSM's."""
    variables = patient.ports.settings.variables
    names = [field for field in Plan.model_fields.keys() - NOT_SETTINGS if field in variables]
    places = {field: field.replace("_", "-") for field in sorted(names)}
    differ = [
        field
        for field, place in places.items()
        if patient.parameters.get(place) not in (None, "", variables[field])
    ]
    if differ:
        yield doubtful(
            f"SSM below {patient.stage.parameter_path} overrules .chalice/config.json in "
            f"{', '.join(places[field] for field in differ)}.",
            f"Make both the same ({command_of(patient, 'deploy')} writes SSM's), or take the value "
            "out of one of them.",
        )
