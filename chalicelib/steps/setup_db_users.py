"""setup-db-users: production's logins out, ours in, each proven by logging in."""

from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from typing import Any

from chalicelib.aws import secrets
from chalicelib.aws.rds import Cluster, Health, health
from chalicelib.aws.secrets import MasterCredentials
from chalicelib.database.errors import AuthenticationMethodError, login_error
from chalicelib.database.restored_database import Endpoint, Login, Remaining, RestoredDatabase
from chalicelib.flow import exposure, quiesce_kinds
from chalicelib.flow.choreography import State
from chalicelib.flow.errors import RefusedError, Retry, StateFaultError, TransientError
from chalicelib.flow.facts import Facts
from chalicelib.flow.limits import NAMES_MAX, counted, listed
from chalicelib.flow.operation import Operation
from chalicelib.flow.outcome import Advance, Outcome, Refuse, Wait
from chalicelib.ports import Ports
from chalicelib.target import instances, master_login
from chalicelib.target.baseline import changes_to
from chalicelib.target.cluster import TargetCluster, require_restored
from chalicelib.target.preflight import Preflight
from chalicelib.target.reachability import before_deletion, place_of

AUTHENTICATION = "MasterUserAuthenticationType"  # of ModifyDBCluster, since the end of 2025


def setup_db_users(operation: Operation, ports: Ports) -> Outcome:
    """Make the copy safe, then useful.

    Raises RefusedError where a person has to help, TransientError where time does.

    RDS cannot set a master password at restore, so production's opens the copy until the one of the
    secret is set. Before that the secret is tried: what opens the copy then is production's own
    password, and is refused.
    """
    if operation.state is State.PREFLIGHT_PASSED:
        return before_deletion(operation, ports)
    plan = operation.plan
    if (
        operation.keeps_cluster
    ):  # people work on it: nothing is changed for secrets that would be refused later
        Preflight(operation, ports).refuse_unusable_secrets()
    master = secrets.master_credentials(ports.service("secretsmanager"), plan)
    target = TargetCluster(ports.service("rds", plan.target.region), operation)
    cluster = require_restored(operation, target, ports)
    if cluster.password_pending or cluster.status == "resetting-master-credentials":
        return Wait(
            "Aurora is still setting the master password.", plan.target.restore_check_interval
        )
    login, place = Login(master.username, master.password), place_of(plan, cluster)
    database = ports.database(place, login, master.database)
    if not operation.facts.users.master_password_checked:
        by_token = _asks_for_token(database, place, login, plan.users.master_credentials_secret_id)
        checked = replace(
            operation.facts.users,
            master_password_checked=True,
            master_asked_for_token=by_token or None,
        )
        # Once the password is set here, nobody can tell any more.
        operation = ports.operations.save_facts(operation, replace(operation.facts, users=checked))
    if operation.facts.attempts.password_set_at is None:
        return _set_password(operation, cluster, target, master, ports.now())
    try:
        answer = database.enter_as_master()
    except AuthenticationMethodError:
        if not master_login.is_being_switched(operation, ports.now()):
            raise
        return Wait(
            "The database still asks the master user for a token.",
            plan.target.restore_check_interval,
        )
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


def _asks_for_token(
    database: RestoredDatabase, place: Endpoint, login: Login, secret_id: str
) -> bool:
    """Tell whether the copy asks the master user for a token, which no password is.

    Raises RefusedError when the copy knows a password that nobody has set here yet: it is
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
    """Raise RefusedError when a role of production has this password, whether it may log in or not."""
    if database.has_password(login):
        raise _productions_own(login, secret_id)


def _refuse_untriable(
    operation: Operation, database: RestoredDatabase, logins: Sequence[Login]
) -> None:
    """Raise RefusedError for a user that may be production's, where its password cannot be tried any more.

    On a cluster that an earlier success set up, a login that was closed has no password to compare
    with.
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
        changes = _changes(operation, cluster) | _authentication(operation, target)
        target.change(MasterUserPassword=master.password.get_secret_value(), **changes)
    except StateFaultError as error:
        if health(cluster.status) is not Health.PROGRESSING:
            raise
        return Wait(f"{error.reason} The cluster is {cluster.status}.", interval)
    facts = operation.facts
    asked = replace(
        facts,
        attempts=replace(
            facts.attempts, password_set_at=now, passwords_set=facts.attempts.passwords_set + 1
        ),
    )
    return Wait("Aurora was asked for the new master password.", interval, asked)


def _authentication(operation: Operation, target: TargetCluster) -> dict[str, str]:
    """Have the master user log in by password again, where production's logs in by IAM.

    Raises RefusedError where the SDK that Lambda brings does not know how to say so.
    """
    if not operation.facts.users.master_asked_for_token:
        return {}
    if not target.takes(AUTHENTICATION):
        raise RefusedError(
            "Production's master user logs in by IAM authentication, and the AWS SDK of this "
            "function is too old to change that on the copy.",
            "Choose a newer Lambda runtime, or have production's master user log in by password "
            "(aws rds modify-db-cluster --master-user-authentication-type password).",
            retry=Retry.LATER_SNAPSHOT,
        )
    return {AUTHENTICATION: "password"}


def _changes(operation: Operation, cluster: Cluster) -> dict[str, Any]:
    """Give what else is set with the password: after a restore the days of backups.

    A cluster that people work on is kept as they set it.
    """
    return {} if operation.keeps_cluster else changes_to(cluster.settings, operation.plan)


def _change_users(
    operation: Operation, ports: Ports, target: TargetCluster, database: RestoredDatabase
) -> Outcome:
    """Lock production out first.

    What fails after that is told together with the fact that it is out.

    The readers are begun in between, so that Aurora makes them meanwhile. Only a password that is
    production's own is refused before that: once production is out, nobody can tell any more.
    """
    plan = operation.plan
    try:
        users = secrets.app_credentials(ports.service("secretsmanager"), plan)
    except RefusedError as error:  # no reason to leave production's logins open
        return Refuse.of(
            error, None if operation.keeps_cluster else _secured(operation, ports, database)
        )
    application = Login(users.app_username, users.app_password)
    readonly = Login(users.readonly_username, users.readonly_password)
    if not operation.facts.users.production_logins_closed:
        for login in (application, readonly):
            _refuse_known(database, login, plan.users.app_credentials_secret_id)
    ours = (application.username, readonly.username) if operation.keeps_cluster else ()
    if operation.keeps_cluster:
        _refuse_untriable(operation, database, (application, readonly))
    facts = _lock_out(operation, ports, database, ours)
    operation, trouble = instances.begin_readers(replace(operation, facts=facts), target, ports)
    facts = operation.facts
    try:
        facts = _note_going_on(operation, ports, database).facts
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
        with suppress(
            TransientError
        ):  # what keeps the users waiting is told, unless a reader failed for good
            instances.refuse_failed(operation, target)
        return Wait(error.reason, plan.target.restore_check_interval, facts)
    except RefusedError as error:
        return Refuse.of(error, facts)
    if trouble:
        raise trouble
    going_on = tuple(f"Could not be stopped on the copy: {it}." for it in remaining)
    quieted = quiesce_kinds.sentence(facts.users.quieted, plan.users.kinds_left)
    what = f"{_closed(facts)}; {quieted}; {proofs.summary}"
    to = State.READERS_CREATING if instances.has_readers(operation) else State.USERS_READY
    return Advance(to, facts, what, warnings=(*going_on, *proofs.warnings))


def _closed(facts: Facts) -> str:
    """Say whose logins were closed, whose were kept, and how long they were open at most."""
    still = (
        f"; kept on purpose: {', '.join(facts.users.logins_kept)}"
        if facts.users.logins_kept
        else ""
    )
    exposed = f"; {text}" if (text := exposure.sentence(facts)) else ""
    others = f"; {text}" if (text := facts.users.others_closed) else ""
    return (
        f"closed: {counted(facts.users.logins_closed_in_all, 'login')} of "
        f"production{still}{exposed}{others}"
    )


def _secured(operation: Operation, ports: Ports, database: RestoredDatabase) -> Facts:
    """Lock production out and stop what acts by itself, for an operation that cannot let anybody in."""
    operation = replace(operation, facts=_lock_out(operation, ports, database))
    operation = _note_going_on(operation, ports, database)
    database.quiesce(
        operation.plan.users.quiet_kinds
    )  # what remains is told by the rerun that lets users in
    return operation.facts


def _note_going_on(operation: Operation, ports: Ports, database: RestoredDatabase) -> Operation:
    """Remember what acts or reaches out by itself before it is stopped: afterwards nothing in the cluster tells."""
    facts, found = operation.facts, database.count_active(operation.plan.users.quiet_kinds)
    most = {
        kind: max(facts.users.quieted.get(kind, 0), found.get(kind, 0))
        for kind in quiesce_kinds.KINDS
    }
    noted = replace(
        facts,
        users=replace(facts.users, quieted={kind: count for kind, count in most.items() if count}),
    )
    return operation if noted == facts else ports.operations.save_facts(operation, noted)


def _refuse_ways_to_production(remaining: Sequence[Remaining]) -> None:
    """Raise RefusedError where the copy may still reach production: then nobody is let in to it."""
    ways = [str(it) for it in remaining if it.reaches_production]
    if ways:
        raise RefusedError(
            f"The copy may still reach production: the master user could not stop {listed(ways)}.",
            "Where security groups keep the copy from production, name the kind off, such as "
            "QUIESCE=-dblink. Or, for later snapshots, in production drop what is named, make it "
            "the master user's, or let the master user connect to the database that it is in.",
        )


def _lock_out(
    operation: Operation, ports: Ports, database: RestoredDatabase, ours: Collection[str] = ()
) -> Facts:
    """Lock production out, and remember it before our users are in: then their passwords work, and are ours.

    `ours` are users that an earlier success let in: they go on with their passwords until they are
    given new ones. What KEEP_LOGIN_ROLES left open is not ours, whatever it is called: its password
    is production's.
    """
    on_purpose = operation.plan.users.keep_login_roles
    keep = {*on_purpose, *({*ours} - {*operation.facts.users.logins_kept})}
    operation = _note_names(operation, ports, database.production_logins(keep=keep))
    _close(operation, ports, database, keep)
    kept = tuple(sorted({*on_purpose} & {*database.login_roles()}))
    facts = exposure.ended(_without_names(operation.facts, kept), ports.now())
    facts = replace(facts, users=replace(facts.users, production_logins_closed=True))
    ports.operations.save_facts(operation, facts)
    ports.operations.clear_unsecured(operation)
    return facts


def _close(
    operation: Operation, ports: Ports, database: RestoredDatabase, keep: Collection[str]
) -> None:
    """Lock production out.

    Where something is in the way, roll back what was prepared there: nothing else ends it.
    """
    try:
        database.revoke_production_logins(keep=keep)
    except TransientError:
        _note_going_on(operation, ports, database)
        prepared = {quiesce_kinds.PREPARED_TRANSACTIONS} & {*operation.plan.users.quiet_kinds}
        database.quiesce(prepared)
        raise


def _note_names(operation: Operation, ports: Ports, names: Sequence[str]) -> Operation:
    """Remember whose login is about to be taken: once it is, nothing in the cluster tells any more.

    Where an earlier run was through, only what it kept open is production's still. The rest is what
    it let in; on a cluster that is kept, it is what people opened since.
    """
    facts, through = operation.facts, operation.facts.users.production_logins_closed
    productions = [name for name in names if name in facts.users.logins_kept or not through]
    others = [name for name in names if name not in productions] if operation.keeps_cluster else []
    noted = _with_others(_with_names(facts, productions), others)
    if noted == facts:
        return operation
    if len(names) > NAMES_MAX:
        ports.operations.note_names(operation, names, step="setup-db-users", now=ports.now())
    return ports.operations.save_facts(operation, noted)


def _with_names(facts: Facts, names: Sequence[str]) -> Facts:
    """Add production's names to those known."""
    first, known = facts.users.logins_closed, facts.users.logins_closed_in_all
    whole = known == len(first) or bool(facts.users.production_logins_closed)
    if not {*names} - {*first}:
        return facts
    first, count = _joined(first, known, names, whole=whole)
    return replace(
        facts, users=replace(facts.users, logins_closed=first, logins_closed_count=count)
    )


def _with_others(facts: Facts, names: Sequence[str]) -> Facts:
    """Add the names of those that are not production's."""
    first, known = facts.users.other_logins_closed, facts.users.other_logins_closed_count
    if not {*names} - {*first}:
        return facts
    first, count = _joined(first, known, names, whole=known == len(first))
    return replace(
        facts,
        users=replace(facts.users, other_logins_closed=first, other_logins_closed_count=count),
    )


def _joined(
    first: Sequence[str], known: int, names: Sequence[str], *, whole: bool
) -> tuple[tuple[str, ...], int]:
    """Join names, as many as the record holds, and count them.

    Where `first` is not the `whole` of what is `known`, what is still open was counted before.
    """
    fresh = {*names} - {*first}
    count = known + len(fresh) if whole else max(known, len(fresh))
    return tuple(sorted({*first, *fresh})[:NAMES_MAX]), count


def _without_names(facts: Facts, kept: tuple[str, ...]) -> Facts:
    """Note who stays; an earlier attempt may have meant to close it, and could not."""
    closed = tuple(name for name in facts.users.logins_closed if name not in kept)
    count = facts.users.logins_closed_in_all - (len(facts.users.logins_closed) - len(closed))
    return replace(
        facts,
        users=replace(
            facts.users, logins_kept=kept, logins_closed=closed, logins_closed_count=count
        ),
    )
