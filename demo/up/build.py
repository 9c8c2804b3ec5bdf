"""What `make up` builds: production, a stale staging, and the stage `local` between them."""

from collections.abc import Mapping
from pathlib import Path

from localaws.aurora.catalog import newest_version
from localaws.clients import EndpointClients
from localaws.sample.cluster import SampleCluster
from localaws.sample.passwords import ProductionPasswords
from localaws.startup import LocalAws

from demo.aws import TARGET_CLUSTER, TARGET_REGION
from demo.options import POINTER
from demo.up.deployment import Deployment
from demo.up.names import STAGE
from demo.up.passwords import StagingPasswords
from demo.up.resources import Resources, make_record, make_resources, subscribe
from demo.up.staging import make_staging
from demo.up.usage import page


def build(aws: LocalAws, dump: Path | None, *, replacement: str) -> str:
    """Make it all, with `dump` as production's data; return the page for people.

    Raises WorldError, and botocore's and psycopg2's errors.
    """
    clients = EndpointClients(aws.server.endpoint)
    production_passwords, passwords = ProductionPasswords(), StagingPasswords()
    resources = make_resources(clients, newest_version(aws.data.major))
    aws.say("created the keys and the network")

    production = SampleCluster(aws, clients, production_passwords, dump)
    production.create(resources.source_key_arn)
    earlier_snapshot = production.take_earlier_snapshot()

    # Only now, because the stage must not restore that snapshot; and beside the clusters.
    record = make_record(clients) if replacement == POINTER else {}
    deployment = _deploy(aws, resources, {"REPLACEMENT": replacement, **record})
    make_staging(clients, resources, passwords, earlier_snapshot)
    aws.say(f"{TARGET_CLUSTER} in {TARGET_REGION} has the stale data of an earlier night")
    production.go_on()
    deployment.wait()

    production_passwords.keep(clients)
    passwords.keep(clients)
    subscribe(clients)
    aws.say(
        f"stage {STAGE} is deployed as by `make deploy`: three stacks, and twelve functions by "
        "Chalice"
    )
    return page(aws.server.endpoint, aws.server.folder)


def _deploy(aws: LocalAws, resources: Resources, replacing: Mapping[str, str]) -> Deployment:
    """Deploy with the settings that are known only now; the others stand in `.chalice`."""
    settings = {
        **replacing,
        "KMS_KEY_ID": resources.target_key_arn,
        "VPC_SECURITY_GROUP_IDS": resources.security_group_id,
        "DB_CLUSTER_PARAMETER_GROUP_NAME": resources.cluster_parameter_group,
        "DB_CA_FILE": str(aws.data.roots),
    }
    network = {
        "subnet_ids": list(resources.subnet_ids),
        "security_group_ids": [resources.security_group_id],
    }
    return Deployment(aws, settings, network)
