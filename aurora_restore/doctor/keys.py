"""The target's key: enabled, in the target's region, for encryption, and usable by our roles."""

import json
from collections.abc import Iterator

from aurora_restore.doctor.stage_plan import StagePlan
from aurora_restore.documents import Described, statements_of
from aurora_restore.findings import Finding, ok, warning
from chalicelib.aws.kms import observe_key

USERS = ("copy-snapshot", "restore-snapshot")  # the functions for which RDS makes grants of the key


def key(view: StagePlan) -> Iterator[Finding]:
    """Look at the key that KMS_KEY_ID names."""
    key_id = view.plan.copies.kms_key_id
    refused = list(view.passes("key"))
    yield from refused
    if not key_id:
        yield ok("KMS_KEY_ID is not set.")
    elif not refused:
        kms = view.stage_view.service("kms", view.plan.target.region)
        if found := observe_key(kms, key_id):
            yield from _policy(view, found)
            yield ok(f"{found['Arn']}.")


def _policy(view: StagePlan, found: Described) -> Iterator[Finding]:
    """See that the key's policy lets the account decide, or names the roles that use it."""
    if found.get("AWSAccountId") != view.stage_view.account.number:
        yield warning(
            f"The key {found['Arn']} belongs to another account: its policy cannot be read.",
            "Ask its owner.",
        )
        return
    kms = view.stage_view.service("kms", view.plan.target.region)
    document = kms.call("get_key_policy", KeyId=found["KeyId"], PolicyName="default")["Policy"]
    named = json.dumps(
        [each.get("Principal") for each in statements_of(document) if each.get("Effect") == "Allow"]
    )
    if (
        f":{view.stage_view.account.number}:root" in named
        or f'"{view.stage_view.account.number}"' in named
    ):
        return
    roles = [view.stage_view.stage.function(name) for name in USERS]
    if missing := [role for role in roles if f":role/{role}" not in named]:
        yield warning(
            f"The policy of the key {found['Arn']} names neither the account nor "
            f"{', '.join(missing)}.",
            "Allow the account itself in it (principal root), or name these roles.",
        )
