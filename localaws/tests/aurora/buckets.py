"""A bucket and a role that exports may be written with, in moto, and what they hold afterwards."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from moto.iam.models import iam_backends
from moto.s3.models import s3_backends
from tests.aurora.scene import ACCOUNT, KEY_ALIAS, SOURCE

BUCKET: Final = "exports-of-prod"
ROLE: Final = "exporter"
ROLE_ARN: Final = f"arn:aws:iam::{ACCOUNT}:role/{ROLE}"
SERVICE: Final = "export.rds.amazonaws.com"
ON_BUCKET: Final = ("s3:ListBucket", "s3:GetBucketLocation")
ON_OBJECTS: Final = ("s3:PutObject*", "s3:GetObject*", "s3:DeleteObject*")
SNAPSHOT_ARN: Final = f"arn:aws:rds:{SOURCE}:{ACCOUNT}:cluster-snapshot:by-hand"


@dataclass
class Buckets:
    """One bucket in the source region and one role; a test changes them."""

    s3: Any = field(default_factory=lambda: s3_backends[ACCOUNT]["aws"])
    iam: Any = field(default_factory=lambda: iam_backends[ACCOUNT]["aws"])

    def make(self) -> None:
        """Make both as AWS documents them."""
        self.s3.create_bucket(BUCKET, SOURCE)
        self.iam.create_role(ROLE, "{}", "/", None, "", [], "3600")
        self.trust(SERVICE)
        self.allow(*ON_BUCKET, *ON_OBJECTS)

    def trust(self, service: str) -> None:
        """Let a service alone assume the role, for this account."""
        owner = {"StringEquals": {"aws:SourceAccount": ACCOUNT}}
        statement = {
            "Effect": "Allow",
            "Principal": {"Service": service},
            "Action": "sts:AssumeRole",
            "Condition": owner,
        }
        policy = {"Version": "2012-10-17", "Statement": [statement]}
        self.iam.get_role(ROLE).assume_role_policy_document = json.dumps(policy)

    def allow(self, *actions: str) -> None:
        """Let the role do this and nothing else."""
        arns = [f"arn:aws:s3:::{BUCKET}", f"arn:aws:s3:::{BUCKET}/*"]
        statement = {"Effect": "Allow", "Action": [*actions], "Resource": arns}
        policy = {"Version": "2012-10-17", "Statement": [statement]}
        self.iam.put_role_policy(ROLE, "writes", json.dumps(policy))

    def forget(self) -> None:
        """Delete the bucket and what it holds."""
        if BUCKET in self.s3.buckets:
            self.s3.buckets[BUCKET].keys.clear()
            self.s3.delete_bucket(BUCKET)

    @property
    def files(self) -> dict[str, bytes]:
        """What the bucket holds, by key."""
        keys = self.s3.buckets[BUCKET].keys
        return {name: keys[name].value for name in sorted(keys.keys())}


@contextmanager
def buckets() -> Iterator[Buckets]:
    """Give a bucket and a role for one test."""
    made = Buckets()
    made.make()
    try:
        yield made
    finally:
        made.forget()
        made.iam.delete_role_policy(ROLE, "writes")
        made.iam.delete_role(ROLE)


def request(**other: Any) -> dict[str, Any]:
    """Give the parameters of an export of the snapshot by-hand."""
    return {
        "ExportTaskIdentifier": "monthly",
        "SourceArn": SNAPSHOT_ARN,
        "S3BucketName": BUCKET,
        "IamRoleArn": ROLE_ARN,
        "KmsKeyId": KEY_ALIAS,
        **other,
    }
