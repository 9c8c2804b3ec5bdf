"""Metrics as CloudWatch reads them out of the log: for each set of dimensions of a line, a metric
of its own.
"""

import json
from collections.abc import Iterator
from typing import NamedTuple


class Metric(NamedTuple):
    """What an alarm has to name exactly: namespace, name, and every dimension with its value."""

    namespace: str
    name: str
    dimensions: frozenset[tuple[str, str]]


def written(log: str) -> Iterator[tuple[Metric, float]]:
    """Read the metrics of a log, each with its value."""
    for line in log.splitlines():
        if '"_aws"' not in line:
            continue
        content = json.loads(line)
        for directive in content["_aws"]["CloudWatchMetrics"]:
            for metric in directive["Metrics"]:
                for names in directive["Dimensions"]:
                    dimensions = frozenset((name, content[name]) for name in names)
                    for value in content[metric["Name"]]:
                        yield Metric(directive["Namespace"], metric["Name"], dimensions), value
