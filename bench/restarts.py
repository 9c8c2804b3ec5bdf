"""A stage in which a renamed cluster's certificate fits only after the cluster was restarted.

So the user guide has it (modifying a cluster). What counts here is when clients get in that check
the name in the certificate.
"""

from typing import Any

from bench.outage import clusters_of
from bench.priced import PricedSimulation
from chalicelib.database.errors import CertificateNameError


class StaleCertificates(PricedSimulation):
    """A simulation whose certificates have the name that a cluster had when its server started."""

    aurora_works = (*PricedSimulation.aurora_works, "the restart")

    def __init__(self, *hints: Any, **how: Any) -> None:
        self._certified: dict[str, str] = {}
        super().__init__(*hints, **how)

    def note_transitions(self) -> None:
        """See which certificates fit, before anybody looks."""
        for cluster in clusters_of(self.stage):
            resource_id = cluster.resource_id
            if cluster.server_runs:
                self._check(resource_id)
            else:
                self._certified.pop(resource_id, None)
                self.stage.data.clusters[resource_id].trouble = None
        super().note_transitions()

    def _check(self, resource_id: str) -> None:
        host = self.stage.data.endpoint(resource_id)[0]
        if self._certified.setdefault(resource_id, host) != host:
            reason = f"The certificate at {host} has another name."
            trouble = CertificateNameError(reason, "Stop and start the cluster.")
            self.stage.data.clusters[resource_id].trouble = trouble
