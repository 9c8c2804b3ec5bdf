"""The names of the stage `local` and of what lies around it in the target's region."""

from typing import Final

STAGE: Final = "local"
KEY_ALIAS: Final = "alias/aurora-restore"
SUBNET_GROUP: Final = "staging"
# Not 5432: where 127.0.0.1 is the only address, somebody's own server may have that.
TARGET_PORT: Final = 15432
OWNER_TAG: Final = {"Key": "aurora-restore", "Value": "local/default"}
OPERATION_TAG: Final = {"Key": "aurora-restore-operation", "Value": "an-earlier-night"}
