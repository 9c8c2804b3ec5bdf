"""RDS over HTTP: the second face of the model of Aurora.

Requests of the query protocol become the keyword arguments of boto3 (by botocore's own input
shapes), what the model returns becomes XML (by its output shapes), and its errors go out with the
code and status that AWS sends. Unmodified boto3 and the `aws` command line do not see a difference.
"""

from collections.abc import Callable
from typing import Any, ClassVar, Final
from xml.sax.saxutils import escape

from botocore.model import OperationNotFoundError
from moto.core.common_types import TYPE_RESPONSE
from moto.core.model import OperationModel
from moto.core.parse import QueryParser
from moto.core.responses import BaseResponse
from moto.core.serialize import QuerySerializer, SerializationContext
from moto.core.utils import get_service_model
from moto.utilities.aws_headers import gen_amzn_requestid_long

from localaws.aurora import Aurora, RdsError

NAMESPACE: Final = "http://rds.amazonaws.com/doc/2014-10-31/"
SERVER_FAULT_STATUS: Final = 500


class Rds(BaseResponse):
    """The API of RDS.

    The server fills in `aurora`, and `wake`, which says that something may be due sooner.
    """

    aurora: ClassVar[Aurora]
    wake: ClassVar[Callable[[], None]]

    def __init__(self) -> None:
        super().__init__(service_name="rds")

    def call_action(self) -> TYPE_RESPONSE:
        """Put the parsed request to the model and write down what it answers."""
        headers: dict[str, Any] = dict(self.response_headers)
        request_id = gen_amzn_requestid_long(headers)
        try:
            status, body = 200, self._answer(request_id)
        except RdsError as error:
            status, body = (
                error.http_status,
                error_document(error.code, error.message, status=error.http_status),
            )
            body = body.replace("<RequestId/>", f"<RequestId>{request_id}</RequestId>")
        headers.update({"Content-Type": "text/xml", "status": str(status)})
        return status, headers, body

    def _answer(self, request_id: str) -> str:
        action = self._get_action()
        operation = _operation(action)
        parameters = self._parameters(operation)
        result = self.aurora.call(
            action, parameters, account=self.current_account, region=self.region
        )
        type(self).wake()
        serializer = QuerySerializer(operation, SerializationContext(request_id=request_id))
        return str(serializer.serialize(result)["body"])

    def _parameters(self, operation: OperationModel) -> dict[str, Any]:
        request = self.normalized_request
        parsed: dict[str, Any] = QueryParser(operation, map_type=dict).parse(
            {
                "method": request.method,
                "values": request.values,
                "headers": request.headers,
                "body": request.data,
                "url_params": {},
                "url_path": request.path,
            }
        )
        return parsed


def _operation(action: str | None) -> OperationModel:
    try:
        return get_service_model("rds").operation_model(action)  # type: ignore[no-any-return]
    except OperationNotFoundError as error:
        raise RdsError("InvalidAction", f"The action {action} is not one of RDS.", 400) from error


def error_document(code: str, message: str, *, status: int) -> str:
    """Write an error as the query protocol does: a sender's, or from HTTP 500 on the receiver's."""
    kind = "Receiver" if status >= SERVER_FAULT_STATUS else "Sender"
    members = {"Type": kind, "Code": escape(code), "Message": escape(message)}
    error = "".join(f"<{name}>{text}</{name}>" for name, text in members.items())
    return f'<ErrorResponse xmlns="{NAMESPACE}"><Error>{error}</Error><RequestId/></ErrorResponse>'
