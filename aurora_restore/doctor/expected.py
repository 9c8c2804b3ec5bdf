"""What a deployment of this checkout would have made: what the stage is compared with."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aurora_restore.account.identity import Account
from aurora_restore.deployment import function_config, invoke_config
from aurora_restore.deployment.project import policies_of
from aurora_restore.packaging import building
from aurora_restore.packaging.errors import PackageError
from aurora_restore.policies import TemplateError
from aurora_restore.stages import CHECKOUT, Stage
from chalicelib.flow.errors import RefusedError

Document = Mapping[str, Any]


@dataclass(frozen=True)
class Expected:
    """Every field is asked of the code that deploys.

    The callables when their check is made, since some take time.
    """

    environment: Mapping[str, str]
    """The variables of every function."""
    digest: Callable[[], str]
    """SHA-256 of the package of this checkout, in base64 as Lambda shows it (CodeSha256).

    Raises RefusedError.
    """
    policies: Callable[[Mapping[str, str]], Mapping[str, Document]]
    """Of each function's role, given the stage's SSM parameters.

    Raises RefusedError and SettingsError.
    """
    invocation: Callable[[str, str], Document] = invoke_config.invocation
    """The asynchronous settings of a function, in the words of PutFunctionEventInvokeConfig.

    Given the queue's ARN.
    """
    target: Callable[[str, str, str], Document] = invoke_config.target
    """The target of a function's rule, in the words of PutTargets.

    Given the ARNs of the function and of the queue.
    """


def of_checkout(checkout: Path) -> Callable[[Stage, Account], Expected]:
    """Say what a deployment of a checkout would put."""

    def expect(stage: Stage, who: Account) -> Expected:
        topic = stage.topic_arn(who.number, who.partition)
        return Expected(
            function_config.environment(stage, topic),
            _Package(stage, checkout).digest,
            _Policies(stage, who, checkout).all,
        )

    return expect


@dataclass(frozen=True)
class _Package:
    stage: Stage
    checkout: Path

    def digest(self) -> str:
        """Make the package, in a folder that no deployment uses, and give its digest."""
        folder, wheels = (
            self.checkout / ".build" / f"{self.stage.name}-looked-at",
            CHECKOUT / building.WHEELS,
        )
        try:
            built = building.build(
                self.stage,
                folder,
                checkout=self.checkout,
                wheels=wheels if wheels.is_dir() else None,
            )
        except PackageError as error:
            raise RefusedError(f"This checkout's package cannot be made: {error}", "") from error
        return building.digest(built)


@dataclass(frozen=True)
class _Policies:
    stage: Stage
    who: Account
    checkout: Path

    def all(self, parameters: Mapping[str, str]) -> Mapping[str, Document]:
        """Fill in every function's policy."""
        try:
            return policies_of(
                self.stage,
                self.checkout / ".chalice",
                account=self.who.number,
                partition=self.who.partition,
                parameters=parameters,
            )
        except TemplateError as error:
            raise RefusedError(str(error), "Correct that template.") from error
