"""What a check found: a line for people, an object for programs, and whether it is a failure."""

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


_WORST_FIRST = (Status.FAILED, Status.WARNING, Status.OK)


@dataclass(frozen=True)
class Finding:
    """The outcome of one check: `what` was seen, and what to `do` unless all is well.

    Both are sentences; where there are several problems, one a line. A check that is run by its
    name leaves `name` empty: `combine` fills it in.
    """

    name: str
    status: Status
    what: str
    do: str = ""

    def __str__(self) -> str:
        """Format it as one line, or several problems as one line each below it."""
        if "\n" in self.what:
            problems = [*self.what.splitlines(), *self.do.splitlines()]
            return "\n".join([f"{self.name}: {self.status}", *(f"  {line}" for line in problems)])
        sentences = " ".join(f"{self.what} {self.do}".split("\n")).strip()
        return f"{self.name}: {self.status}" + (f" ({sentences})" if sentences else "")


def ok(what: str = "", *, name: str = "") -> Finding:
    """Report that all is well."""
    return Finding(name, Status.OK, what)


def warning(what: str, do: str, *, name: str = "") -> Finding:
    """Report what will need attention."""
    return Finding(name, Status.WARNING, what, do)


def failed(what: str, do: str = "", *, name: str = "") -> Finding:
    """Report what is wrong, and what to do."""
    return Finding(name, Status.FAILED, what, do)


def failures(findings: Iterable[Finding]) -> list[Finding]:
    """Keep those that are reasons to stop."""
    return [finding for finding in findings if finding.status is Status.FAILED]


def combine(name: str, findings: Iterable[Finding]) -> Finding:
    """Make one finding of everything that the check `name` found: as bad as the worst of them.

    The worst come first, and each advice once. What is OK is reported only if everything is.
    """
    ordered = sorted(findings, key=lambda finding: _WORST_FIRST.index(finding.status))
    status = ordered[0].status if ordered else Status.OK
    shown = [found for found in ordered if found.status is status or found.status is not Status.OK]
    separator = " " if status is Status.OK else "\n"  # one problem a line
    what = _join(separator, [finding.what for finding in shown])
    return Finding(name, status, what, _join(separator, [finding.do for finding in shown]))


def _join(separator: str, sentences: Iterable[str]) -> str:
    return separator.join(dict.fromkeys(filter(None, sentences)))


def as_json(findings: Iterable[Finding], about: Mapping[str, str]) -> str:
    """Write findings for programs, after what they are `about` and how many have each status."""
    listed = list(findings)
    counted = Counter(finding.status for finding in listed)
    summary = {status.value: counted[status] for status in Status}
    objects = [asdict(finding) for finding in listed]
    return json.dumps({**about, "summary": summary, "findings": objects}, indent=2)
