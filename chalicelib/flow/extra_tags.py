"""The tags of EXTRA_TAGS: how they are written, and what AWS and this application allow of them."""

import re
from collections.abc import Mapping, Sequence

EXTRA_TAGS_MAX = 47  # of 50 on a resource (RDS user guide); three are ours
KEY_LENGTH_MAX, VALUE_LENGTH_MAX = 128, 256
RESERVED = ("aws:", "rds:", "aurora-restore", "application-autoscaling:")
"""How the keys begin that AWS or this application sets."""
# Letters, digits, spaces and _ . : / = + - @ of any language (API reference, Tag).
_ALLOWED = re.compile(r"[\w .:/=+\-@]*")


def read_tags(texts: Sequence[str]) -> Mapping[str, str]:
    """Read tags written as `key=value`; raises ValueError for what RDS would refuse."""
    tags = dict[str, str]()
    for text in texts:
        key, equals, value = text.partition("=")
        if problem := _problem(key, value, known=tags) if equals else f"have {text!r} as key=value":
            raise ValueError(f"should {problem}")
        tags[key] = value
    if len(tags) > EXTRA_TAGS_MAX:
        raise ValueError(f"should have at most {EXTRA_TAGS_MAX} tags, and not {len(tags)}")
    return tags


def _problem(key: str, value: str, *, known: Mapping[str, str]) -> str | None:
    """Say what is wrong with a tag: the first rule that it breaks."""
    reserved = ", ".join(RESERVED)
    rules = {
        f"have keys of 1 to {KEY_LENGTH_MAX} characters": 1 <= len(key) <= KEY_LENGTH_MAX,
        f"have at most {VALUE_LENGTH_MAX} characters in a value": len(value) <= VALUE_LENGTH_MAX,
        f"not have the key {key}: {reserved} are reserved": not key.lower().startswith(RESERVED),
        f"not have a value of {key} that begins with aws: or rds:": not value.lower().startswith(
            ("aws:", "rds:")
        ),
        f"have the key {key} once": key not in known,
        f"have only letters, digits, spaces and _.:/=+-@ in {key}={value}": bool(
            _ALLOWED.fullmatch(f"{key}={value}")
        ),
    }
    return next((rule for rule, is_kept in rules.items() if not is_kept), None)
