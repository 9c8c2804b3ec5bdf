"""docs/performance.md, written by the benchmark."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench import latencies, prices, rights
from bench.load import HINTS_SECONDS, START_WITHIN_SECONDS, Crowd
from bench.markdown import table
from bench.meter import CALLED, HEARTBEAT, Meter
from bench.nights import (
    CASES,
    HINTS,
    JITTER,
    JITTER_SECONDS,
    OTHERS,
    OURS,
    P30,
    P60,
    POINTER,
    SWAP,
    Rows,
    Summary,
    a_day,
)
from bench.rates import RDS_BURST, RDS_PER_SECOND
from bench.replacements import replacements_section
from bench.rights import Rights
from bench.silence import LogVolume
from bench.targets import Target, calls_each, of_crowds, of_nights
from chalicelib.database.grants import OBJECTS_PER_TRANSACTION, OWNERS_PER_TRANSACTION
from chalicelib.flow.choreography import ROWS
from tools.reference import package

PATH: Final = Path("docs/performance.md")
THOUSAND: Final = 1000
TICKS_A_DAY: Final = 1440


@dataclass(frozen=True)
class BenchResults:
    """All that was measured."""

    rows: Rows
    tick: Meter
    log_volume: LogVolume
    crowds: Sequence[Crowd]
    rights: Sequence[Rights]
    phases: int
    nights: int

    @property
    def targets(self) -> list[Target]:
        """Judge it."""
        return [*of_nights(self.rows), *of_crowds(self.crowds), *rights.targets(self.rights)]


def document(results: BenchResults) -> str:
    """Write the page."""
    parts = [_HEAD, targets_section(results.targets), replacements_section(results.rows)]
    parts += [_case(results, case) for case in CASES]
    parts += [
        _first_nights(results),
        _states(results),
        _crowd_section(results),
        rights_section(results.rights),
    ]
    parts += [_beside(results), _taken(results)]
    parts.append(
        f"## The package\n\n<!-- generated: package -->\n{package.part()}\n<!-- /generated -->"
    )
    return "\n\n".join(part.strip() for part in parts) + "\n"


_HEAD = """
# Performance

Written by `make bench`; do not edit. All but [the package](#the-package) and [the users'
rights](#the-users-rights-in-a-large-database) is measured in virtual time, on the simulation that
the proof uses: the real steps and runner, the model of Aurora, and in-memory twins of the rest.
Nothing here was measured in an account.
"""


def targets_section(targets: Sequence[Target]) -> str:
    """Write what was to be reached, whether it is, and why not."""
    missed = [target for target in targets if not target.is_met]
    rows = (
        (
            target.words,
            _short(target.limit),
            _short(target.reached),
            "" if target.first is None else _short(target.first),
            "met" if target.is_met else f"**missed** by {_short(target.reached - target.limit)}",
        )
        for target in targets
    )
    reasons = [
        f"- **{target.words}: {_short(target.reached)}, not {_short(target.limit)}.** {target.why}"
        for target in missed
    ]
    why = ["Why what is missed is missed:", "\n".join(reasons)] if reasons else ["None is missed."]
    head = ("at most", "target", "later night", "first night", "")
    words = f"{len(targets) - len(missed)} of {len(targets)} are met."
    return "\n\n".join(["## Targets", words, table(head, rows), *why])


def _short(number: float) -> str:
    return f"{number:,.0f}" if abs(number) >= THOUSAND else f"{number:.4g}"


def _case(results: BenchResults, case: str) -> str:
    minutes = results.rows[case, OURS, 5.0].later.aurora / 60
    who = [(f"{OURS}, events {_when(hints)}", OURS, hints) for hints in HINTS]
    who += [(other, other, None) for other in OTHERS]
    found = [(words, results.rows[case, contender, hints].later) for words, contender, hints in who]
    time = (
        "later night",
        "added s",
        "most",
        "invocations",
        "cold starts",
        "billed s",
        "$ a night",
        "$ a day",
    )
    calls = ("calls and units", *CALLED, "write units", "read units", "events", "transitions")
    parts = (
        f"## One operation a night: {case}",
        f"Aurora itself takes {minutes:.1f} minutes.",
        table(time, [_time(words, later, results.tick) for words, later in found]),
        table(calls, [_calls(words, later) for words, later in found]),
    )
    return "\n\n".join(parts)


def _time(words: str, later: Summary, tick: Meter) -> tuple[str, ...]:
    day = a_day(later.meter, tick) if words.startswith(OURS) else later.meter.dollars
    return (
        words,
        f"{later.added:.1f}",
        f"{later.added_most:.1f}",
        *(f"{later.counts[kind]:.1f}" for kind in ("requests", "cold starts", "seconds")),
        f"{later.meter.dollars:.5f}",
        f"{day:.5f}",
    )


def _calls(words: str, later: Summary) -> tuple[str, ...]:
    kinds = (*CALLED, "write units", "read units", "events", "transitions")
    return words, *(f"{later.counts.get(kind, 0):.1f}" for kind in kinds)


def _when(hints: float | None) -> str:
    return "never" if hints is None else f"after {hints:.0f} s"


def _first_nights(results: BenchResults) -> str:
    rows = [
        (
            f"{contender}, {case}",
            f"{row.first.added:.1f}",
            f"{row.later.added:.1f}",
            f"{row.first.counts['rds']:.1f}",
            f"{row.later.counts['rds']:.1f}",
            f"{row.first.counts['requests']:.1f}",
            f"{row.later.counts['requests']:.1f}",
        )
        for (case, contender, hints), row in results.rows.items()
        if (hints == HINTS_SECONDS and contender in (OURS, SWAP, POINTER)) or contender in OTHERS
    ]
    head = (
        "",
        "added s, first",
        "later",
        "RDS calls, first",
        "later",
        "invocations, first",
        "later",
    )
    words = (
        "On a first night nothing is known of how long Aurora takes, so looks are evenly spaced. "
        "Events after 5 s."
    )
    return f"## First night and later ones\n\n{words}\n\n{table(head, rows)}"


def _states(results: BenchResults) -> str:
    case = next(iter(CASES))
    ours = {
        f"{OURS}, events after 5 s": (OURS, 5.0),
        f"{OURS}, never": (OURS, None),
        f"{SWAP}, 5 s": (SWAP, 5.0),
        f"{POINTER}, 5 s": (POINTER, 5.0),
    }
    columns = [*ours.values(), (P30, None), (P60, None)]
    summaries = [results.rows[case, *column].later for column in columns]
    rows = [
        (state, *(_seconds_of(state, summary) for summary in summaries))
        for state in ROWS
        if any(state in summary.own for summary in summaries)
    ]
    rows.append(
        ("cold starts, number", *(f"{summary.counts['cold starts']:.1f}" for summary in summaries))
    )
    head = ("seconds", *ours, P30, P60)
    words = f"By state, what it took beyond Aurora's own part of it; later night, {case}."
    return f"## Where the added seconds go\n\n{words}\n\n{table(head, rows)}"


def _seconds_of(state: str, summary: Summary) -> str:
    return f"{summary.own[state]:.1f}" if state in summary.own else ""


_EACH_HEAD: Final = (
    "operations at once",
    "invocations each",
    "billed s each",
    "RDS calls each",
    "DynamoDB calls each",
    "AWS calls each",
    "write units each",
    "read units each",
    "events each",
    "$ each",
    "added s, mean",
    "most",
)
_RATES_HEAD: Final = (
    "operations at once",
    "ticks",
    "items a tick, most",
    "read units a tick, most",
    "s a tick, most",
    "RDS calls a tick, most",
    "those it asks for, in a minute",
    "beyond",
    "with what follows, in a minute",
    "beyond",
    "all RDS calls in a minute",
    "beyond",
    "operations per wall-clock s",
    "MB at the peak",
)


def _crowd_section(results: BenchResults) -> str:
    words = f"""
## Many operations open at once

Each has a plan, a target with one instance and a manual snapshot of its own (copies of one
snapshot are made one after another), all are asked for within {START_WITHIN_SECONDS:.0f} s,
events come after {HINTS_SECONDS:.0f} s, and every target was restored before and is deleted first.
The door's resolution of so many plans from SSM is left out. Each size runs in a process of its own;
wall-clock time and memory are those of the simulation. What each costs falls because ticks are
shared, and above a hundred because a tick announces no more than its share: an operation is
looked at less often, and seen later.

RDS takes {RDS_BURST} requests at once and {RDS_PER_SECOND} a second after that, of an account in
a region (user guide, request throttling). The model takes all, so "beyond" are the calls that
would have been throttled: of the steps that ticks announced, of those and all that followed from
them, and of all.
""".strip()
    return "\n\n".join(
        [
            words,
            table(_EACH_HEAD, map(_each, results.crowds)),
            table(_RATES_HEAD, map(_rates, results.crowds)),
        ]
    )


def _each(crowd: Crowd) -> tuple[str, ...]:
    counts = {kind: number / crowd.size for kind, number in crowd.meter.by_kind().items()}
    aurora = 60.0 * (20 + 6 + 12 + 8 + 1)
    return (
        f"{crowd.size:,}",
        *(f"{counts[kind]:.1f}" for kind in ("requests", "seconds", "rds", "dynamodb")),
        f"{calls_each(crowd):.1f}",
        *(f"{counts[kind]:.1f}" for kind in ("write units", "read units", "events")),
        f"{crowd.meter.dollars / crowd.size:.5f}",
        f"{crowd.mean_seconds - aurora:.0f}",
        f"{crowd.longest_seconds - aurora:.0f}",
    )


def _rates(crowd: Crowd) -> tuple[str, ...]:
    return (
        f"{crowd.size:,}",
        str(crowd.ticks),
        str(crowd.tick_items),
        f"{crowd.tick_units:.1f}",
        f"{crowd.tick_seconds:.1f}",
        *(
            f"{number:,}"
            for number in (
                crowd.tick_calls,
                crowd.asked_minute,
                crowd.asked_beyond,
                crowd.tick_minute,
                crowd.tick_beyond,
                crowd.calls_minute,
                crowd.calls_beyond,
            )
        ),
        f"{crowd.size / crowd.wall_seconds:.0f}",
        f"{crowd.memory_mb:.0f}",
    )


def rights_section(found: Sequence[Rights]) -> str:
    """Write how long it takes to set the users' rights."""
    head = (
        "tables",
        "owners",
        "setting all rights, s",
        "s for 1,000 tables",
        "verifying, s",
        "setting them again, s",
    )
    rows = (
        (
            f"{result.tables:,}",
            f"{result.owners:,}",
            f"{result.set_up:.1f}",
            f"{result.each * THOUSAND:.2f}",
            f"{result.verified:.1f}",
            f"{result.again:.1f}",
        )
        for result in found
    )
    return f"""
## The users' rights in a large database

A real server, the embedded PostgreSQL, on the machine that wrote this page, by the clock. Each
owner has a schema with {rights.TABLES_EACH} tables, and PUBLIC has every right on each table, so
that all of them are to be moved. The work is done in transactions of at most
{OBJECTS_PER_TRANSACTION} objects and {OWNERS_PER_TRANSACTION} owners. An invocation that is
nearly over ends between two of them and says how many objects are to go; the next one, like the
one after a killed one, finds what is still to be set.

{table(head, rows)}
"""


def _beside(results: BenchResults) -> str:
    logs = results.log_volume.size / 1e9 * prices.PRICES["log GB"].dollars
    metric_count = len(results.log_volume.metrics)
    metrics = metric_count * prices.PRICES["metric months"].dollars
    tick, day = results.tick.counts[HEARTBEAT, "seconds"] * 1000, results.tick.dollars * TICKS_A_DAY
    return f"""
## Beside the tables

- An idle tick of the heartbeat is billed {tick:.0f} ms; a day of 1,440 of them costs ${day:.5f}.
- Logs are not in the dollars above: a day with one night writes
  {results.log_volume.size / 1e6:.2f} MB at level INFO, Lambda's own lines left out, which is
  ${logs:.5f}.
- Metrics are not in them either: one plan writes {metric_count} metrics (name and dimensions).
  CloudWatch asks $0.30 for each that is written to during a month, by the hour: at most
  ${metrics:.2f} a month, which is more than all the rest. Those of the heartbeat are written
  around the clock, those of an operation in one or two hours of a day.
- No free tier is counted. DynamoDB's storage and point-in-time recovery, and alarms, are left out,
  and so is what Aurora costs, except for the second cluster of a swap or a pointer.
"""


def _taken(results: BenchResults) -> str:
    seconds = {
        **latencies.CALL_SECONDS,
        "Step Functions, a transition": latencies.TRANSITION_SECONDS,
    }
    assumed = ", ".join(f"{what} {value * 1000:.0f} ms" for what, value in seconds.items())
    rows = (
        (what, f"{price.dollars:.10f}".rstrip("0"), price.unit, price.source)
        for what, price in prices.PRICES.items()
    )
    return f"""
## How it was taken

- **Added** is the time from the snapshot's event to the record's SUCCEEDED, less the time in
  which Aurora had anything of the operation under way, by the model's own schedule: copying,
  deleting, restoring, creating, setting the password.
- **The same nights for all**: {results.phases} phases of the heartbeat against the night's start,
  {results.nights} nights each, of which the first is told apart; each of Aurora's durations is
  drawn anew every night, up to {JITTER:.0%} shorter or longer, and by up to {JITTER_SECONDS:.0f}
  s where that is more (half of itself at most), and is the same for every contender. So no poller
  divides a duration by chance. "Most" is the worst night.
- **The choreography** runs with its default settings, except that it deletes first where nothing
  else is said, as the poller and the waiter do. Each invocation has a clock of its own,
  which begins when it is woken, moves by the start and by each call, and holds nobody else up.
  What it puts arrives {latencies.BUS_SECONDS} s later; RDS's events arrive after the delay that
  is named, or never; the snapshot's own event, which begins the night, always comes, for all
  contenders alike. Only `swap-target`, which waits by itself, holds the others up meanwhile.
- **The poller** is a step machine with the same steps: a task, a choice, and where the step says
  "wait" a wait of exactly 30 s or 60 s. Every task and choice is a transition, and every wait.
- **The waiter** is one function that sleeps 30 s between its looks, is billed for that, and calls
  itself again before Lambda's 15 minutes are over.
- Both carry the record along at no charge, with no table, no audit trail, no lock, no lease and
  no heartbeat: what that is worth is not priced. Where our step asks twice, so do they: their
  looks are our steps.
- **DynamoDB units** are computed from the sizes of items (developer guide, item sizes and
  formats; read and write operations): each index costs its own, a new index key costs two writes,
  a transaction doubles all of it, a refused condition costs what stood there.
- **Assumed**: {assumed}; a cold start {latencies.COLD_START_SECONDS} s, a warm one
  {latencies.WARM_START_SECONDS * 1000:.0f} ms; an environment is kept for
  {latencies.KEPT_WARM.seconds // 60} idle minutes.

List prices as of {prices.AS_OF}, {prices.REGION}:

{table(("", "$", "for each", "source"), rows)}
"""
