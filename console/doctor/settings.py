"""The stage's settings as a whole: resolved to plans as the functions do it, and held against each other."""

from collections.abc import Iterator

from chalicelib.errors import SettingsError
from chalicelib.plan import Plan
from chalicelib.settings import NOT_SETTINGS
from console.doctor.patient import Patient
from console.doctor.sights import Sight, doubtful, fine, wrong


def settings(patient: Patient) -> Iterator[Sight]:
    """Resolve every plan. Raises SettingsError where not even the environment can be read."""
    path = patient.stage.parameter_path
    for name, plan in patient.plans.items():
        if isinstance(plan, SettingsError):
            yield wrong(str(plan), f"Set them in .chalice/config.json, or in SSM below {path}.")
        else:
            yield fine(f"{name}: {plan.source_cluster_arn} to {plan.target_cluster_arn}.")
            yield from _region(patient, plan)
    yield from _overruled(patient)
    yield from _accounts(patient)
    yield from _freshness(patient)


def _region(patient: Patient, plan: Plan) -> Iterator[Sight]:
    if plan.target_region != patient.stage.region:
        yield doubtful(
            f"The plan {plan.name} restores into {plan.target_region} and the app lives in {patient.stage.region}, "
            "where it does not hear what RDS tells there: every wait lasts until its next look.",
            "Make it a stage of its own in that region, or correct TARGET_REGION.",
        )


def _overruled(patient: Patient) -> Iterator[Sight]:
    """Find what stands in two places and differs: the functions take SSM's."""
    variables = patient.ports.settings.variables
    names = [field for field in Plan.model_fields.keys() - NOT_SETTINGS if field in variables]
    places = {field: field.replace("_", "-") for field in sorted(names)}
    differ = [
        field for field, place in places.items() if patient.parameters.get(place) not in (None, "", variables[field])
    ]
    if differ:
        yield doubtful(
            f"SSM below {patient.stage.parameter_path} overrules .chalice/config.json in "
            f"{', '.join(places[field] for field in differ)}.",
            "Make both the same (`make deploy` writes SSM's), or take the value out of one of them.",
        )


def _freshness(patient: Patient) -> Iterator[Sight]:
    hours = patient.stage.variables.get("FRESHNESS_HOURS", "")
    if hours and not hours.isdigit():
        yield wrong(
            f"FRESHNESS_HOURS is {hours!r}: it should be a whole number of hours.", "Correct it, or leave it out."
        )


def _accounts(patient: Patient) -> Iterator[Sight]:
    source = patient.stage.variables.get("SOURCE_ACCOUNT_ID", "")
    if source not in ("", patient.account):
        yield wrong(
            f"SOURCE_ACCOUNT_ID is {source}, another account: the functions look for the source in their own.",
            "Leave it out: restores between accounts are not built yet.",
        )
