"""The checks of an operation, made for every plan before anything is deployed; they only read.

One question decides what a problem is: can a change of the stage's settings mend it? If so, the
deployment is refused. If not, it is a warning, and the deployment goes on: it may well be what
mends something else.
"""

from collections.abc import Callable, Iterator

from aurora_restore.deployment import stack_parameters
from aurora_restore.deployment.deployment_state import DeploymentState
from aurora_restore.findings import Finding, failed, ok, warning
from aurora_restore.plan_view import PlanView
from chalicelib.aws.client import DeniedError
from chalicelib.flow.errors import BeyondSettingsError, RefusedError, TransientError
from chalicelib.flow.ownership import UnownedError
from chalicelib.flow.plan import Plan
from chalicelib.settings import DEFAULT_PLAN

SECRETS = {
    "master secret": "MASTER_CREDENTIALS_SECRET_ID",
    "application secret": "APP_CREDENTIALS_SECRET_ID",
}
"""The checks of secrets, by the setting that names each."""
READING = {**SECRETS, "pointers": SECRETS["application secret"]}
"""The checks that read a secret: pointers lead to the target in the application's."""


def findings(state: DeploymentState) -> Iterator[Finding]:
    """Check every plan that can be made; what a first deployment cannot have yet is no problem."""
    for plan in state.plans.values():
        if isinstance(plan, Plan):
            yield from _of_plan(state, PlanView(state.ports, plan))


def _of_plan(state: DeploymentState, view: PlanView) -> Iterator[Finding]:
    of_plan = "" if view.plan.name == DEFAULT_PLAN else f" of plan {view.plan.name}"
    try:
        checks = view.checks
    except (RefusedError, TransientError) as error:
        yield _unseen(f"source and target{of_plan}", error)
        return
    found = [
        _run(f"{name}{of_plan}", check, is_value=_is_own_secret(state, view, name))
        for name, check in checks.items()
        if not _comes_later(state, view, name)
    ]
    problems = [finding for finding in found if finding]
    yield from problems
    if not problems:
        made = (
            f"{view.plan.source_cluster_arn} to {view.plan.target_cluster_arn}: {len(found)} "
            "checks passed."
        )
        yield ok(made, name=f"plan {view.plan.name}")
    if view.source is None and view.snapshot is not None:
        yield warning(
            f"There is no cluster {view.plan.source_cluster_arn}; only its snapshots are left.",
            "Check that SOURCE_CLUSTER_ID names the cluster that is to be restored.",
            name=f"source cluster{of_plan}",
        )


def _run(name: str, check: Callable[[], None], *, is_value: bool) -> Finding | None:
    """Make a check. One that may not be made stops nothing: every operation makes it again.

    `is_value` says that the check is of a value that people store, under a name that no setting
    chose.
    """
    try:
        check()
    except (DeniedError, TransientError) as error:
        return _unseen(name, error)
    except (
        UnownedError,
        BeyondSettingsError,
    ) as error:  # whose target it is, people say by adopting it
        return warning(error.reason, error.remedy, name=name)
    except RefusedError as error:
        tell = warning if is_value else failed
        return tell(error.reason, error.remedy, name=name)
    return None


def _unseen(name: str, error: RefusedError | TransientError) -> Finding:
    what = f"It could not be checked: {error.reason}"
    if isinstance(error, DeniedError):
        return warning(
            what,
            f"Allow {error.action} to whoever deploys; every operation checks it, too.",
            name=name,
        )
    if isinstance(error, TransientError):
        return failed(what, "Try again.", name=name)
    return failed(what, error.remedy, name=name)


def _is_own_secret(state: DeploymentState, view: PlanView, name: str) -> bool:
    """Tell whether a check is of the secret that the stage has if its settings name no other."""
    if name not in SECRETS:
        return False
    return bool(
        view.plan.setting(SECRETS[name].lower())
        == stack_parameters.SECRETS[SECRETS[name]](state.stage)
    )


def _comes_later(state: DeploymentState, view: PlanView, name: str) -> bool:
    """Tell whether a check is about what this deployment makes, or people fill in after it."""
    stage = state.stage
    if name == "topic":
        return view.plan.reports.sns_topic_arn == state.arn("sns", stage.topic)
    if name not in READING or (name == "pointers" and not view.plan.target.points):
        return False
    variable = READING[name]
    secret = view.plan.setting(variable.lower())
    found = state.find("secretsmanager", "describe_secret", SecretId=secret)
    if found is not None:
        return not found.get("VersionIdsToStages")
    own = stack_parameters.SECRETS[variable](stage)
    return secret in (own, stage.variables[variable])
