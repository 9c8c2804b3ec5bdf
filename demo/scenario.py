"""The course of the demo: build a local AWS, inspect it, take a snapshot, watch, inspect again."""

import contextlib
import itertools
import time
from collections.abc import Iterable
from datetime import UTC, datetime

from demo import assertions, next_steps, take_snapshot
from demo import aws as names
from demo.availability import Service, check_return, check_service
from demo.aws import Aws, Item
from demo.errors import DemoError
from demo.inspection import Inspector, OperationInspection, SourceInspection, TargetInspection
from demo.local_aws import LocalAwsProcess, local_aws
from demo.memory import MemoryMeter
from demo.next_steps import Connection
from demo.options import DELETE_FIRST, DemoOptions
from demo.results import Results
from demo.screen import BAD, DIM, HEADING, Screen, step_line
from demo.steady_client import Question, SteadyClient, choose_question
from demo.time_limits import TimeLimit
from demo.watch import Ended, Step, Waiting, watch

# Enough for a full PostgreSQL server on a slow machine. TIMEOUT= counts from the snapshot on.
SET_UP_SECONDS = 900
ROLLBACK_REQUESTED = "RollbackRequested"


class Demo:
    """One run of the demo on one screen.

    Everything after the first part is read from the endpoint.
    """

    def __init__(self, screen: Screen, options: DemoOptions, more_time: str) -> None:
        """Take the options, and the command that does the same with more time."""
        self._screen = screen
        self._options = options
        self._began = time.monotonic()
        self._advice = f"On a slow machine give it more time: {more_time}"
        self._meter = MemoryMeter(options.data)
        self._results = Results(screen)

    def run(self) -> int:
        """Go through all parts; returns the exit status.

        Raises DemoError, botocore's errors and psycopg2's.
        """
        options = self._options
        with local_aws(options) as world:
            self._build(world)
            status = self._restore(world, Aws(world.endpoint))
            if options.keep:
                self._keep(world)
        return status

    def _build(self, world: LocalAwsProcess) -> None:
        self._heading("1. A local AWS, with the app deployed into it")
        seconds = max(SET_UP_SECONDS, self._options.timeout_seconds)
        building = world.building(TimeLimit(seconds, "The set-up", self._advice))
        for line in itertools.takewhile(bool, building):
            self._say(f"  {line}", DIM)
        # What follows the empty line is the page of `make up`: the demo's own page comes last.
        list(building)
        self._say(f"  ready after {time.monotonic() - self._began:.1f} s, at {world.endpoint}")

    def _restore(self, world: LocalAwsProcess, aws: Aws) -> int:
        inspector = Inspector(aws)
        self._heading("2. Before the night")
        before = (inspector.source(), inspector.target())
        logins = (inspector.production["master"]["username"], *inspector.production["logins"])
        self._results.add(assertions.before_the_night(*before, logins))
        question = choose_question(inspector.master["database"], before[0].tables, before[1].tables)
        with SteadyClient(inspector.application(), question) as client:
            record = self._night(world, aws)
        self._heading("4. Verification")
        if record["state"] != "SUCCEEDED":
            return self._ended_badly(aws.endpoint, record)
        outcome = self._verify(inspector, before, record)
        service = Service.of(client)
        checked = check_service(service, outcome.trail, question.stale, question.fresh)
        self._results.add([checked])
        cluster = inspector.target_cluster()
        connections = next_steps.connections(
            cluster, inspector.app, inspector.master, inspector.master["database"]
        )
        self._close(aws, cluster, outcome, connections[0])
        if self._options.replacement != DELETE_FIRST:
            self._go_back(world, aws, inspector, (before[1], question), outcome)
        else:
            self._say(
                "  delete-first keeps no previous cluster, so there is nothing to go back to."
            )
        self._heading("Next steps")
        self._offer(next_steps.lines(aws.endpoint, connections, outcome.record))
        self._heading("The end")
        return self._results.finish(time.monotonic() - self._began, self._meter.peak_bytes)

    def _night(self, world: LocalAwsProcess, aws: Aws) -> Item:
        """Have the snapshot taken, then only watch; returns the record at its end."""
        self._heading(
            "3. The nightly snapshot. From here the demo only watches: events drive the restore"
        )
        began = datetime.now(UTC)
        deadline = TimeLimit(self._options.timeout_seconds, "The night", self._advice)
        snapshot = take_snapshot.take_snapshot(
            world.endpoint, cluster=names.SOURCE_CLUSTER, region=names.SOURCE_REGION
        )
        self._say(f"  Aurora takes {snapshot} of {names.SOURCE_CLUSTER}.")
        record, first = self._watch(world, aws, began, deadline)
        self._say(next_steps.times(record, snapshot_seconds=first.at_seconds))
        return record

    def _watch(
        self, world: LocalAwsProcess, aws: Aws, began: datetime, deadline: TimeLimit
    ) -> tuple[Item, Step]:
        """Show the steps of the operation that begins now; return its record and its first step."""
        steps: list[Step] = []
        for seen in watch(aws, world, began, deadline):
            if isinstance(seen, Ended):
                return seen.record, steps[0]
            if isinstance(seen, Waiting):
                waited_seconds = (datetime.now(UTC) - began).total_seconds()
                self._screen.waiting(f"{waited_seconds:5.1f} s  {seen.state}: {seen.for_what}")
            else:
                steps.append(seen)
                self._say(step_line(seen))
        raise DemoError("The operation is not found any more.")

    def _verify(
        self, inspector: Inspector, before: tuple[SourceInspection, TargetInspection], record: Item
    ) -> OperationInspection:
        self._screen.waiting("inspecting both clusters, with every login")
        after = (inspector.source(), inspector.fresh_target(before[0].tables))
        outcome = inspector.outcome(record["operation_id"])
        self._results.add(assertions.after_the_night(before, after, outcome))
        return outcome

    def _go_back(
        self,
        world: LocalAwsProcess,
        aws: Aws,
        inspector: Inspector,
        before: tuple[TargetInspection, Question],
        outcome: OperationInspection,
    ) -> None:
        """Type the notification's command, watch the rollback, and inspect the target once more."""
        target, question = before
        self._heading("6. Back to yesterday, by the notification's own command")
        line, began = (
            next_steps.command_in(outcome.notices[0], ROLLBACK_REQUESTED),
            datetime.now(UTC),
        )
        deadline = TimeLimit(self._options.timeout_seconds, "The rollback", self._advice)
        with SteadyClient(inspector.application(), question) as client:
            next_steps.type_in(aws.endpoint, line)
            record, _ = self._watch(world, aws, began, deadline)
        trail = aws.trail(record["operation_id"])
        checked = check_service(Service.of(client), trail, question.fresh, question.stale)
        self._results.add([check_return(target, inspector.target()), checked])

    def _ended_badly(self, endpoint: str, record: Item) -> int:
        state = record["state"]
        where = f" at {record['failed_step']}" if record.get("failed_step") else ""
        self._say(f"  ✗ The operation {record['operation_id']} ended {state}{where}.", BAD)
        self._say(f"    Reason: {record.get('reason', 'none is given.')}")
        self._say(f"    What to do: {record.get('remedy', 'none is given.')}")
        self._offer(
            [
                *next_steps.exports(endpoint),
                next_steps.read_trail(record["operation_id"]),
                next_steps.rerun(record),
            ]
        )
        return 1

    def _close(
        self, aws: Aws, cluster: Item, outcome: OperationInspection, connection: Connection
    ) -> None:
        self._heading("5. The connection")
        writer, reader, port = cluster["Endpoint"], cluster["ReaderEndpoint"], cluster["Port"]
        self._say(f"  writer {writer}, reader {reader}, port {port}")
        answer = next_steps.try_psql(aws.endpoint, connection)
        self._say(f"  psql, as the application, answers: {answer}")
        self._heading("The notification")
        for line in next_steps.notification(outcome.notices[0]) if outcome.notices else []:
            self._say(f"  {line}")

    def _offer(self, lines: Iterable[str]) -> None:
        for line in next_steps.offered(lines, kept=self._options.keep):
            self._say(line)

    def _keep(self, world: LocalAwsProcess) -> None:
        self._say("\nThe local AWS keeps running until Ctrl-C.")
        self._screen.waiting("running")
        # Ctrl-C ends the local AWS, and changes nothing about the results.
        with contextlib.suppress(KeyboardInterrupt):
            world.wait()

    def _heading(self, text: str) -> None:
        self._screen.waiting("")
        self._say(f"\n{text}", HEADING)

    def _say(self, line: str, style: str = "") -> None:
        self._screen.say(line, style)
