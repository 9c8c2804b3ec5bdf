"""Names and settings of the stage that lives in one process."""

ACCOUNT, SOURCE_REGION, TARGET_REGION, STAGE = "123456789012", "us-east-1", "us-west-2", "test"
TOPIC = f"arn:aws:sns:{TARGET_REGION}:{ACCOUNT}:aurora-restore-test-notifications"
KEY_ALIAS = "alias/aurora-restore"
MASTER_SECRET = "aurora-restore/test/master-db-credentials"  # noqa: S105 # the name of a secret
APP_SECRET = "aurora-restore/test/app-db-credentials"  # noqa: S105 # the name of a secret
MASTER_PASSWORD, PRODUCTION_PASSWORD = "Fresh-0-staging-master", "Production-0-password"
APP = {
    "app_username": "app_user",
    "app_password": "Fresh-0-app-password",
    "readonly_username": "readonly_user",
    "readonly_password": "Fresh-0-read-password",
}
ENVIRONMENT = {
    "ENVIRONMENT": STAGE,
    "STATE_TABLE_NAME": "aurora-restore-test-state",
    "AUDIT_TABLE_NAME": "aurora-restore-test-audit",
    "SNS_TOPIC_ARN": TOPIC,
    "SOURCE_REGION": SOURCE_REGION,
    "SOURCE_CLUSTER_ID": "prod-cluster",
    "TARGET_REGION": TARGET_REGION,
    "TARGET_CLUSTER_ID": "staging-cluster",
    "KMS_KEY_ID": KEY_ALIAS,
    "DB_SUBNET_GROUP_NAME": "default",
    "VPC_SECURITY_GROUP_IDS": "sg-staging",
    "INSTANCE_CLASS": "db.r6g.large",
    "INSTANCE_COUNT": "2",
    "REPLACEMENT": "delete-first",
    "MASTER_CREDENTIALS_SECRET_ID": MASTER_SECRET,
    "APP_CREDENTIALS_SECRET_ID": APP_SECRET,
    "DB_TLS": "off",
}
