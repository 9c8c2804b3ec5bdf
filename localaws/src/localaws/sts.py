"""STS: moto's, but a role is assumed only where it is, and by whom it trusts."""

import re
from typing import Final

from moto.core.responses import ActionResult
from moto.sts.models import sts_backends
from moto.sts.responses import TokenResponse

from localaws.iam import roles
from localaws.iam.trust import Principal, trusts
from localaws.refusals import QueryError

SECONDS: Final = range(900, 43_200 + 1)
_ROLE: Final = re.compile(r"arn:aws:iam::\d{12}:role/[\w+=,.@/-]+", re.ASCII)
_SESSION: Final = re.compile(r"[\w+=,.@-]{2,64}", re.ASCII)


class Sts(TokenResponse):
    """The API of STS."""

    def assume_role(self) -> ActionResult:
        """Give credentials of a role, to whom it trusts."""
        arn, name = self._get_param("RoleArn") or "", self._get_param("RoleSessionName") or ""
        if not _ROLE.fullmatch(arn):
            raise QueryError("ValidationError", f"{arn} is invalid")
        if not _SESSION.fullmatch(name):
            text = f"The session name {name!r} is not 2 to 64 letters, digits, or any of +=,.@-_"
            raise QueryError("ValidationError", text)
        role, who = roles.role_of(arn), self._caller()
        external_id = self._get_param("ExternalId")
        context = {"sts:externalid": str(external_id)} if external_id else {}
        # AWS answers alike for a role that is not there and for one that does not trust the caller.
        if role is None or not trusts(role, Principal(principal=who, context=context)):
            text = f"User: {who} is not authorized to perform: sts:AssumeRole on resource: {arn}"
            raise QueryError("AccessDenied", text, status=403)
        self._check_duration(int(role.max_session_duration or SECONDS[0]))
        return super().assume_role()

    def _check_duration(self, seconds_max: int) -> None:
        seconds = self._get_int_param("DurationSeconds", SECONDS[0])
        if seconds not in SECONDS or seconds > seconds_max:
            text = (
                f"DurationSeconds is {seconds}; this role allows {SECONDS[0]} to "
                f"{min(seconds_max, SECONDS[-1])}."
            )
            raise QueryError("ValidationError", text)

    def _caller(self) -> str:
        """Name the principal (ARN) that asks: a role, a user, or else the account."""
        key = self.get_access_key()
        return _assumed_by(key) or roles.user_of(key) or f"arn:aws:iam::{self.current_account}:root"


def _assumed_by(access_key: str) -> str | None:
    """Give the role (ARN) whose credentials STS gave out under an access key."""
    for account in list(sts_backends.values()):
        found = account["aws"].get_assumed_role_from_access_key(access_key)
        if found is not None:
            return str(found.role_arn)
    return None
