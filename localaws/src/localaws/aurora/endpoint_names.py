"""The names of endpoints, as Aurora makes them from those of clusters and instances."""

from localaws.aurora.arns import Arn
from localaws.aurora.identities import endpoint_hash
from localaws.aurora.records import Cluster, Instance

_DOMAIN = "rds.amazonaws.com"


def dns_name(cluster: Cluster, kind: str = "cluster-") -> str:
    """Return the name of a cluster's endpoint.

    A cluster that is restored under the same identifier has the same name again.
    """
    arn = cluster.arn
    unique = endpoint_hash(arn.account, arn.region)
    return f"{arn.identifier}.{kind}{unique}.{arn.region}.{_DOMAIN}"


def reader_name(cluster: Cluster) -> str:
    """Return the name of a cluster's reader endpoint."""
    return dns_name(cluster, "cluster-ro-")


def instance_name(instance: Instance) -> str:
    """Return the name of an instance's endpoint."""
    return _of_instance(instance.identifier, instance.cluster)


def custom_name(arn: Arn) -> str:
    """Return the name of a custom endpoint, in which its cluster's has no part."""
    unique = endpoint_hash(arn.account, arn.region)
    return f"{arn.identifier}.cluster-custom-{unique}.{arn.region}.{_DOMAIN}"


def certificate_names(cluster: Cluster) -> list[str]:
    """Return what a certificate is for that a cluster's server gets now.

    There is one server for all instances, so it is for whatever they are called.
    """
    return [dns_name(cluster), reader_name(cluster), _of_instance("*", cluster)]


def _of_instance(identifier: str, cluster: Cluster) -> str:
    arn = cluster.arn
    return f"{identifier}.{endpoint_hash(arn.account, arn.region)}.{arn.region}.{_DOMAIN}"
