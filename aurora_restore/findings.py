"""What a check found: one line for people, one object for programs, and whether it is a reason to stop."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum


class Status(StrEnum):
    """How a check went."""

    OK = "OK"
    WARNING = "WARNING"  # it works, but not for long, or not as people would expect
    FAILED = "FAILED"  # nights will be lost, or nothing can be changed


@dataclass(frozen=True)
class Finding:
    """The outcome of one check: `what` was seen, and what to `do` unless all is well.

    Both are sentences; where there are several problems, one a line.
    """

    name: str
    status: Status
    what: str
    do: str = ""

    def __str__(self) -> str:
        """Spell it as one line, or several problems as one line each below it."""
        if "\n" in self.what:
            told = [*self.what.splitlines(), *self.do.splitlines()]
            return "\n".join([f"{self.name}: {self.status}", *(f"  {line}" for line in told)])
        sentences = " ".join(f"{self.what} {self.do}".split("\n")).strip()
        return f"{self.name}: {self.status}" + (f" ({sentences})" if sentences else "")


def ok(name: str, what: str = "") -> Finding:
    """Say that all is well."""
    return Finding(name, Status.OK, what)


def warning(name: str, what: str, do: str) -> Finding:
    """Say what will want attention."""
    return Finding(name, Status.WARNING, what, do)


def failed(name: str, what: str, do: str) -> Finding:
    """Say what is wrong, and what to do."""
    return Finding(name, Status.FAILED, what, do)


def failures(findings: Iterable[Finding]) -> list[Finding]:
    """Keep those that are reasons to stop."""
    return [finding for finding in findings if finding.status is Status.FAILED]


def as_json(findings: Iterable[Finding], about: Mapping[str, str]) -> str:
    """Write findings for programs, after what they are `about` and how many there are of each status."""
    told = list(findings)
    counted = Counter(finding.status for finding in told)
    summary = {status.value: counted[status] for status in Status}
    return json.dumps(
        {**about, "summary": summary, "findings": [asdict(one) for one in told]}, indent=2
    )
