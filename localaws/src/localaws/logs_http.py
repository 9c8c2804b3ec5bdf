"""CloudWatch Logs: moto's, with our filter patterns, most of which moto ignores."""

import re
from typing import Final

from moto.logs import models
from moto.logs.responses import LogsResponse

from localaws.refusals import NotModelledError

_TERM: Final = re.compile(r'([?-]?)(?:"([^"]*)"|(\w+))(?:\s+|$)', re.ASCII)


class LogsApi(LogsResponse):
    """The API of CloudWatch Logs."""

    def filter_log_events(self) -> str:
        """Find log events; a pattern that `TermsFilter` cannot read is refused."""
        pattern = self._get_param("filterPattern") or ""
        if re.fullmatch(f"\\s*(?:{_TERM.pattern})*", pattern, re.ASCII) is None:
            text = (
                f"localaws does not model the filter pattern {pattern}. "
                'It reads terms: WORD, "a phrase", -EXCLUDED and ?OPTIONAL.'
            )
            raise NotModelledError(text)
        answer: str = super().filter_log_events()
        return answer


class TermsFilter:
    """A pattern of terms: a line has all plain ones and no excluded one.

    Optional terms, of which a line has at least one, count only where there are no others
    (CloudWatch Logs user guide, filter pattern syntax for unstructured log events).
    """

    def __init__(self, pattern: str | None) -> None:
        terms: dict[str, list[str]] = {"": [], "-": [], "?": []}
        for kind, phrase, word in _TERM.findall(pattern or ""):
            terms[kind].append(phrase or word)
        self._wanted, self._excluded, self._optional = terms[""], terms["-"], terms["?"]

    def matches(self, message: str) -> bool:
        """Tell whether a line is found."""
        if not self._wanted and not self._excluded:
            return not self._optional or any(term in message for term in self._optional)
        return all(term in message for term in self._wanted) and not any(
            term in message for term in self._excluded
        )


# Which moto asks about each line.
models.EventMessageFilter = TermsFilter  # type: ignore[attr-defined, assignment]
