"""The names of the local world: one account, two regions, one stage. Clients know them by heart."""

from typing import Final

ACCOUNT: Final = "123456789012"
STAGE: Final = "local"
SOURCE_REGION: Final = "us-east-1"
TARGET_REGION: Final = "us-west-2"

SOURCE_CLUSTER: Final = "prod-cluster"
TARGET_CLUSTER: Final = "staging-cluster"
ENGINE: Final = "aurora-postgresql"
ENGINE_VERSION: Final = "16.11"
INSTANCE_CLASS: Final = "db.r6g.large"
# neither is 5432: where 127.0.0.1 is the only address, somebody's own server may have that
SOURCE_PORT: Final = 15431
TARGET_PORT: Final = 15432
MASTER: Final = "postgres"
DATABASE: Final = "shop"

STATE_TABLE: Final = "aurora-restore-local-state"
AUDIT_TABLE: Final = "aurora-restore-local-audit"
NOTIFICATIONS: Final = "aurora-restore-local-notifications"
KEY_ALIAS: Final = "alias/aurora-restore"
SUBNET_GROUP: Final = "staging"

MASTER_SECRET: Final = "aurora-restore/local/master-db-credentials"
APP_SECRET: Final = "aurora-restore/local/app-db-credentials"
PRODUCTION_SECRET: Final = "production/prod-cluster"

OWNER_TAG: Final = {"Key": "aurora-restore", "Value": "local/default"}
EARLIER_OPERATION: Final = "an-earlier-night"
OPERATION_TAG: Final = {"Key": "aurora-restore-operation", "Value": EARLIER_OPERATION}
PRODUCTION_TAG: Final = {"Key": "Environment", "Value": "Production"}
