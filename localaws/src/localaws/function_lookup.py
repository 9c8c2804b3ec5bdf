"""Deployed functions as moto keeps them, and how each is run."""

from dataclasses import dataclass
from typing import Any

from moto.awslambda.exceptions import UnknownFunctionException
from moto.awslambda.models import LambdaFunction, lambda_backends

from localaws.packages import Packages
from localaws.workers import Specification


@dataclass(frozen=True)
class FunctionName:
    """Where a function is: it is looked up at each attempt, for it may be gone by then."""

    account: str
    region: str
    name: str

    @classmethod
    def of_arn(cls, arn: str) -> "FunctionName":
        """Read the ARN of a function, without or with a qualifier."""
        _, _, _, region, account, _, name, *_ = arn.split(":")
        return cls(account, region, name)

    def find(self) -> LambdaFunction | None:
        """Look the function up; None when it is not (or no longer) deployed."""
        try:
            return lambda_backends[self.account][self.region].get_function(self.name)
        except UnknownFunctionException:
            return None


def specification_of(function: LambdaFunction, packages: Packages, endpoint: str) -> Specification:
    """Return how a function runs now: package, handler, environment, limits."""
    return Specification(
        arn=function.function_arn,
        name=function.function_name,
        account=function.account_id,
        region=function.region,
        handler=str(function.handler),
        package=packages.path_of(function.code_sha_256),
        runtime=packages.runtime,
        # Sorted: two workers are alike if their specifications are equal.
        environment=tuple(sorted(function.environment_vars.items())),
        timeout_seconds=int(function.timeout),
        memory_mb=int(function.memory_size),
        endpoint=endpoint,
        role=str(function.role),
    )


def reserved_concurrency(function: LambdaFunction) -> int | None:
    """Give the reserved concurrency of a function, or None when it reserves nothing."""
    reserved = function.reserved_concurrency
    return None if reserved is None else int(reserved)


def event_invoke_setting(function: LambdaFunction) -> dict[str, Any]:
    """Give the asynchronous settings (retries, age, destinations) of a function.

    Empty when it has none.
    """
    settings = function.event_invoke_config
    return dict(settings[-1].config) if settings else {}
