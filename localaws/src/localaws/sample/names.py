"""The names of the sample account: a production in one region."""

from typing import Final

ACCOUNT: Final = "123456789012"
REGION: Final = "us-east-1"
CLUSTER: Final = "prod-cluster"
ENGINE: Final = "aurora-postgresql"
INSTANCE_CLASS: Final = "db.r6g.large"
# Not 5432: where 127.0.0.1 is the only address, somebody's own server may have that.
PORT: Final = 15431
MASTER: Final = "postgres"
DATABASE: Final = "shop"
KEY_ALIAS: Final = "alias/production"
SECRET: Final = "production/prod-cluster"
TAG: Final = {"Key": "Environment", "Value": "Production"}
