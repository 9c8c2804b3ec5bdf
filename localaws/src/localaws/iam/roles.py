"""The policies of a role now: inline, and attached in their default version."""

from moto.iam.exceptions import NotFoundException
from moto.iam.models import Role, iam_backends

from localaws.iam.keys import refuse_unknown_keys
from localaws.iam.policies import Policy


def policies_of(arn: str) -> tuple[Policy, ...]:
    """Read the policies of a role; a role that is gone has none.

    Raises PolicyError for what is not understood.
    """
    role = role_of(arn)
    if role is None:
        return ()
    texts = list(role.policies.items())
    for policy in list(role.managed_policies.values()):
        texts += [
            (policy.name, version.document)
            for version in policy.versions
            if version.version_id == policy.default_version_id
        ]
    policies = tuple(Policy.of_text(text, name) for name, text in texts)
    refuse_unknown_keys(policies)
    return policies


def is_known_to_iam(access_key: str) -> bool:
    """Tell whether IAM or STS gave an access key to somebody: such a caller is not limited here."""
    return any(access_key in account["aws"].access_keys for account in list(iam_backends.values()))


def user_of(access_key: str) -> str | None:
    """Give the ARN of the IAM user that an access key belongs to."""
    found = (
        account["aws"].get_user_from_access_key_id(access_key)
        for account in list(iam_backends.values())
    )
    return next((str(user.arn) for user in found if user), None)


def role_of(arn: str) -> Role | None:
    """Find a role by its ARN; None when there is none."""
    account, name = arn.split(":")[4], arn.rsplit("/", 1)[-1]
    try:
        return iam_backends[account]["aws"].get_role(name)
    except NotFoundException:
        return None
