"""Doing a step of a success again, on the cluster that stands: users after a rotated secret, a copy put away late.

Nothing is made anew and nothing is deleted. What the steps find is held against what the success
had made: another cluster under the target's name is refused (`chalicelib.target.cluster.ours`).
"""

from chalicelib.flow.choreography import State, begins_in
from chalicelib.flow.operation import Facts, Operation
from chalicelib.flow.plan import Plan
from chalicelib.messages.events import RestoreRequested
from chalicelib.ports import Ports
from chalicelib.runtime import reruns, starting
from chalicelib.runtime.starting import Asked

USERS, ARCHIVE = "setup-db-users", "archive-snapshot"
REPEATABLE = (USERS, ARCHIVE)  # the steps that lose nothing
# What these steps need of a plan is taken as it is now; all else says how the cluster was made.
_SETTINGS_NOW = (
    "master_credentials_secret_id",
    "app_credentials_secret_id",
    "keep_login_roles",
    "trust_definer_functions",
    "quiesce",
    "db_connection_timeout",
    "db_tls",
    "sns_topic_arn",
    "restore_check_interval",
    "users_deadline",
    "archive_deadline",
    "notification_deadline",
)


def repeats(request: RestoreRequested, before: Operation) -> bool:
    """Tell whether a rerun is one of these: of a success, or of another one that did not get through."""
    if before.state is State.SUCCEEDED:
        return request.from_step in REPEATABLE
    return bool(before.keeps_cluster) and request.from_step in (None, *REPEATABLE)


def repeat_step(asked: Asked, before: Operation, ports: Ports) -> Operation | None:
    """Create the operation that does a step again; None when it exists already.

    Raises RefusedError.
    """
    reruns.refuse_unended(before)
    step = asked.request.from_step or (ARCHIVE if before.stopped_in is State.USERS_READY else USERS)
    state = begins_in(step)
    plan = _settings(before.settings, reruns.settings_now(before, ports))
    operation = starting.new_operation(
        asked.operation_id, plan, ports.now(), state=state, requested_by=asked.who
    ).evolve(
        rerun_of=before.operation_id,
        root_id=before.root_id,
        facts=_facts(before.facts, step),
        keeps_cluster=True,
    )
    what = asked.told(f"{step} of {before.operation_id} again")
    return starting.create(asked.on(operation), ports, what=what)


def _settings(made: Plan, now: Plan) -> Plan:
    return made.model_copy(update={name: getattr(now, name) for name in _SETTINGS_NOW})


def _facts(facts: Facts, step: str) -> Facts:
    forgotten: dict[str, object] = {"other_logins_closed": (), "other_logins_closed_count": 0}
    forgotten |= (
        {"password_set_at": None, "passwords_set": 0} if step == USERS else {"archived": None}
    )
    return facts.model_copy(update=forgotten)
