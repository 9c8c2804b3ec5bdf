"""Runs every check: one that cannot be made is a finding, too, and stops no other."""

import traceback
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from aurora_restore.account.identity import Account
from aurora_restore.doctor import caller
from aurora_restore.doctor.checks import CHECKS, Check, PlanCheck
from aurora_restore.doctor.expected import Expected
from aurora_restore.doctor.stage_plan import StagePlan
from aurora_restore.doctor.stage_view import StageView
from aurora_restore.findings import Finding, Status, combine, failed, ok, warning
from aurora_restore.stages import Stage
from chalicelib.aws.client import DENIED, Clients, DeniedError
from chalicelib.flow.errors import (
    RefusedError,
    SettingsError,
    TransientError,
    UnreadableRecordError,
)
from chalicelib.flow.plan import Plan
from chalicelib.settings import DEFAULT_PLAN

Subject = TypeVar("Subject")
Expect = Callable[[Stage, Account], Expected]
UNSEEN = "It could not be looked at:"


def examine(
    stage: Stage,
    checkout: Path,
    clients: Clients,
    expect: Expect,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Iterator[Finding]:
    """Tell everything that is seen of a stage, one finding after another. Raises nothing."""
    place, who = caller.region(stage), caller.sign_in(clients, stage)
    yield combine("region", [place])
    if isinstance(who, Finding):
        yield combine("credentials", [who])
        yield _skipped(
            [check.name for check in CHECKS], "there are no valid credentials; fix that first"
        )
        return
    account = caller.account(who, stage)
    yield combine("credentials", [ok(f"{who.caller}.")])
    yield combine("account", [account])
    if Status.FAILED in (place.status, account.status):
        yield _skipped(
            [check.name for check in CHECKS],
            "credentials are for another account or region; fix that first",
        )
        return
    yield from look_at(StageView(who, stage, checkout, expect(stage, who), now=now))


def look_at(view: StageView) -> Iterator[Finding]:
    """Make every check of a stage that is known to be the right one."""
    known = plan_views(view)
    for check in CHECKS:
        yield from make(check, view, known)
    if not known:
        names = [check.name for check in CHECKS if isinstance(check, PlanCheck)]
        yield _skipped(names, "no plan can be used; see the check `settings` first")


def make(check: Check | PlanCheck, view: StageView, known: list[StagePlan]) -> Iterator[Finding]:
    """Make one check: once, or of each plan that is known."""
    if isinstance(check, Check):
        yield combine(check.name, _seen(check.look, view))
        return
    for subject in known:
        name = (
            check.name
            if subject.plan.name == DEFAULT_PLAN
            else f"{check.name} of plan {subject.plan.name}"
        )
        yield combine(name, _seen(check.look, subject))


def plan_views(view: StageView) -> list[StagePlan]:
    """List the plans that can be looked at.

    What is wrong with the others, the check `settings` says.
    """
    try:
        return [
            StagePlan(view.ports, plan, view)
            for plan in view.plans.values()
            if isinstance(plan, Plan)
        ]
    except Exception:  # noqa: BLE001 # whatever it is, the check `settings` meets it again and tells it
        return []


def _skipped(names: list[str], why: str) -> Finding:
    return combine("skipped", [warning(f"{', '.join(names)}: {why}.", "")])


def _seen(look: Callable[[Subject], Iterable[Finding]], subject: Subject) -> Iterator[Finding]:
    try:
        yield from look(subject)
    except Exception as error:  # noqa: BLE001 # one check that breaks must not take the others along
        yield _trouble(error)


def _trouble(error: Exception) -> Finding:
    match error:
        case DeniedError():
            return failed(
                f"{UNSEEN} {error.reason}", f"Allow {error.action} to whoever runs the doctor."
            )
        case RefusedError():
            return failed(error.reason, error.remedy)
        case TransientError() | BotoCoreError():
            return failed(
                f"{UNSEEN} {error}",
                "Check again; if that does not help, check the network.",
            )
        case SettingsError() | UnreadableRecordError():
            return failed(str(error), "")
        case ClientError():
            return _refused(error)
    return _mistake(error)


def _refused(error: ClientError) -> Finding:
    """Tell of a table's answer, which the store passes on as it is."""
    code = error.response["Error"]["Code"]
    action = f"dynamodb:{error.operation_name}"
    if code in DENIED:
        return failed(
            f"{UNSEEN} {action} was answered {code}.", f"Allow {action} to whoever runs the doctor."
        )
    return failed(f"{UNSEEN} {action} was answered {code}.", "See the check `tables`.")


def _mistake(error: Exception) -> Finding:
    """Tell of a bug by its place only: what a text would quote, nobody knows."""
    place = traceback.extract_tb(error.__traceback__)[-1]
    where = f"{Path(place.filename).name}, line {place.lineno}"
    return failed(
        f"{UNSEEN} {type(error).__name__} in {where}.",
        "That is a mistake of the doctor's own: report it.",
    )
