"""Lookups that permission requests need: tags, and keys of what is encrypted."""

from collections.abc import Callable
from dataclasses import dataclass

from localaws.aurora.keys import Lookup
from localaws.aurora.records import Cluster, CustomEndpoint, Instance, Snapshot

Found = Cluster | Instance | Snapshot | CustomEndpoint | None


@dataclass(frozen=True)
class EncryptedSecret:
    """A secret: its whole ARN with its six random characters, and the key that encrypts it.

    `key` is None for the account's own `aws/secretsmanager`, which everybody may use through
    Secrets Manager.
    """

    arn: str
    key: str | None = None


@dataclass(frozen=True)
class ResourceLookup:
    """Where to look. Every lookup gives None for what is not there."""

    find: Callable[[str], Found]
    """From the ARN of a cluster, an instance, a snapshot or a custom endpoint to what it is now."""
    key: Lookup
    """From account, region and reference to a KMS key."""
    secret: Callable[[str, str, str], EncryptedSecret | None]
    """From account, region and name or ARN to a secret."""
    topic_key: Callable[[str], str | None]
    """From a topic's ARN to the customer's key that encrypts it, if there is one."""
