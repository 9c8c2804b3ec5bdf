"""The record sets of a hosted zone, changed as Route 53 changes them: a batch as a whole or not.

moto's own changes take effect one by one, create what is there, and delete what never was.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

APEX_NEVER: Final = "CNAME"
_MODELLED: Final = frozenset({"Name", "ResourceRecords", "TTL", "Type"})


class ChangeRefusedError(Exception):
    """A batch that changes nothing. `code` is Route 53's, the text a sentence."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code


@dataclass(frozen=True)
class RecordSet:
    """The records of one type under one name, which is in lower case and ends with a dot."""

    name: str
    type: str
    ttl: int
    values: tuple[str, ...]

    @property
    def key(self) -> tuple[str, str]:
        """What a zone has once."""
        return self.name, self.type

    @property
    def text(self) -> str:
        """The record set as Route 53's sentences name it."""
        return f"[name='{self.name}', type='{self.type}']"


def fully_qualified(name: str) -> str:
    """Return a name as zones have it."""
    return f"{name.lower().rstrip('.')}."


def changed(
    zone: str, before: Iterable[RecordSet], changes: Iterable[Mapping[str, Any]]
) -> list[RecordSet]:
    """Return the record sets of a zone after a batch. ChangeRefusedError if it may not be."""
    after = {one.key: one for one in before}
    for change in changes:
        wanted = _read(change["ResourceRecordSet"])
        _refuse_other_zone(zone, wanted)
        _ACTIONS[str(change["Action"])](after, wanted)
        _refuse_conflict(zone, after, wanted)
    return list(after.values())


def _read(given: Mapping[str, Any]) -> RecordSet:
    """Read a record set of the simple kind: neither an alias, nor chosen among several."""
    others = sorted(name for name in given.keys() - _MODELLED if given[name] is not None)
    if others:
        raise ChangeRefusedError(
            "LocalAwsNotModelled", f"localaws does not model {', '.join(others)} of record sets."
        )
    values = tuple(str(record["Value"]) for record in given.get("ResourceRecords") or ())
    if given.get("TTL") is None or not values:
        raise _invalid(
            "Invalid request: Expected exactly one of [AliasTarget, all of [TTL, and "
            "ResourceRecords], or TrafficPolicyInstanceId], but found none in Change with "
            f"[Name={given['Name']}, Type={given['Type']}]",
            code="InvalidInput",
        )
    name, kind = fully_qualified(str(given["Name"])), str(given["Type"])
    return RecordSet(name, kind, int(given["TTL"]), values)


def _invalid(sentence: str, *, code: str = "InvalidChangeBatch") -> ChangeRefusedError:
    return ChangeRefusedError(code, sentence)


def _refuse_other_zone(zone: str, wanted: RecordSet) -> None:
    if wanted.name != zone and not wanted.name.endswith(f".{zone}"):
        raise _invalid(f"RRSet with DNS name {wanted.name} is not permitted in zone {zone}")


_Sets = dict[tuple[str, str], RecordSet]


def _create(sets: _Sets, wanted: RecordSet) -> None:
    if wanted.key in sets:
        raise _invalid(f"Tried to create resource record set {wanted.text} but it already exists")
    sets[wanted.key] = wanted


def _upsert(sets: _Sets, wanted: RecordSet) -> None:
    sets[wanted.key] = wanted


def _delete(sets: _Sets, wanted: RecordSet) -> None:
    """Delete a record set that is given as it is, its values in any order."""
    found = sets.get(wanted.key)
    if found is None:
        raise _invalid(f"Tried to delete resource record set {wanted.text} but it was not found")
    if (found.ttl, sorted(found.values)) != (wanted.ttl, sorted(wanted.values)):
        raise _invalid(
            f"Tried to delete resource record set {wanted.text} but the values provided do not "
            "match the current values"
        )
    del sets[wanted.key]


_ACTIONS: Final = {"CREATE": _create, "DELETE": _delete, "UPSERT": _upsert}


def _refuse_conflict(zone: str, sets: _Sets, wanted: RecordSet) -> None:
    """Refuse a CNAME beside other records of its name (RFC 1034, section 3.6.2), or at the top."""
    kinds = [kind for name, kind in sets if name == wanted.name]
    if APEX_NEVER not in kinds:
        return
    if wanted.name == zone:
        raise _invalid(f"RRSet of type CNAME with DNS name {zone} is not permitted at apex in zone")
    if len(kinds) > 1:
        raise _invalid(
            f"RRSet of type {wanted.type} with DNS name {wanted.name} is not permitted as it "
            "conflicts with other records with the same DNS name in zone"
        )
