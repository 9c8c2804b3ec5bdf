"""Face one: a client shaped like boto3's, in front of the model and without HTTP.

Requests and answers are checked against botocore's own service model: a wrong request raises what
boto3 raises, a wrong answer is a bug of the model and says so.
"""

import copy
from collections.abc import Callable, Mapping
from functools import cache
from types import SimpleNamespace
from typing import Any

import botocore.loaders
from botocore import xform_name
from botocore.errorfactory import ClientExceptionsFactory
from botocore.exceptions import ClientError, OperationNotPageableError, ParamValidationError
from botocore.model import OperationModel, ServiceModel, Shape
from botocore.paginate import Paginator
from botocore.validate import ParamValidator

from localaws.aurora.errors import NOT_MODELLED_CODE, InjectedError, LocalAwsBugError, RdsError
from localaws.aurora.model import Aurora

_SERVER_FAULT = 500
_UNMODELLED_CODES = frozenset(
    {"InvalidParameterValue", "InvalidParameterCombination", NOT_MODELLED_CODE}
)
_VALIDATOR = ParamValidator()
_FOUND_RIGHT: set[int] = set()
"""Values that botocore's model has been asked about: knowing one costs a ninth of asking."""


class RdsService:
    """What botocore knows of RDS, loaded once: operations by method name, exceptions, pages."""

    def __init__(self) -> None:
        loader = botocore.loaders.create_loader()
        self.model = ServiceModel(loader.load_service_model("rds", "service-2"), "rds")
        self.pages: Mapping[str, Any] = loader.load_service_model("rds", "paginators-1")[
            "pagination"
        ]
        self.exceptions = ClientExceptionsFactory().create_client_exceptions(self.model)
        self.names = {xform_name(name): name for name in self.model.operation_names}

    @cache  # noqa: B019  # there is one Service, and it lives as long as the process
    def operation(self, name: str) -> OperationModel:
        """Return an operation; looking one up costs more than checking a request against it."""
        return self.model.operation_model(name)

    @cache  # noqa: B019
    def error_codes(self, name: str) -> frozenset[str]:
        """Return the codes that an operation may answer with."""
        return (
            frozenset(shape.error_code for shape in self.operation(name).error_shapes)
            | _UNMODELLED_CODES
        )


@cache
def service() -> RdsService:
    """Return what botocore knows of RDS."""
    return RdsService()


class AuroraClient:
    """`boto3.client("rds")` for one account and region of a model.

    `checked` False leaves the checks out: for who makes the same calls ten thousand times.
    """

    def __init__(self, aurora: Aurora, *, account: str, region: str, checked: bool = True) -> None:
        self._aurora, self._checked = aurora, checked
        self._account = account
        self.meta = SimpleNamespace(region_name=region, service_model=service().model)
        self.exceptions = service().exceptions

    def __getattr__(self, name: str) -> Callable[..., dict[str, Any]]:
        operation = service().names.get(name)
        if operation is None:
            raise AttributeError(f"RDS has no operation {name!r}.")

        def call(**parameters: Any) -> dict[str, Any]:
            return self._call(operation, parameters)

        call.__name__ = name
        self.__dict__[name] = call
        return call

    def can_paginate(self, name: str) -> bool:
        """Tell whether an operation answers in pages."""
        return service().names.get(name) in service().pages

    def get_paginator(self, name: str) -> Paginator:
        """Return botocore's own paginator for an operation."""
        if not self.can_paginate(name):
            raise OperationNotPageableError(operation_name=name)
        operation = service().names[name]
        return Paginator(
            getattr(self, name), service().pages[operation], service().operation(operation)
        )

    def _call(self, operation: str, parameters: dict[str, Any]) -> dict[str, Any]:
        model = service().operation(operation)
        if self._checked:
            _check_request(model, parameters)
        try:
            answer = self._aurora.call(
                operation,
                copy.deepcopy(parameters),
                account=self._account,
                region=self.meta.region_name,
            )
        except RdsError as error:
            raise self._client_error(operation, error) from None
        if self._checked:
            _check_answer(model, answer)
        return answer | {"ResponseMetadata": self._metadata(200)}

    def _client_error(self, operation: str, error: RdsError) -> ClientError:
        """Return the exception that boto3 raises for an error code."""
        if not isinstance(error, InjectedError) and error.code not in service().error_codes(
            operation
        ):
            raise LocalAwsBugError(
                f"{operation} does not answer with {error.code} on AWS."
            ) from error
        kind = "Receiver" if error.http_status >= _SERVER_FAULT else "Sender"
        response = {
            "Error": {"Type": kind, "Code": error.code, "Message": error.message},
            "ResponseMetadata": self._metadata(error.http_status),
        }
        return self.exceptions.from_code(error.code)(response, operation)

    def _metadata(self, status: int) -> dict[str, Any]:
        request_id = self._aurora.unique_id()
        return {
            "RequestId": request_id,
            "HTTPStatusCode": status,
            "HTTPHeaders": {"x-amzn-requestid": request_id},
            "RetryAttempts": 0,
        }


def _check_request(model: OperationModel, parameters: dict[str, Any]) -> None:
    if wrong := _what_is_wrong(parameters, model.input_shape):
        raise ParamValidationError(report=wrong)


def _check_answer(model: OperationModel, answer: dict[str, Any]) -> None:
    if model.output_shape is None:
        wrong = f"an answer where there is none: {answer}" if answer else ""
    else:
        wrong = _what_is_wrong(answer, model.output_shape)
    if wrong:
        raise LocalAwsBugError(f"The model's answer to {model.name} is not one of AWS: {wrong}")


def _what_is_wrong(value: dict[str, Any], shape: Shape) -> str:
    """Hold a value against its shape, once: most values are asked for, and answered, many times."""
    seen = hash((shape.name, repr(value)))
    if seen in _FOUND_RIGHT:
        return ""
    report = _VALIDATOR.validate(value, shape)
    if report.has_errors():
        return str(report.generate_report())
    _FOUND_RIGHT.add(seen)
    return ""
