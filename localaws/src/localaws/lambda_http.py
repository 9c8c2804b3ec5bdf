"""Lambda's API: moto keeps the functions, localaws unpacks their zips and runs them."""

import base64
import json
import re
import sys
from typing import Any, ClassVar, Final
from urllib.parse import unquote
from zipfile import BadZipFile

from moto.awslambda.exceptions import InvalidParameterValueException
from moto.awslambda.models import LambdaFunction
from moto.awslambda.responses import LambdaResponse
from moto.core.common_types import TYPE_RESPONSE
from moto.core.exceptions import JsonRESTError
from moto.core.responses import ActionResult

from localaws.account import network_problem
from localaws.destinations import check_destinations
from localaws.function_lookup import FunctionName
from localaws.functions import Functions, ThrottledError
from localaws.iam import PolicyError, lambdas
from localaws.iam.enforcer import Enforcer
from localaws.iam.roles import role_of
from localaws.iam.trust import Principal, trusts
from localaws.packages import Packages
from localaws.refusals import NotModelledError, check_fields, json_error
from localaws.targets import RefusedTargetError

# Payloads of asynchronous and of synchronous invocations (Lambda quotas).
EVENT_BYTES_MAX: Final = 1024 * 1024
REQUEST_BYTES_MAX: Final = 6 * 1024 * 1024
RUNTIME: Final = f"python{sys.version_info.major}.{sys.version_info.minor}"

_CONFIGURED: Final = frozenset(
    {"FunctionName", "Description", "Handler", "MemorySize", "Role", "Runtime", "Timeout"}
) | {
    "VpcConfig",
    "Environment",
    "Layers",
    "TracingConfig",
    "RevisionId",
}
_CREATED: Final = _CONFIGURED | {
    "Code",
    "Publish",
    "PackageType",
    "Tags",
    "Architectures",
    "EphemeralStorage",
}
_ROLE: Final = re.compile(r"arn:aws:iam::\d{12}:role/.+", re.ASCII)
_NAME: Final = re.compile(
    r"(arn:aws:lambda:[a-z]{2}(-[a-z]+)+-\d:)?(\d{12}:)?(function:)?[\w-]{1,64}(:(\$LATEST|[\w-]+))?",
    re.ASCII,
)
_UNUSABLE: Final = (OSError, InvalidParameterValueException)
_NO_ZIP: Final = "Could not unzip uploaded file. Please check your file, then try to upload again."
_NO_LAYERS: Final = "Put everything into the function's own package."
_NO_VERSIONS: Final = "Functions have one version here, $LATEST."


class TooLargeError(JsonRESTError):
    """Lambda's answer to a payload above its limit."""

    code = 413


class TooManyRequestsError(JsonRESTError):
    """Lambda's answer to a synchronous call above the reserved concurrency."""

    code = 429


class Lambda(LambdaResponse):
    """The API of Lambda. The server fills in `functions`, `packages` and `enforcer`."""

    functions: ClassVar[Functions]
    packages: ClassVar[Packages]
    enforcer: ClassVar[Enforcer]

    def call_action(self) -> TYPE_RESPONSE:
        """Refuse what cannot be the name or ARN of a function here."""
        self._get_action()  # which finds the name in the address
        name = self._get_param("FunctionName")
        if name is not None and not _NAME.fullmatch(unquote(str(name))):
            text = (
                f"Value '{name}' at 'functionName' failed to satisfy constraint: Member must be a "
                "name or an ARN"
            )
            return json_error(
                self, JsonRESTError("ValidationException", f"1 validation error detected: {text}")
            )
        answer: TYPE_RESPONSE = super().call_action()
        return answer

    def create_function(self) -> TYPE_RESPONSE:
        """Check what was asked for, keep the function, unpack its zip."""
        body = self.json_body
        check_fields(body, _CREATED, "CreateFunction")
        _check_runnable(body)
        _check_role(body["Role"])
        self._check_network(body["FunctionName"], body["Role"], body.get("VpcConfig"))
        answer = super().create_function()
        # moto has kept it by now, so a zip that cannot be unpacked takes the function back.
        try:
            self._unpack(body["FunctionName"])
        except _UNUSABLE:
            self.backend.delete_function(body["FunctionName"])
            raise
        return answer

    def update_function_code(self) -> TYPE_RESPONSE:
        """Replace the code; the next invocation runs it."""
        function = self.backend.get_function(self._function_name(-2))
        before = dict(vars(function))
        answer = super().update_function_code()
        try:
            self._unpack(self._function_name(-2))
        except _UNUSABLE:
            vars(function).update(before)
            raise
        return answer

    def update_function_configuration(self) -> TYPE_RESPONSE:
        """Change settings, all of them: moto alone forgets TracingConfig."""
        body = self.json_body
        check_fields(body, _CONFIGURED, "UpdateFunctionConfiguration")
        _check_runnable(body)
        if "Role" in body:
            _check_role(body["Role"])
        function = self.backend.get_function(self._function_name(-2))
        self._check_network(
            function.function_name, body.get("Role", function.role), body.get("VpcConfig")
        )
        if "TracingConfig" in body:
            function.tracing_config = body["TracingConfig"]
        return super().update_function_configuration()

    def put_function_event_invoke_config(self) -> ActionResult:
        """Replace the asynchronous settings: moto's put only adds, and its first stays for ever."""
        try:
            check_destinations(self.json_body)
        except RefusedTargetError as error:
            raise InvalidParameterValueException(str(error)) from error
        self.backend.get_function(self._function_name(-2)).event_invoke_config = []
        return super().put_function_event_invoke_config()

    def invoke(self) -> TYPE_RESPONSE:
        """Invoke a function: `RequestResponse` waits, `Event` queues, `DryRun` looks it up."""
        function = self._function()
        kind = self.headers.get("X-Amz-Invocation-Type", "RequestResponse")
        event = _event_of(self.body, EVENT_BYTES_MAX if kind == "Event" else REQUEST_BYTES_MAX)
        name = FunctionName(function.account_id, function.region, function.function_name)
        if kind == "DryRun":
            return 204, {"status": "204"}, ""
        if kind == "Event":
            request_id = self.functions.enqueue(name, event)
            return 202, {"status": "202", "x-amzn-RequestId": request_id}, ""
        return self._run(name, event)

    def _run(self, name: FunctionName, event: Any) -> TYPE_RESPONSE:
        try:
            outcome = self.functions.invoke(name, event)
        except ThrottledError as error:
            raise TooManyRequestsError("TooManyRequestsException", str(error)) from error
        headers = {
            "status": "200",
            "content-type": "application/json",
            "x-amz-executed-version": "$LATEST",
        }
        if outcome.error is not None:
            headers["x-amz-function-error"] = outcome.error
        # The call succeeds with 200 even if the function failed: the header says so.
        if self.headers.get("X-Amz-Log-Type") == "Tail":
            headers["x-amz-log-result"] = base64.b64encode(outcome.tail.encode()).decode()
        return 200, headers, outcome.payload

    def _check_network(self, name: str, role: str, vpc: dict[str, Any] | None) -> None:
        """Refuse a missing network, and a role that may not make interfaces in it."""
        if not vpc:
            return
        subnets, groups = vpc.get("SubnetIds", []), vpc.get("SecurityGroupIds", [])
        # Lambda's own sentence, with its `SecurityIds`.
        if bool(subnets) != bool(groups):
            raise InvalidParameterValueException(
                "SubnetIds and SecurityIds must coexist or be both empty list."
            )
        problem = network_problem(self.current_account, self.region, subnets, groups)
        if problem:
            raise InvalidParameterValueException(problem)
        if not subnets:
            return
        arn = f"arn:aws:lambda:{self.region}:{self.current_account}:function:{name}"
        asked = lambdas.placing(arn, vpc["SubnetIds"], vpc.get("SecurityGroupIds", []))
        try:
            denied = self.enforcer.denied(role, arn, asked)
        except PolicyError as error:
            raise NotModelledError(str(error)) from error
        if denied:
            action = denied[0].action.removeprefix("ec2:")
            text = f"The provided execution role does not have permissions to call {action} on EC2"
            raise InvalidParameterValueException(text)

    def _function(self) -> LambdaFunction:
        qualifier = self._get_param("Qualifier")
        if qualifier not in (None, "$LATEST"):
            raise NotModelledError(
                f"localaws does not model the qualifier {qualifier}. {_NO_VERSIONS}"
            )
        return self.backend.get_function(self._function_name(-2))

    def _function_name(self, position: int) -> str:
        """Read the function's name (or ARN) out of the path.

        `position` counts its segments from the end.
        """
        return unquote(self.path.rstrip("/").split("/")[position])

    def _unpack(self, name: str) -> None:
        """Unpack the zip and forget it: moto keeps each twice, 40 MB for every function."""
        function = self.backend.get_function(name)
        if function.code_bytes:
            try:
                self.packages.unpack(function.code_sha_256, function.code_bytes)
            except BadZipFile as error:
                raise InvalidParameterValueException(_NO_ZIP) from error
            function.code_bytes = b""
            function.code.pop("ZipFile", None)


def _check_role(arn: str) -> None:
    """Refuse a role that Lambda could not take on.

    Moto itself refuses what is no ARN of a role here.
    """
    role = role_of(arn) if _ROLE.fullmatch(arn) else None
    if role is not None and not trusts(role, Principal(service="lambda.amazonaws.com")):
        raise InvalidParameterValueException(
            "The role defined for the function cannot be assumed by Lambda."
        )


def _check_runnable(body: dict[str, Any]) -> None:
    """Refuse what would run differently here."""
    if body.get("PackageType", "Zip") != "Zip":
        raise NotModelledError("localaws runs functions from zips, not from images.")
    if body.get("Layers"):
        raise NotModelledError(f"localaws does not model Layers. {_NO_LAYERS}")
    if body.get("Runtime", RUNTIME) != RUNTIME:
        text = (
            f"localaws runs functions on its own interpreter, {RUNTIME}; {body['Runtime']} is not "
            "here."
        )
        raise NotModelledError(f"{text} Deploy with the interpreter that runs localaws.")


def _event_of(body: Any, bytes_max: int) -> Any:
    text = body.decode() if isinstance(body, bytes) else body or "{}"
    if len(text.encode()) > bytes_max:
        raise TooLargeError(
            "RequestTooLargeException", f"{len(text)} bytes exceed the limit of {bytes_max} bytes."
        )
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise JsonRESTError(
            "InvalidRequestContentException", f"Could not parse request body into json: {error}."
        ) from error
