"""Amazon resource names of RDS resources, made and read."""

from dataclasses import dataclass
from typing import Self

CLUSTER = "cluster"
SNAPSHOT = "cluster-snapshot"
CLUSTER_ENDPOINT = "cluster-endpoint"
INSTANCE = "db"
SUBNET_GROUP = "subgrp"
CLUSTER_PARAMETER_GROUP = "cluster-pg"
PARAMETER_GROUP = "pg"

_PARTS = 6  # the last one, the resource, may hold more colons ("rds:prod-…")


@dataclass(frozen=True)
class Arn:
    """The name of an RDS resource: region, account, kind, and its identifier in lower case."""

    region: str
    account: str
    kind: str
    identifier: str

    def __str__(self) -> str:
        return f"arn:aws:rds:{self.region}:{self.account}:{self.kind}:{self.identifier}"

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """Read an RDS ARN; None when the text is not one.

        Identifiers are case-insensitive, so they come back lower.
        """
        parts = text.split(":", _PARTS - 1)
        if len(parts) != _PARTS or parts[0] != "arn" or parts[2] != "rds":
            return None
        kind, colon, identifier = parts[5].partition(":")
        return cls(parts[3], parts[4], kind, identifier.lower()) if colon and identifier else None


def is_arn(text: str) -> bool:
    """Tell an ARN from a plain identifier."""
    return text.startswith("arn:")
