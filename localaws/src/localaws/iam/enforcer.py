"""The enforcer: a function may do what the policies of its role allow at that moment.

People are not limited: only credentials that were made here, for a worker of a function, stand for
a role.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from localaws.iam import protocol, roles
from localaws.iam.decisions import DecisionRecord, Decisions, Verdict
from localaws.iam.evaluation import Decision, evaluate
from localaws.iam.permission_request import PermissionRequest, UnmodelledPermissionError
from localaws.iam.policies import PolicyError
from localaws.iam.refusals import AccessDenial, refusal, unknown_credentials
from localaws.iam.requests import permission_requests
from localaws.iam.resource_lookup import ResourceLookup
from localaws.iam.sessions import TEMPORARY, Session
from localaws.protocols import Answer, Signature, signature_of

_NOT_MODELLED: Final = ("LocalAwsNotModelled", 501)


class Enforcer:
    """Who is who, and who may do what, in one world."""

    def __init__(self, folder: Path, world: ResourceLookup) -> None:
        self.decisions = Decisions(folder)
        self._world = world
        self._sessions: dict[str, Session] = {}

    def session(self, role: str, function: str) -> Session:
        """Give a worker of a function (ARN) credentials of its role (ARN)."""
        made = Session.of(role, function)
        self._sessions[made.access_key] = made
        return made

    def allows(self, role: str, function: str, asked: Iterable[PermissionRequest]) -> bool:
        """Tell whether Lambda may do all of something with the role (ARN) of a function (ARN)."""
        try:
            return self.denied(role, function, asked) is None
        except PolicyError as error:
            self._note_not_modelled(function.split(":")[6], "lambda", error)
            return False

    def denied(
        self, role: str, function: str, asked: Iterable[PermissionRequest]
    ) -> tuple[PermissionRequest, Decision] | None:
        """Give the first of several questions to which a role's policies say no.

        Raises PolicyError.
        """
        policies, name = roles.policies_of(role), function.split(":")[6]
        for ask in asked:
            decision = evaluate(policies, ask.action, ask.resource, ask.context)
            verdict: Verdict = "allowed" if decision.allowed else "denied"
            self.decisions.add(
                DecisionRecord(name, ask.action, ask.resource, verdict, decision.sid)
            )
            if not decision.allowed:
                return ask, decision
        return None

    def refused(self, environ: dict[str, Any]) -> Answer | None:
        """Judge a request; None lets it pass."""
        signature = signature_of(environ)
        if signature is None or not signature.access_key.startswith(TEMPORARY):
            return None
        session = self._sessions.get(signature.access_key)
        if session is None and roles.is_known_to_iam(signature.access_key):
            return None
        if session is None or session.token != signature.token:
            return protocol.answer(signature.service, unknown_credentials(signature.service))
        refused = self._judged(session, signature, environ)
        return protocol.answer(signature.service, refused) if refused else None

    def _judged(
        self, session: Session, signature: Signature, environ: dict[str, Any]
    ) -> AccessDenial | None:
        account = session.role.split(":")[4]
        try:
            call = protocol.call_of(signature, environ, account=account, function=session.function)
            denied = self.denied(
                session.role, session.function, permission_requests(call, self._world)
            )
        except (UnmodelledPermissionError, PolicyError) as error:
            self._note_not_modelled(session.name, signature.service, error)
            code, status = _NOT_MODELLED
            return AccessDenial(code, str(error), status)
        return refusal(call, *denied, session.principal) if denied else None

    def _note_not_modelled(self, function: str, service: str, error: Exception) -> None:
        self.decisions.add(DecisionRecord(function, service, str(error), "not modelled"))
