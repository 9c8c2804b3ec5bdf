"""The sample account: a key, production's cluster, and the passwords in a secret."""

from pathlib import Path

from localaws.clients import EndpointClients
from localaws.sample import names
from localaws.sample.cluster import SampleCluster
from localaws.sample.passwords import ProductionPasswords
from localaws.sample.usage import page
from localaws.startup import LocalAws


def build(aws: LocalAws, dump: Path | None) -> str:
    """Make production, with `dump` as its data; return the page that says what can be done.

    Raises WorldError, and botocore's and psycopg2's errors.
    """
    clients, passwords = EndpointClients(aws.server.endpoint), ProductionPasswords()
    production = SampleCluster(aws, clients, passwords, dump)
    production.create(make_key(clients, names.REGION, names.KEY_ALIAS))
    production.take_earlier_snapshot()
    production.go_on()
    passwords.keep(clients)
    return page(aws.server.endpoint)


def make_key(clients: EndpointClients, region: str, alias: str) -> str:
    """Make a region's key for databases; return its ARN."""
    kms = clients("kms", region)
    key = kms.create_key(Description=f"Databases in {region}")["KeyMetadata"]
    kms.create_alias(AliasName=alias, TargetKeyId=key["KeyId"])
    return str(key["Arn"])
