"""What the restore needs of the engine version: it is offered, supported, and fits the settings."""

from functools import cached_property

from chalicelib.aws.client import Service
from chalicelib.aws.rds import ENGINE
from chalicelib.flow.engine_versions import major
from chalicelib.flow.errors import RefusedError
from chalicelib.flow.operation import Operation
from chalicelib.ports import Ports
from chalicelib.target.engine_version import EngineVersion, new_version
from chalicelib.target.extended_support import warning_of_support


class VersionChecks:
    """The checks of the engine version: methods that raise RefusedError."""

    def __init__(self, operation: Operation, ports: Ports, rds: Service) -> None:
        self._operation, self._plan = operation, operation.plan
        self._ports, self._rds = ports, rds

    @cached_property
    def version(self) -> EngineVersion:
        """The engine version of the new cluster; raises RefusedError where it cannot be had."""
        of_snapshot = self._operation.facts.snapshot.engine_version or ""
        return new_version(self._rds, self._plan, of_snapshot)

    def refuse_unknown_logs(self) -> None:
        """Refuse a version that cannot be had, and logs that it does not have."""
        offered = self.version.logs or self._operation.target_spec.log_exports
        if unknown := sorted({*self._operation.target_spec.log_exports} - {*offered}):
            raise RefusedError(
                f"{ENGINE} {self.version.value} has no log {', '.join(unknown)} to export.",
                f"Set LOG_EXPORTS to some of {','.join(sorted(offered))}.",
            )

    @property
    def warnings(self) -> tuple[str, ...]:
        """What people should know of the version, once all checks passed."""
        found = (self.version.warning, self._warning_of_support)
        return tuple(filter(None, found))

    @cached_property
    def _warning_of_support(self) -> str | None:
        now, version = self._ports.now(), self.version
        return warning_of_support(self._rds, self._plan, version.major, now)

    def refuse_extended_support(self) -> None:
        """Refuse a version whose standard support is over, where extended support is not wanted."""
        _ = self._warning_of_support

    def refuse_unorderable_classes(self) -> None:
        """Refuse classes that cannot be ordered for the version, where that is offered.

        Deprecated minor versions are in no list: there the major version counts.
        """
        try:
            version = self.version
        except RefusedError:  # which `refuse_unknown_logs` tells
            return
        for name in self._operation.target_spec.classes:
            self._refuse_unorderable(name, version)

    def _refuse_unorderable(self, name: str, version: EngineVersion) -> None:
        found = self._rds.pages(
            "describe_orderable_db_instance_options",
            "OrderableDBInstanceOptions",
            Engine=ENGINE,
            DBInstanceClass=name,
        )
        versions = {str(option["EngineVersion"]) for option in found}
        if version.is_offered:
            is_orderable = version.value in versions
        else:
            is_orderable = version.major in map(major, versions)
        if not is_orderable:
            raise RefusedError(
                f"{self._plan.target.region} has no {name} for {ENGINE} {version.value}.",
                "Set INSTANCE_CLASS to one that can be ordered there.",
            )

    def refuse_family(self, name: str, variable: str, family: str) -> None:
        """Refuse a parameter group of another major version than the snapshot's."""
        version = self._operation.facts.snapshot.engine_version or ""
        needed = f"{ENGINE}{version.split('.')[0]}"
        if family != needed:
            raise RefusedError(
                f"The parameter group {name} is of the family {family}, the snapshot is of version "
                f"{version}.",
                f"Create a parameter group of the family {needed} and name it in {variable}.",
            )
