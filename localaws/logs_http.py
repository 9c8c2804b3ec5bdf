"""CloudWatch Logs' API: moto's, which finds plain terms only (moto 5.2)."""

import re
from typing import Final

from moto.logs.responses import LogsResponse

from localaws.refusals import NotModelledError

_TERMS: Final = re.compile(r'([A-Za-z][\w ]*)?|"[^"]*"', re.ASCII)


class LogsApi(LogsResponse):
    """The API of CloudWatch Logs."""

    def filter_log_events(self) -> str:
        """Find log events; a pattern that moto would read as plain text is refused."""
        pattern = self._get_param("filterPattern") or ""
        if not _TERMS.fullmatch(pattern):
            text = f"localaws does not model the filter pattern {pattern}. It finds words, or one quoted phrase."
            raise NotModelledError(text)
        answer: str = super().filter_log_events()
        return answer
