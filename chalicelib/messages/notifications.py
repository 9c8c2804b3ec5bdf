"""The notifications to people: a subject, a message they can act on, and its JSON for programs."""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from chalicelib import observability
from chalicelib.flow import exposure, quiesce_kinds
from chalicelib.flow.choreography import ROWS, Result, State
from chalicelib.flow.errors import RefusedError, TransientError, lines
from chalicelib.flow.facts import Facts
from chalicelib.flow.not_carried import not_carried
from chalicelib.flow.operation import Kind, Operation
from chalicelib.flow.text_limits import (
    MESSAGE_BYTES_MAX,
    REMEDY_MAX,
    TEXT_MAX,
    WARNING_MAX,
    brief,
    listed,
)
from chalicelib.flow.timestamps import iso_timestamp
from chalicelib.flow.untrusted_text import one_line, quoted, shown_name
from chalicelib.messages import advice, announcements, commands
from chalicelib.messages.previous_target import keep_for_good, kept_previous, named
from chalicelib.messages.target_naming import cluster_of, opened_arn, pointers_of, target_of
from chalicelib.observability import logger
from chalicelib.ports import Ports

TOPIC_COLONS = 5  # in a topic's ARN
SUBJECT_MAX = 100  # characters of ASCII (SNS API reference)
UNTRIED = (
    "Whether production has the passwords of the secrets, too, was tried when this cluster was "
    "restored, and cannot be tried any more."
)


def publish(
    topic_arn: str, subject: str, text: str, values: Mapping[str, Any], ports: Ports
) -> None:
    """Publish one notification: e-mail gets the text, queues and functions get JSON.

    Raises what `Service.call` does.
    """
    if topic_arn.count(":") < TOPIC_COLONS:
        raise RefusedError(
            f"SNS_TOPIC_ARN is {topic_arn}, which is no ARN of a topic.", "Correct SNS_TOPIC_ARN."
        )
    message = _message(text, values)
    short = subject.encode("ascii", "replace").decode()[:SUBJECT_MAX]
    ports.service("sns", topic_arn.split(":")[3]).call(
        "publish", TopicArn=topic_arn, Subject=short, Message=message, MessageStructure="json"
    )


def _message(text: str, values: Mapping[str, Any]) -> str:
    """Make one message with a text for each protocol, cut until SNS takes them all together."""
    message, longest = _for_protocols(text, values), TEXT_MAX
    while len(message.encode()) > MESSAGE_BYTES_MAX:
        message = _for_protocols(brief(text, 4 * longest), _shortened(values, longest))
        longest //= 2
    return message


def _for_protocols(text: str, values: Mapping[str, Any]) -> str:
    for_programs = json.dumps(values, ensure_ascii=False)
    texts = {"default": text, "email": text}
    texts |= dict.fromkeys(("sqs", "lambda", "https"), for_programs)
    return json.dumps(texts, ensure_ascii=False)


def _shortened(value: Any, longest: int) -> Any:
    """Cut every text in a value to `longest` characters, and lists to a hundredth as many items."""
    if isinstance(value, str):
        return brief(value, longest)
    if isinstance(value, Mapping):
        return {name: _shortened(part, longest) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_shortened(part, longest) for part in value[: max(1, longest // 100)]]
    return value


def publish_refusal(refusal: RefusedError, envelope: Mapping[str, Any], ports: Ports) -> None:
    """Notify people that their event was refused.

    Where that fails it is logged, since there is no record to mark.
    """
    stage, event_id = ports.settings.stage, shown_name(envelope.get("id"))
    detail_type = shown_name(envelope.get("detail-type"))
    reason, remedy = brief(refusal.reason), brief(refusal.remedy, REMEDY_MAX)
    sentences = " ".join([reason, *refusal.problems, remedy])
    logger.warning(f"Refused {detail_type}: {brief(sentences, REMEDY_MAX)}", event_id=event_id)
    observability.count("RequestRefused", stage)
    topic = ports.settings.sns_topic_arn
    if not topic:
        logger.error("Nobody is notified: SNS_TOPIC_ARN is not set in the environment.")
        observability.count("NotificationLost", stage)
        return
    problems = [brief(problem, WARNING_MAX) for problem in refusal.problems]
    event = f"{detail_type} {event_id}"
    text = f"{lines(reason, problems)}\n\nWhat to do: {remedy}\n\nThe event: {event}"
    values = {
        "kind": "refused",
        "stage": stage,
        "event_id": event_id,
        "detail_type": detail_type,
        "reason": reason,
        "remedy": remedy,
        "problems": problems,
        "text": text,
    }
    try:
        publish(topic, f"aurora-restore {stage}: {detail_type} refused", text, values, ports)
    except (TransientError, RefusedError) as error:
        logger.error(f"Nobody could be notified of the refusal: {error}")
        observability.count("NotificationLost", stage)


def publish_announcement(operation: Operation, at: str, ports: Ports) -> None:
    """Tell people when their target will be replaced, and how to prevent that."""
    plan, command = operation.plan, commands.cancel_command(operation)
    text = (
        f"{target_of(operation, first=True)} will be replaced at {at} by a restore of "
        f"{operation.facts.snapshot.arn}.\nTo prevent that: {command}\nPAUSED, REFRESH_DAYS and "
        "REFRESH_WINDOW only hold up what has not begun: they do not prevent it."
    )
    subject = f"aurora-restore {operation.stage}: {cluster_of(operation)} will be replaced"
    values = {"kind": "announcement", **announcements.replacement_of(operation, at), "text": text}
    publish(plan.reports.sns_topic_arn, subject, text, values, ports)


def outcome_of(operation: Operation) -> str:
    """Name the end that is coming."""
    return str(ROWS[operation.state].result)


def subject(operation: Operation) -> str:
    """Give the subject: stage, end, and the name of the cluster that it is about."""
    retires = operation.kind is Kind.RETIRE
    name = operation.previous_id if retires else cluster_of(operation)
    return f"aurora-restore {operation.stage}: {name} {outcome_of(operation)}"


def payload(operation: Operation, text: str, now: datetime) -> dict[str, Any]:
    """Give the notification for programs: the detail of the end's event, and the text."""
    return {
        "kind": "end",
        "operation_id": operation.operation_id,
        "plan": operation.plan_name,
        "stage": operation.stage,
        "outcome": outcome_of(operation),
        "age_of_data_seconds": _age_seconds(operation, now),
        "text": text,
        **announcements.end_of(operation),
    }


def body(operation: Operation, now: datetime, *, logins_open_on: str | None = None) -> str:
    """Write the message: what happened, what it means, what to do.

    `logins_open_on` is the target's resource id when production's passwords still open what an
    earlier operation left.
    """
    parts = [_headline(operation), *(f"- {problem}" for problem in operation.problems)]
    parts += _who_asked(operation)
    parts += _about_data(operation, now)
    if operation.state is State.ARCHIVED:
        parts += _success(operation)
    else:
        parts += _what_to_do(operation, logins_open_on)
    parts += [f"Warning: {warning}" for warning in operation.warnings]
    parts += _durations(operation)
    # Records of earlier versions may hold text that is not escaped.
    return "\n".join(map(one_line, parts))


def _headline(operation: Operation) -> str:
    target = target_of(operation)
    result = ROWS[operation.state].result
    if operation.kind is not Kind.RESTORE:
        return _headline_of_other(operation)
    if operation.keeps_cluster and result is not Result.SKIPPED:
        return _headline_of_repetition(operation)
    if operation.state is State.ARCHIVED:
        source = operation.plan.source_cluster_arn
        return f"{opened_arn(operation)} is fresh: it was restored from {source}."
    if operation.state is State.SKIPPING:
        return f"This operation changed nothing on {target}. {operation.reason or ''}"
    if operation.state is State.CANCELLING:
        stopped_at, reason = operation.stopped_at, operation.reason or ""
        return f"The restore of {target} was stopped in {stopped_at}. {reason}"
    return f"The restore of {target} failed at {operation.failed_step}: {operation.reason or ''}"


def _who_asked(operation: Operation) -> list[str]:
    """Name what a skipped operation came of: people may have several requests on their way."""
    if operation.state is not State.SKIPPING:
        return []
    why = f", with the reason {quoted(operation.request_reason)}" * bool(operation.request_reason)
    return [f"{operation.operation_id} was started by {operation.requested_by}{why}."]


def _headline_of_repetition(operation: Operation) -> str:
    """Begin the message about a step that was repeated on the cluster of an earlier success."""
    target, archives = target_of(operation), _archives_again(operation)
    if operation.state is State.ARCHIVED:
        done = "archive-snapshot ran again for" if archives else "The users were set up again on"
        return f"{done} {target}. The cluster was not replaced."
    what = "Running archive-snapshot again for" if archives else "Setting up the users again on"
    how = "was stopped" if operation.state is State.CANCELLING else "failed"
    return f"{what} {target} {how}. {operation.reason or ''}".rstrip()


def _archives_again(operation: Operation) -> bool:
    return bool(operation.keeps_cluster) and operation.durations[0].step == "archive-snapshot"


def _headline_of_other(operation: Operation) -> str:
    """Begin the message about a rollback, or about a previous target that was to be deleted."""
    target = target_of(operation)
    reason = f" {operation.reason}" if operation.reason else ""
    if operation.kind is Kind.RETIRE:
        return f"{_headline_of_retirement(operation)}{reason}"
    if operation.state is State.ARCHIVED:
        made = operation.facts.target.cluster_resource_id
        return f"{target_of(operation, first=True)} is the previous cluster, {made}, again."
    if operation.state is State.SKIPPING:
        return f"The rollback of {target} did not begin.{reason}"
    if operation.state is State.CANCELLING:
        return f"The rollback of {target} was cancelled.{reason}"
    return f"The rollback of {target} failed at {operation.failed_step}.{reason}"


def _headline_of_retirement(operation: Operation) -> str:
    previous = f"previous target, {named(operation)},"
    if operation.stopped_at is None:  # it may have another name by now
        target = target_of(operation)
        return f"The planned deletion of a previous cluster of {target} was called off."
    if operation.state is State.FAILING:
        return f"The {previous} could not be deleted."
    if operation.stopped_at is State.PREVIOUS_DELETING:
        return f"The deletion of the {previous} was stopped."
    return f"The {previous} is kept."


def _about_data(operation: Operation, now: datetime) -> list[str]:
    snapshot = operation.facts.snapshot
    if snapshot.created_at is None:
        return []
    age = timedelta(seconds=round((now - snapshot.created_at).total_seconds()))
    usual = timedelta(hours=operation.plan.source.snapshot_age_max_hours)
    comment = " It is older than usual." if age > usual else ""
    created_at = iso_timestamp(snapshot.created_at)
    return [f"Snapshot: {snapshot.arn} of {created_at}, {age} old.{comment}"]


def _success(operation: Operation) -> list[str]:
    target = operation.facts.target
    endpoint = f"Endpoint: {target.endpoint}, port {target.port}; reader: {target.reader_endpoint}"
    if operation.kind is Kind.ROLLBACK:
        contents = _as_left(operation)
    else:
        contents = [_users(operation)] if _archives_again(operation) else _contents(operation)
    kept = [*kept_previous(operation), *keep_for_good(operation)]
    return [endpoint, *pointers_of(operation), *contents, *kept]


def _users(operation: Operation) -> str:
    plan = operation.plan.users
    master = plan.master_credentials_secret_id
    return f"Users: in the secret {plan.app_credentials_secret_id}; master: {master}"


def _as_left(operation: Operation) -> list[str]:
    """Say what a rollback knows of the cluster that is the target again.

    It tries the plan's users only where one of our operations made the cluster.
    """
    proven = [_users(operation)] if operation.facts.users.production_logins_closed else []
    return [*proven, "The rollback changed no data, users or jobs: all are as they were left."]


def _contents(operation: Operation) -> list[str]:
    """Say what was done in the databases of the new cluster, and what is not as before."""
    users, plan = operation.facts.users, operation.plan.users
    stopped = quiesce_kinds.sentence(users.quieted, plan.kinds_left)
    closed = _closed(operation.facts) or "there were none"
    parts = [_users(operation), f"Production's logins are disabled: {closed}."]
    parts += _exposure(operation.facts)
    if users.logins_kept:
        parts.append(f"Kept open on purpose (KEEP_LOGIN_ROLES): {listed(users.logins_kept)}.")
    parts.append(f"Production's jobs and outbound connections: {stopped}.")
    parts += _others_closed(operation.facts)
    if operation.keeps_cluster:
        parts.append(UNTRIED)
    if missing := not_carried(operation):
        parts.append("Not carried over from the old target:")
        parts += [f"- {what}" for what in missing]
    return parts


def _closed(facts: Facts) -> str:
    count = facts.users.logins_closed_in_all
    names = listed(facts.users.logins_closed, count)
    if count == len(facts.users.logins_closed):
        return names
    return (
        f"{names} All names are in the audit table, in this operation's rows or its predecessor's"
    )


def _exposure(facts: Facts) -> list[str]:
    """Say how long production's passwords could open the copy, where that is known."""
    text = exposure.sentence(facts)
    return [f"{text[0].upper()}{text[1:]}."] if text else []


def _others_closed(facts: Facts) -> list[str]:
    """Name people's own logins, which they have to open again themselves."""
    text = facts.users.others_closed
    if not text:
        return []
    since = (
        "They could log in to this cluster, and are neither production's nor in the secrets now; "
        "whoever still needs one has to have it opened again, with a new password."
    )
    return [f"{text[0].upper()}{text[1:]}. {since}"]


def _what_to_do(operation: Operation, logins_open_on: str | None) -> list[str]:
    parts = [f"What to do: {operation.remedy}"] if operation.remedy else []
    parts += advice.target_status(operation)
    if logins_open_on or operation.facts.users.production_logins_closed is False:
        which = logins_open_on or operation.facts.target.cluster_resource_id
        where = _open_cluster(operation, which)
        parts.append(f"Beware: production's logins and passwords are still open on {where}.")
    elif operation.facts.users.production_logins_closed and _made_its_cluster(operation):
        parts += [
            "Production's logins are disabled on the new cluster.",
            *_exposure(operation.facts),
        ]
    parts += _others_closed(operation.facts)
    if operation.state is not State.SKIPPING and (command := advice.next_command(operation)):
        parts.append(command)
    return parts


def _made_its_cluster(operation: Operation) -> bool:
    return operation.kind is Kind.RESTORE and not operation.keeps_cluster


def _open_cluster(operation: Operation, resource_id: str | None) -> str:
    """Name a cluster as this operation knows it; the id alone where it knows no such cluster."""
    target = operation.facts.target
    known = {found.resource_id: found.name for found in (target.leftover, target.old) if found}
    known[target.cluster_resource_id or ""] = operation.new_cluster_id
    name = known.get(resource_id or "")
    if name is None and not operation.plan.target.keeps_old:
        return f"the target as it stands, {resource_id}"
    return f"{name}, {resource_id}" if name else f"the cluster {resource_id}"


def _durations(operation: Operation) -> list[str]:
    """List the durations of the states, with the sums of the listed (rounded) figures.

    A skipped operation did nothing, so there is nothing to list.
    """
    if operation.state is State.SKIPPING:
        return []
    total = sum(round(duration.seconds, 1) for duration in operation.durations)
    own = sum(round(duration.own_seconds, 1) for duration in operation.durations)
    lines = [
        f"  {duration.state:<20}{duration.seconds:>10.1f} s" for duration in operation.durations
    ]
    return [f"Time: {total:.1f} s in all, {own:.1f} s of them our own.", *lines]


def _age_seconds(operation: Operation, now: datetime) -> float | None:
    created_at = operation.facts.snapshot.created_at
    return round((now - created_at).total_seconds(), 3) if created_at else None
