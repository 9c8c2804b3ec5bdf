"""setup-db-users: disables production's logins, creates the plan's users, and verifies both."""

from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from typing import Any

from chalicelib.aws import secrets
from chalicelib.aws.rds import Cluster
from chalicelib.aws.secrets import MasterCredentials
from chalicelib.aws.statuses import Health, health
from chalicelib.database.errors import AuthenticationMethodError, login_error
from chalicelib.database.restored_database import Endpoint, Login, Remaining, RestoredDatabase
from chalicelib.database.verification import Verification
from chalicelib.flow import exposure, quiesce_kinds
from chalicelib.flow.choreography import State
from chalicelib.flow.errors import RefusedError, StateFaultError, TransientError
from chalicelib.flow.facts import Facts
from chalicelib.flow.operation import Operation
from chalicelib.flow.outcome import Advance, Outcome, Refuse, Wait
from chalicelib.flow.text_limits import NAMES_MAX, counted, listed
from chalicelib.ports import Ports
from chalicelib.target import instances, master_login
from chalicelib.target.cluster import TargetCluster
from chalicelib.target.differences import changes_to
from chalicelib.target.preflight import Preflight
from chalicelib.target.proof_at_name import prove_login
from chalicelib.target.reachability import before_deletion, place_of
from chalicelib.target.rehearsal import rehearse_readers
from chalicelib.target.restored_cluster import require_restored
from chalicelib.target.user_logins import user_logins


def setup_db_users(operation: Operation, ports: Ports) -> Outcome:
    """Set the master password, disable production's logins, and create the plan's users.

    RDS cannot set a master password at restore, so production's password opens the copy until the
    secret's is set. Before that the secret's password is tried: one that opens the copy is
    production's own, and is refused. Raises RefusedError, or TransientError.
    """
    if operation.state is State.PREFLIGHT_PASSED:
        return _before_deletion(operation, ports)
    if operation.state in (State.TARGET_RENAMED, State.TARGET_CHOSEN):
        return prove_login(operation, ports)
    return _set_up(operation, ports)


def _before_deletion(operation: Operation, ports: Ports) -> Outcome:
    """Try the network, and the readers, while the old target still serves."""
    outcome = before_deletion(operation, ports)
    if isinstance(outcome, Advance) and outcome.to is State.NETWORK_REACHED:
        rds = ports.service("rds", operation.plan.target.region)
        rehearse_readers(operation, TargetCluster(rds, operation))
    return outcome


def _set_up(operation: Operation, ports: Ports) -> Outcome:
    plan = operation.plan
    if operation.keeps_cluster:
        # People work on the cluster: change nothing for secrets that would be refused later.
        Preflight(operation, ports).refuse_unusable_secrets()
    master = secrets.master_credentials(ports.service("secretsmanager"), plan)
    target = TargetCluster(ports.service("rds", plan.target.region), operation)
    cluster = require_restored(operation, target, ports)
    interval = plan.target.restore_check_interval
    if cluster.password_pending or cluster.status == "resetting-master-credentials":
        return Wait("Aurora is still setting the master password.", interval)
    login, place = Login(master.username, master.password), place_of(plan, cluster)
    database = ports.database(place, login, master.database)
    if not operation.facts.users.master_password_checked:
        by_token = _asks_for_token(database, place, login, plan.users.master_credentials_secret_id)
        operation = _note_checked(operation, ports, by_token=by_token)
    if operation.facts.attempts.password_set_at is None:
        return _set_password(operation, cluster, target, master, ports.now())
    try:
        answer = database.enter_as_master()
    except AuthenticationMethodError:
        if not master_login.is_being_switched(operation, ports.now()):
            raise
        return Wait("The database still asks the master user for a token.", interval)
    if answer.accepted:
        return _change_users(operation, ports, target, database)
    wait = master_login.wait_until_accepted(
        operation,
        answer,
        place=place,
        username=master.username,
        database=master.database,
        now=ports.now(),
    )
    return wait or _set_password(operation, cluster, target, master, ports.now())


def _note_checked(operation: Operation, ports: Ports, *, by_token: bool) -> Operation:
    """Save that the password was checked: once it is set, it cannot be checked any more."""
    users = replace(
        operation.facts.users,
        master_password_checked=True,
        master_asked_for_token=by_token or None,
    )
    return ports.operations.save_facts(operation, replace(operation.facts, users=users))


def _asks_for_token(
    database: RestoredDatabase, place: Endpoint, login: Login, secret_id: str
) -> bool:
    """Tell whether the copy asks the master user for a token of IAM, instead of a password.

    Raises RefusedError when the copy accepts the secret's password before it was set: then it is
    production's.
    """
    try:
        answer = database.try_master()
    except AuthenticationMethodError:
        return True
    if answer.password_correct:
        raise _productions_own(login, secret_id)
    if not answer.password_refused:
        raise login_error(answer, place, login.username, "")
    return False


def _refuse_known(database: RestoredDatabase, login: Login, secret_id: str) -> None:
    """Raise RefusedError when a role of production has this password, even a NOLOGIN role."""
    if database.has_password(login):
        raise _productions_own(login, secret_id)


def _refuse_own_passwords(
    operation: Operation, database: RestoredDatabase, logins: Sequence[Login]
) -> None:
    """Raise RefusedError for a user with a password of production, or with one that may be it."""
    if not operation.facts.users.production_logins_closed:
        for login in logins:
            _refuse_known(database, login, operation.plan.users.app_credentials_secret_id)
    if operation.keeps_cluster:
        _refuse_untriable(operation, database, logins)


def _refuse_untriable(
    operation: Operation, database: RestoredDatabase, logins: Sequence[Login]
) -> None:
    """Raise RefusedError for a user that may be production's and whose password cannot be tried.

    On a cluster that an earlier success set up, a closed login has no password to compare with.
    """
    facts, open_roles = operation.facts, {*database.login_roles()}
    secret_id = operation.plan.users.app_credentials_secret_id
    all_are_named = facts.users.logins_closed_in_all == len(facts.users.logins_closed)
    for login in logins:
        name = login.username
        if name in facts.users.logins_kept:
            _refuse_known(database, login, secret_id)
        elif name not in open_roles and (name in facts.users.logins_closed or not all_are_named):
            raise RefusedError(
                f"User {name} of the secret {secret_id} may be a login of production's that was "
                "closed on this cluster, so whether the password is production's own cannot be "
                "tried any more.",
                "Name another user in the secret. Or restore the snapshot afresh: ask with its "
                "snapshot_identifier; the password is then tried before production's logins are "
                "closed.",
            )


def _productions_own(login: Login, secret_id: str) -> RefusedError:
    return RefusedError(
        f"The secret {secret_id} holds the password that {login.username} has in production.",
        "Store another password in it: production's must not open a copy.",
    )


def _set_password(
    operation: Operation,
    cluster: Cluster,
    target: TargetCluster,
    master: MasterCredentials,
    now: datetime,
) -> Outcome:
    interval = operation.plan.target.restore_check_interval
    try:
        changes = _changes(operation, cluster) | _authentication(operation)
        target.change(MasterUserPassword=master.password.get_secret_value(), **changes)
    except StateFaultError as error:
        if health(cluster.status) is not Health.PROGRESSING:
            raise
        return Wait(f"{error.reason} The cluster is {cluster.status}.", interval)
    facts, count = operation.facts, operation.facts.attempts.passwords_set + 1
    attempts = replace(facts.attempts, password_set_at=now, passwords_set=count)
    reason = "Aurora was asked for the new master password."
    return Wait(reason, interval, replace(facts, attempts=attempts))


def _authentication(operation: Operation) -> dict[str, str]:
    """Switch the master user to a password, where production's logs in by IAM."""
    by_token = operation.facts.users.master_asked_for_token
    return {"MasterUserAuthenticationType": "password"} if by_token else {}


def _changes(operation: Operation, cluster: Cluster) -> dict[str, Any]:
    """Give the other settings to change with the password: those that changed since the restore.

    A cluster that people work on keeps its settings.
    """
    if operation.keeps_cluster:
        return {}
    return changes_to(cluster.settings, operation.target_spec)


def _change_users(
    operation: Operation, ports: Ports, target: TargetCluster, database: RestoredDatabase
) -> Outcome:
    """Disable production's logins, create the readers and the users, and verify the users.

    Production's logins come first, so that they are closed whatever fails later. Only a password of
    production is refused before, because it cannot be tried any more afterwards. Aurora creates the
    readers meanwhile.
    """
    plan = operation.plan
    try:
        application, readonly = user_logins(plan, ports)
    except RefusedError as error:  # no reason to leave production's logins open
        facts = None if operation.keeps_cluster else _secured(operation, ports, database)
        return Refuse.of(error, facts)
    _refuse_own_passwords(operation, database, (application, readonly))
    names = (application.username, readonly.username)
    existing = names if operation.keeps_cluster else ()
    facts = _close_logins(operation, ports, database, existing)
    operation, failure = instances.begin_readers(replace(operation, facts=facts), target, ports)
    facts = operation.facts
    try:
        facts = _note_activity(operation, ports, database).facts
        remaining = database.quiesce(plan.users.quiet_kinds)
        _refuse_ways_to_production(remaining)
        database.ensure_users(
            application,
            readonly,
            plan.users.trust_definer_functions,
            remaining_seconds=ports.remaining_seconds,
        )
        proofs = database.verify_users(
            application,
            readonly,
            plan.users.trust_definer_functions,
            keep=plan.users.keep_login_roles,
        )
    except TransientError as error:
        with suppress(TransientError):  # a reader that failed for good takes precedence
            instances.refuse_failed(operation, target)
        return Wait(error.reason, plan.target.restore_check_interval, facts)
    except RefusedError as error:
        return Refuse.of(error, facts)
    if failure:
        raise failure
    return _advance(operation, facts, remaining, proofs)


def _advance(
    operation: Operation, facts: Facts, remaining: Sequence[Remaining], proofs: Verification
) -> Advance:
    active = tuple(f"Could not be stopped on the copy: {activity}." for activity in remaining)
    stopped = quiesce_kinds.sentence(facts.users.quieted, operation.plan.users.kinds_left)
    what = f"{_describe_closed(facts)}; {stopped}; {proofs.summary}"
    to = State.READERS_CREATING if instances.has_readers(operation) else State.USERS_READY
    return Advance(to, facts, what, warnings=(*active, *proofs.warnings))


def _describe_closed(facts: Facts) -> str:
    """Say which logins this run closed and kept, and how long production's were open at most."""
    users, earlier = facts.users, facts.users.logins_closed_earlier
    closed = max(0, users.logins_closed_in_all - earlier)
    parts = [f"closed: {counted(closed, 'login')} of production"]
    if earlier:
        parts.append(f"closed before this run: {counted(earlier, 'login')}")
    if users.logins_kept:
        parts.append(f"kept on purpose: {', '.join(users.logins_kept)}")
    parts += [exposure.sentence(facts), users.others_closed]
    return "; ".join(filter(None, parts))


def _secured(operation: Operation, ports: Ports, database: RestoredDatabase) -> Facts:
    """Close production's logins and stop activity, for an operation that cannot create users."""
    operation = replace(operation, facts=_close_logins(operation, ports, database))
    operation = _note_activity(operation, ports, database)
    # The rerun that creates the users reports what could not be stopped.
    database.quiesce(operation.plan.users.quiet_kinds)
    return operation.facts


def _note_activity(operation: Operation, ports: Ports, database: RestoredDatabase) -> Operation:
    """Save the counts of activity before it is stopped: afterwards the cluster does not show it."""
    facts, known = operation.facts, operation.facts.users.quieted
    found = database.count_active(operation.plan.users.quiet_kinds)
    most = {kind: max(known.get(kind, 0), found.get(kind, 0)) for kind in quiesce_kinds.KINDS}
    counts = {kind: count for kind, count in most.items() if count}
    noted = replace(facts, users=replace(facts.users, quieted=counts))
    return operation if noted == facts else ports.operations.save_facts(operation, noted)


def _refuse_ways_to_production(remaining: Sequence[Remaining]) -> None:
    """Raise RefusedError where the copy may still reach production: then no users are created."""
    ways = [str(activity) for activity in remaining if activity.reaches_production]
    if ways:
        raise RefusedError(
            f"The copy may still reach production: the master user could not stop {listed(ways)}.",
            "Where security groups keep the copy from production, name the kind off, such as "
            "QUIESCE=-dblink. Or, for later snapshots, in production drop what is named, make it "
            "the master user's, or let the master user connect to the database that it is in.",
        )


def _close_logins(
    operation: Operation, ports: Ports, database: RestoredDatabase, existing: Collection[str] = ()
) -> Facts:
    """Close production's logins, and save that before the users are created.

    `existing` are users that an earlier success created: they keep their passwords until they get
    new ones. A role that KEEP_LOGIN_ROLES left open is none of them, whatever its name: its
    password is production's.
    """
    on_purpose = operation.plan.users.keep_login_roles
    keep = {*on_purpose, *({*existing} - {*operation.facts.users.logins_kept})}
    operation = _note_names(operation, ports, database.production_logins(keep=keep))
    _close(operation, ports, database, keep)
    kept = tuple(sorted({*on_purpose} & {*database.login_roles()}))
    facts = exposure.ended(_without_names(operation.facts, kept), ports.now())
    facts = replace(facts, users=replace(facts.users, production_logins_closed=True))
    ports.operations.save_facts(operation, facts)
    ports.operations.clear_unsecured(operation, facts.target.cluster_resource_id)
    return facts


def _close(
    operation: Operation, ports: Ports, database: RestoredDatabase, keep: Collection[str]
) -> None:
    """Close the logins; where a lock prevents that, roll back prepared transactions.

    Nothing else would end these.
    """
    try:
        database.revoke_production_logins(keep=keep)
    except TransientError:
        _note_activity(operation, ports, database)
        prepared = {quiesce_kinds.PREPARED_TRANSACTIONS} & {*operation.plan.users.quiet_kinds}
        database.quiesce(prepared)
        raise


def _note_names(operation: Operation, ports: Ports, names: Sequence[str]) -> Operation:
    """Save the names of the logins that are about to be closed: the cluster does not keep them.

    After an earlier run closed production's logins, only those that it kept are production's. The
    others are its users or, on a cluster that is kept, those that people created since.
    """
    facts, closed_before = operation.facts, operation.facts.users.production_logins_closed
    kept = facts.users.logins_kept
    productions = [name for name in names if name in kept or not closed_before]
    others = [name for name in names if name not in productions] if operation.keeps_cluster else []
    noted = _with_others(_with_names(facts, productions), others)
    if noted == facts:
        return operation
    if len(names) > NAMES_MAX:
        ports.operations.note_names(operation, names, step="setup-db-users", now=ports.now())
    return ports.operations.save_facts(operation, noted)


def _with_names(facts: Facts, names: Sequence[str]) -> Facts:
    """Add names of production's logins to those of the record."""
    first, known = facts.users.logins_closed, facts.users.logins_closed_in_all
    whole = known == len(first) or bool(facts.users.production_logins_closed)
    if not {*names} - {*first}:
        return facts
    first, count = _joined(first, known, names, whole=whole)
    users = replace(facts.users, logins_closed=first, logins_closed_count=count)
    return replace(facts, users=users)


def _with_others(facts: Facts, names: Sequence[str]) -> Facts:
    """Add names of other logins to those of the record."""
    first, known = facts.users.other_logins_closed, facts.users.other_logins_closed_count
    if not {*names} - {*first}:
        return facts
    first, count = _joined(first, known, names, whole=known == len(first))
    users = replace(facts.users, other_logins_closed=first, other_logins_closed_count=count)
    return replace(facts, users=users)


def _joined(
    first: Sequence[str], known: int, names: Sequence[str], *, whole: bool
) -> tuple[tuple[str, ...], int]:
    """Join names, as many as the record holds, and count them.

    Where `first` is not the `whole` list of the `known` logins, the new names may be among these.
    """
    fresh = {*names} - {*first}
    count = known + len(fresh) if whole else max(known, len(fresh))
    return tuple(sorted({*first, *fresh})[:NAMES_MAX]), count


def _without_names(facts: Facts, kept: tuple[str, ...]) -> Facts:
    """Note the logins that are kept; an earlier attempt may have listed one of them as closed."""
    users = facts.users
    closed = tuple(name for name in users.logins_closed if name not in kept)
    count = users.logins_closed_in_all - (len(users.logins_closed) - len(closed))
    users = replace(users, logins_kept=kept, logins_closed=closed, logins_closed_count=count)
    return replace(facts, users=users)
