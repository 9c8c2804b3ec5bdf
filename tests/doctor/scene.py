"""A healthy stage, what tests do to it, and how the doctor checks it."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from aurora_restore.account.identity import identify
from aurora_restore.account.reading_clients import reading_clients
from aurora_restore.doctor.checks import CHECKS, PlanCheck
from aurora_restore.doctor.expected import of_checkout
from aurora_restore.doctor.runner import look_at, make, plan_views
from aurora_restore.doctor.stage_view import StageView
from aurora_restore.findings import Finding
from aurora_restore.stages import Stage
from chalicelib.aws.client import Clients
from tests.doctor.breakages import Changes


@cache
def _clients(endpoint: str) -> Clients:
    return reading_clients(
        endpoint_url=endpoint, aws_access_key_id="any", aws_secret_access_key="any"
    )


class Scene(Changes):
    """One test's go at the stage: it is changed as anybody would change it, and seen as the doctor
    sees it.
    """

    _before_call: Callable[..., Any] | None = None
    _after_call: Callable[..., Any] | None = None

    def deploy(self, stage: str = "dev", checkout: Path | None = None) -> str:
        """Spell what the doctor says to do about what a deployment puts right."""
        return (
            f"Run `make deploy STAGE={stage} CHECKOUT={checkout or self.checkout}`, or your "
            "pipeline."
        )

    def see(self, check: str, **how: Any) -> Finding:
        """Make one check, of the first plan where it is one of plans."""
        return self.see_each(check, **how)[0]

    def see_each(self, check: str, **how: Any) -> list[Finding]:
        """Make one check, of every plan where it is one of plans."""
        view = self.view(**how)
        (one,) = [known for known in CHECKS if known.name == check]
        return list(make(one, view, plan_views(view) if isinstance(one, PlanCheck) else []))

    def see_all(self) -> dict[str, Finding]:
        """Make every check, and give the findings by their names."""
        return {finding.name: finding for finding in look_at(self.view())}

    def view(
        self,
        *,
        stage: str = "dev",
        later: timedelta = timedelta(),
        checkout: Path | None = None,
        pause: Callable[[float], None] = lambda seconds: time.sleep(seconds / 20),
    ) -> StageView:
        """Give a stage to be looked at, afresh.

        In the future, or from another checkout, where that is wanted.
        """
        checkout = checkout or self.checkout
        known = Stage.read(stage, checkout)
        account = identify(self.clients(), known.region)
        expected = of_checkout(checkout)(known, account)
        return StageView(
            account,
            known,
            checkout,
            expected,
            now=lambda: datetime.now(UTC) + later,
            pause=pause,
        )

    def clients(self) -> Clients:
        """Give clients as the doctor has them."""
        known = _clients(self.place.endpoint)
        if self._before_call is None and self._after_call is None:
            return known
        made = _clients.__wrapped__(self.place.endpoint)
        before, after = self._before_call, self._after_call

        def clients(service: str, region: str) -> Any:
            client = made(service, region)
            if before:
                client.meta.events.register("before-call", before, unique_id="test-before")
            if after:
                client.meta.events.register("after-call", after, unique_id="test-after")
            return client

        return clients

    # --- between the doctor and AWS ---

    def watch(self) -> list[str]:
        """Have every call from now on written down, as `service:Operation`."""
        called: list[str] = []

        def write_down(model: Any, **_: Any) -> None:
            called.append(f"{model.service_model.service_name}:{model.name}")

        self._before_call = write_down
        return called

    def limit(self, quota: str, most: int) -> None:
        """Have the account's quota described as a small one, of which as much is used."""

        def lower(parsed: dict[str, Any], **_: Any) -> None:
            for each in parsed.get("AccountQuotas", []):
                if each["AccountQuotaName"] == quota:
                    each |= {"Max": most, "Used": most}

        self._after_call = lower

    def ring(self, alarm: str, reason: str) -> None:
        """Have one alarm described as it is while it rings, which localaws does not model."""

        def state(parsed: dict[str, Any], **_: Any) -> None:
            for metric_alarm in parsed.get("MetricAlarms", []):
                if metric_alarm["AlarmName"] == alarm:
                    metric_alarm |= {"StateValue": "ALARM", "StateReason": reason}

        self._after_call = state

    def deny(self, operation: str) -> None:
        """Have one operation answered as AWS answers who may not."""

        def answer(model: Any, **_: Any) -> Any:
            if model.name != operation:
                return None
            denied = {
                "Code": "AccessDeniedException",
                "Message": f"not authorized to perform {operation}",
            }
            return SimpleNamespace(status_code=400), {
                "Error": denied,
                "ResponseMetadata": {"HTTPStatusCode": 400},
            }

        self._before_call = answer
