"""KMS keys as far as RDS cares: their manager, their region, and whether they are enabled."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

from localaws.aurora.errors import key_not_accessible

RDS_MANAGED_ALIAS = "alias/aws/rds"
Lookup = Callable[[str, str, str], "Key | None"]
"""From account, region and a reference (id, ARN or alias) to the key as it is now."""


@dataclass(frozen=True)
class Key:
    """A KMS key.

    `manager` is "AWS" for the account's own `aws/rds` key, whose snapshots cannot be shared.
    """

    arn: str
    enabled: bool = True
    manager: Literal["AWS", "CUSTOMER"] = "CUSTOMER"

    @property
    def region(self) -> str:
        """The region that the key's ARN names."""
        return self.arn.split(":")[3]

    @property
    def account(self) -> str:
        """The account that the key's ARN names."""
        return self.arn.split(":")[4]


class KeyRing:
    """A lookup for worlds without a KMS: keys are created, disabled and enabled here."""

    def __init__(self) -> None:
        self._keys: dict[str, Key] = {}
        self._aliases: dict[tuple[str, str, str], str] = {}

    def create(self, account: str, region: str, alias: str) -> Key:
        """Make a customer-managed key with an alias (`alias/…`) and return it."""
        key = Key(
            f"arn:aws:kms:{region}:{account}:key/{len(self._keys):08x}-0000-4000-8000-000000000000"
        )
        self._keys[key.arn] = key
        self._aliases[account, region, alias] = key.arn
        return key

    def disable(self, arn: str) -> None:
        """Disable a key: whatever is encrypted under it can no longer be copied or restored."""
        self._keys[arn] = replace(self._keys[arn], enabled=False)

    def enable(self, arn: str) -> None:
        """Enable a key again."""
        self._keys[arn] = replace(self._keys[arn], enabled=True)

    def __call__(self, account: str, region: str, reference: str) -> Key | None:
        """Find a key by ARN, by id, or by alias, as seen from an account and a region.

        The account's `aws/rds` key exists everywhere: AWS makes it at first use.
        """
        arn = self._aliases.get((account, region, reference), reference)
        if not arn.startswith("arn:"):
            arn = f"arn:aws:kms:{region}:{account}:key/{arn}"
        return self._keys.get(arn) or _managed_key(account, region, reference)


def usable_key(lookup: Lookup, account: str, region: str, reference: str) -> Key:
    """Return an enabled key of this region, or refuse with KMSKeyNotAccessibleFault."""
    key = lookup(account, region, reference)
    if key is None or not key.enabled or key.region != region:
        raise key_not_accessible(reference)
    return key


def _managed_key(account: str, region: str, reference: str) -> Key | None:
    arn = f"arn:aws:kms:{region}:{account}:key/aws-rds-{account}-{region}"
    return Key(arn, manager="AWS") if reference in {RDS_MANAGED_ALIAS, arn} else None
