"""What somebody stopped stays stopped, although Chalice starts all that it deploys.

PutRule without a state enables the rule (EventBridge API reference), and Chalice gives none. It
also takes away the reserved concurrency of a function whose configuration has none; 0 stops one.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from aurora_restore.account.identity import Account
from aurora_restore.account.state import AccountState
from aurora_restore.stages import Stage


@dataclass(frozen=True)
class Paused:
    """Rules that are disabled, and functions that reserve a concurrency of 0, by their names."""

    rules: tuple[str, ...] = ()
    functions: tuple[str, ...] = ()

    def plan(self) -> Iterator[str]:
        """Say what stays as it is."""
        if self.rules:
            yield f"Disabled by somebody, and kept so: {', '.join(self.rules)}."
        if self.functions:
            names = ", ".join(self.functions)
            yield f"Stopped by somebody (reserved concurrency 0), and kept so: {names}."

    def reminders(self, stage: Stage) -> Iterator[str]:
        """Say how each is started again."""
        for rule in self.rules:
            yield f"The rule {rule} is still disabled. Enable it: {enable_command(stage, rule)}"
        for name in self.functions:
            start = (
                f"aws lambda delete-function-concurrency --region {stage.region} "
                f"--function-name {name}"
            )
            yield f"The function {name} is still stopped. Start it: {start}"


def paused(state: AccountState) -> Paused:
    """Find what somebody stopped."""
    rules = [str(rule["Name"]) for rule in state.rules.values() if rule["State"] == "DISABLED"]
    names = [state.stage.function(name) for name in state.functions]
    return Paused(tuple(rules), tuple(name for name in names if _is_stopped(state, name)))


def _is_stopped(state: AccountState, function: str) -> bool:
    found = state.find("lambda", "get_function_concurrency", FunctionName=function)
    return bool(found and found.get("ReservedConcurrentExecutions") == 0)


def enable_command(stage: Stage, rule: str) -> str:
    """Give the command that enables a rule again."""
    return f"aws events enable-rule --region {stage.region} --name {rule}"


@contextmanager
def kept_paused(account: Account, stage: Stage, found: Paused) -> Iterator[None]:
    """Stop all of it once more after what starts it, whether or not that comes to its end."""
    events = account.clients("events", stage.region)
    functions = account.clients("lambda", stage.region)
    try:
        yield
    finally:  # what left with its function is not there any more
        for rule in found.rules:
            with suppress(events.exceptions.ResourceNotFoundException):
                events.disable_rule(Name=rule)
        for name in found.functions:
            with suppress(functions.exceptions.ResourceNotFoundException):
                functions.put_function_concurrency(
                    FunctionName=name, ReservedConcurrentExecutions=0
                )
