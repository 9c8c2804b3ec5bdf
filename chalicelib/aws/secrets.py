"""Reads the two secrets of a plan into types whose `repr` hides them."""

import json
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError

from chalicelib.aws.client import NotFoundError, Service
from chalicelib.flow.errors import RefusedError
from chalicelib.flow.plan import Plan

_MODEL = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)
_NAME = Field(min_length=1, max_length=63)
# 8 to 41 printable ASCII characters without / " @ ' and space (RDS API reference, limits of the
# Aurora user guide)
_MASTER_PASSWORD = Field(min_length=8, max_length=41)
_FORBIDDEN = frozenset("/\"@' ")


class MasterCredentials(BaseModel):
    """The secret of the master user.

    The name is the snapshot's; the password is set on every restored cluster.
    """

    model_config = _MODEL

    database: str = _NAME
    username: str = _NAME
    password: SecretStr = _MASTER_PASSWORD


class AppCredentials(BaseModel):
    """The secret of the two users that are created on every restored cluster."""

    model_config = _MODEL

    app_username: str = _NAME
    app_password: SecretStr = Field(min_length=8)
    readonly_username: str = _NAME
    readonly_password: SecretStr = Field(min_length=8)


Credentials = TypeVar("Credentials", bound=BaseModel)


def master_credentials(secrets: Service, plan: Plan) -> MasterCredentials:
    """Read the master secret.

    Raises RefusedError where it is missing or malformed, or where RDS would refuse its password.
    """
    variable = "MASTER_CREDENTIALS_SECRET_ID"
    found = _read(secrets, plan.users.master_credentials_secret_id, variable, MasterCredentials)
    password = found.password.get_secret_value()
    if not (password.isascii() and password.isprintable()) or _FORBIDDEN & set(password):
        raise RefusedError(
            f"The password in the secret {plan.users.master_credentials_secret_id} is one that RDS "
            "refuses.",
            "Use 8 to 41 printable ASCII characters other than / \" @ ' and space.",
        )
    return found


def app_credentials(secrets: Service, plan: Plan) -> AppCredentials:
    """Read the secret of the two users; raises RefusedError when it is missing or malformed."""
    variable = "APP_CREDENTIALS_SECRET_ID"
    found = _read(secrets, plan.users.app_credentials_secret_id, variable, AppCredentials)
    if found.app_username == found.readonly_username:
        raise RefusedError(
            f"The secret {plan.users.app_credentials_secret_id} names one user twice.",
            "Give app_username and readonly_username different values.",
        )
    return found


def refuse_same(plan: Plan) -> None:
    """Raise RefusedError where both settings name the same secret: their fields differ."""
    both = [plan.users.master_credentials_secret_id, plan.users.app_credentials_secret_id]
    if len({*map(_name_of, both)}) == 1:
        raise RefusedError(
            "MASTER_CREDENTIALS_SECRET_ID and APP_CREDENTIALS_SECRET_ID name the same secret, "
            f"{both[0]}.",
            f"Give each a secret of its own: {', '.join(MasterCredentials.model_fields)} and "
            f"{', '.join(AppCredentials.model_fields)}.",
        )


def _name_of(secret_id: str) -> str:
    """Give the name of a secret, also from its ARN.

    Secrets Manager appends a hyphen and six characters to the name in an ARN.
    """
    _, is_arn, resource = secret_id.partition(":secret:")
    return resource.rpartition("-")[0] if is_arn else secret_id


def _read(secrets: Service, secret_id: str, variable: str, model: type[Credentials]) -> Credentials:
    fields = ", ".join(model.model_fields)
    remedy = f"Store a JSON object with the fields {fields} in it."
    try:
        answer = secrets.call("get_secret_value", SecretId=secret_id)
    except NotFoundError as error:  # whose text does not say which secret
        raise RefusedError(
            f"There is no secret {secret_id} in {secrets.region}.",
            f"Make it, or correct {variable}. {remedy}",
        ) from error
    try:
        value = json.loads(answer.get("SecretString") or "")
    except ValueError:  # the text of the error would quote the secret
        raise RefusedError(f"The secret {secret_id} is not JSON.", remedy) from None
    try:
        return model.model_validate(value)
    except ValidationError as error:
        places = [problem["loc"] for problem in error.errors()]
        wrong = ", ".join(sorted({str(place[0]) if place else "all" for place in places}))
        reason = f"The secret {secret_id} is not well-formed: look at {wrong}."
        raise RefusedError(reason, remedy) from None
