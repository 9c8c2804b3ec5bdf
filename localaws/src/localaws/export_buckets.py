"""Exports of snapshots in localaws' S3, written with what the role may do in localaws' IAM."""

from typing import Final

from moto.iam.models import Role
from moto.s3.models import FakeBucket, s3_backends

from localaws.aurora.errors import NOT_MODELLED_CODE, RdsError
from localaws.aurora.export_storage import Destination, StorageError
from localaws.iam.evaluation import evaluate
from localaws.iam.policies import PolicyError
from localaws.iam.roles import policies_of, role_of
from localaws.iam.trust import Principal, trusts

EXPORT_SERVICE: Final = "export.rds.amazonaws.com"
ON_OBJECTS: Final = ("s3:PutObject*", "s3:GetObject*", "s3:DeleteObject*")
ON_BUCKET: Final = ("s3:ListBucket", "s3:GetBucketLocation")
"""What AWS documents as required. With its stars: a role that allows less is refused here."""


class BucketExports:
    """See `localaws.aurora.export_storage.ExportStorage`."""

    def check(self, where: Destination) -> None:
        """Raise RdsError unless the bucket is in the region and the role may write there."""
        bucket = _bucket(where)
        if bucket is None or bucket.region_name != where.region:
            raise RdsError(
                "InvalidS3BucketFault",
                f"The bucket {where.bucket} does not exist in {where.region} in this account.",
            )
        _check_permissions(where, _trusting_role(where))

    def write(self, where: Destination, name: str, content: bytes) -> None:
        """Keep a file under its name in the task's folder, marked as encrypted under the key."""
        if _bucket(where) is None:
            raise StorageError(f"{name} was not written: the bucket {where.bucket} was deleted.")
        s3_backends[where.account]["aws"].put_object(
            where.bucket,
            f"{where.folder}/{name}",
            content,
            encryption="aws:kms",
            kms_key_id=where.key_arn,
        )


def _bucket(where: Destination) -> FakeBucket | None:
    return s3_backends[where.account]["aws"].buckets.get(where.bucket)


def _trusting_role(where: Destination) -> Role:
    own = where.role_arn.startswith(f"arn:aws:iam::{where.account}:role/")
    role = role_of(where.role_arn) if own else None
    context = {"aws:sourceaccount": where.account, "aws:sourcearn": where.source_arn}
    asking = Principal(service=EXPORT_SERVICE, context=context)
    if role is None or role.arn != where.role_arn or not trusts(role, asking):
        raise RdsError(
            "IamRoleNotFound",
            f"The principal {EXPORT_SERVICE} isn't allowed to assume the IAM role {where.role_arn} "
            "or the role doesn't exist in this account.",
        )
    return role


def _check_permissions(where: Destination, role: Role) -> None:
    bucket = f"arn:aws:s3:::{where.bucket}"
    objects = f"{bucket}/{where.folder}/export_info.json"
    asked = [(action, bucket) for action in ON_BUCKET]
    asked += [(action, objects) for action in ON_OBJECTS]
    try:
        policies = policies_of(role.arn)
    except PolicyError as error:
        raise RdsError(NOT_MODELLED_CODE, str(error)) from error
    missing = [action for action, on in asked if not evaluate(policies, action, on).allowed]
    if missing:
        raise RdsError(
            "IamRoleMissingPermissions",
            f"The role {role.arn} may not do this on {bucket}: {', '.join(missing)}.",
        )
