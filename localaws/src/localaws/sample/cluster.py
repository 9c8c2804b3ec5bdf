"""Production's cluster, made through the RDS API as a client of AWS would make it."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from localaws.aurora.catalog import newest_version
from localaws.clients import EndpointClients
from localaws.errors import WorldError
from localaws.postgres import DataPlaneError
from localaws.sample import data, names
from localaws.sample.passwords import ProductionPasswords
from localaws.sample.rds_calls import (
    create_instance,
    describe_cluster,
    wait_for_cluster,
    wait_for_instance,
    wait_for_snapshot,
)
from localaws.sample.sql_client import SqlClient
from localaws.startup import LocalAws

NIGHT: Final = timedelta(days=1)


class SampleCluster:
    """Production: its cluster, its data, and the snapshot that Aurora took of it a night ago."""

    def __init__(
        self,
        aws: LocalAws,
        clients: EndpointClients,
        passwords: ProductionPasswords,
        dump: Path | None,
    ) -> None:
        """Prepare; `dump` becomes production's data in place of the sample."""
        self._aws, self._passwords, self._dump = aws, passwords, dump
        self._rds = clients("rds", names.REGION)
        self._master: SqlClient

    def create(self, key_arn: str) -> None:
        """Make the cluster with its writer, encrypted and protected, its logins, and its data."""
        self._rds.create_db_cluster(
            DBClusterIdentifier=names.CLUSTER,
            Engine=names.ENGINE,
            EngineVersion=newest_version(self._aws.data.major),
            MasterUsername=names.MASTER,
            MasterUserPassword=self._passwords.master,
            DatabaseName=names.DATABASE,
            Port=names.PORT,
            StorageEncrypted=True,
            KmsKeyId=key_arn,
            BackupRetentionPeriod=7,
            DeletionProtection=True,
            CopyTagsToSnapshot=True,
            Tags=[names.TAG],
        )
        wait_for_cluster(self._rds, names.CLUSTER)
        writer = f"{names.CLUSTER}-1"
        create_instance(self._rds, writer, names.CLUSTER, [names.TAG])
        wait_for_instance(self._rds, writer)
        described = describe_cluster(self._rds, names.CLUSTER)
        self._master = SqlClient(described["Endpoint"], described["Port"], self._passwords.master)
        data.make_logins(self._master, self._passwords)
        if self._dump is None:
            data.fill(self._master)

    def take_earlier_snapshot(self) -> str:
        """Take the automated snapshot of a night ago; return its ARN.

        AWS has no call for that, so the model is asked from within.
        """
        taken = self._aws.server.aurora.take_automated_snapshot(
            names.CLUSTER,
            account=names.ACCOUNT,
            region=names.REGION,
            at=datetime.now(UTC) - NIGHT,
        )
        found = wait_for_snapshot(self._rds, taken, "automated")
        return str(found["DBClusterSnapshotArn"])

    def go_on(self) -> None:
        """Give production what it has got since that night; raises WorldError for a bad dump."""
        if self._dump is None:
            self._add_sample()
        else:
            self._load(self._dump)
        content = f"the dump {self._dump}" if self._dump else f"{names.DATABASE} and {data.LEDGER}"
        self._aws.say(f"{names.CLUSTER} in {names.REGION} has its data: {content}")

    def _add_sample(self) -> None:
        data.add_newer_rows(self._master)
        # A subscription and a foreign server take what RDS lets its master user do and PostgreSQL
        # does not: they are made as rdsadmin.
        self._aws.data.run_as_rds(
            self._resource_id(),
            data.outward_connections(self._master, self._passwords),
            database=names.DATABASE,
        )
        data.prepare_transaction(self._master, self._passwords)

    def _load(self, dump: Path) -> None:
        try:
            told = self._aws.data.load_dump(
                self._resource_id(),
                dump,
                username=names.MASTER,
                password=self._passwords.master,
                database=names.DATABASE,
            )
        except DataPlaneError as error:
            raise WorldError(str(error)) from error
        for line in told:
            self._aws.say(line)

    def _resource_id(self) -> str:
        return str(describe_cluster(self._rds, names.CLUSTER)["DbClusterResourceId"])
