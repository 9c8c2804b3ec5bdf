"""What people can do about an error code of AWS."""

_RAISE_QUOTA = "Delete what is not needed, or have the quota raised (Service Quotas, Amazon RDS)."
CAPACITY_REMEDY = (
    "Amazon has too few machines of that kind there for now: set INSTANCE_CLASS to another class, "
    "or name a subnet group with more availability zones in DB_SUBNET_GROUP_NAME; or try again "
    "later."
)
REMEDIES = {
    "SnapshotQuotaExceeded": (
        "The region holds as many manual cluster snapshots as it may (100 unless raised): delete "
        "old copies, or have the quota raised. With ARCHIVE_SNAPSHOT=false later nights keep none."
    ),
    "DBClusterAutomatedBackupQuotaExceededFault": (
        "A plan of AWS Backup has the automated backups of deleted clusters retained, and the "
        "region holds as many as it may: delete retained backups that are not needed, or have the "
        "quota raised."
    ),
    "KMSKeyNotAccessibleFault": (
        "See that the key exists in that region and is enabled, and that its policy lets the "
        "function's role use it through RDS: kms:CreateGrant, kms:DescribeKey, kms:Decrypt and "
        "kms:GenerateDataKey."
    ),
    "DBClusterQuotaExceededFault": _RAISE_QUOTA,
    "InstanceQuotaExceeded": _RAISE_QUOTA,
    "StorageQuotaExceeded": _RAISE_QUOTA,
}
