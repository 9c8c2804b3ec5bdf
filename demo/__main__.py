"""`python -m demo`: one night, watched and verified. Exit status 0 only when everything held."""

import argparse
import os
import signal
import sys
from pathlib import Path

import psycopg2
from botocore.exceptions import BotoCoreError, ClientError

from demo import again
from demo.aws import leave_real_aws
from demo.errors import DemoError
from demo.scenario import Story
from demo.screen import BAD, screen
from programs.arguments import Parser, port

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
SECONDS_MAX = 24 * 60 * 60
INTERRUPTED = 130  # what a shell expects of a program that Ctrl-C ended

NIGHT_SECONDS = 240  # that a night may take from its snapshot on


def main(arguments: list[str] | None = None) -> int:
    """Tell the story; returns the exit status."""
    parser = _options()
    options = parser.parse_args(arguments)
    more_time = again.with_more_time(
        options, parser.parse_args([]), by_make="MAKELEVEL" in os.environ
    )
    stop_once()
    leave_real_aws()
    stage = screen()
    try:
        return Story(stage, options, more_time).tell()
    except (DemoError, ClientError, BotoCoreError, psycopg2.Error, OSError) as error:
        stage.say(f"The demo cannot go on. {error}", BAD)
        return 1
    except KeyboardInterrupt:
        stage.say("Stopped.")
        return INTERRUPTED
    finally:
        stage.close()


def _options() -> argparse.ArgumentParser:
    parser = Parser(
        prog="python -m demo",
        description="Watch a nightly snapshot become a fresh staging cluster.",
    )
    parser.add_argument(
        "--port", type=port, default=4577, help="where localaws listens (%(default)s)"
    )
    parser.add_argument(
        "--data", type=Path, default=Path(".localaws"), help="localaws' folder (%(default)s)"
    )
    parser.add_argument(
        "--dump", type=Path, help="a dump that becomes production's data, in place of the sample"
    )
    parser.add_argument(
        "--postgres",
        type=Path,
        help="the bin folder of a PostgreSQL server, in place of the embedded",
    )
    parser.add_argument(
        "--timeout",
        type=_seconds,
        default=NIGHT_SECONDS,
        help="seconds from the night's snapshot on, then it gives up (%(default)s)",
    )
    parser.add_argument(
        "--keep", action="store_true", help="leave the world running afterwards, until Ctrl-C"
    )
    return parser


def _seconds(text: str) -> float:
    """Read a time that is more than none and ends; raises what argparse turns into a sentence."""
    seconds = float(text)
    if not 0 < seconds <= SECONDS_MAX:
        raise argparse.ArgumentTypeError(f"{text} is not between 1 and {SECONDS_MAX:,} seconds")
    return seconds


def stop_once() -> None:
    """Make of the first signal a KeyboardInterrupt, so that the world is stopped on the way out.

    No second one cuts that short: PostgreSQL servers would be left running.
    """

    def interrupt(*_signal: object) -> None:
        for number in SIGNALS:
            signal.signal(number, signal.SIG_IGN)
        raise KeyboardInterrupt

    for number in SIGNALS:
        signal.signal(number, interrupt)


if __name__ == "__main__":
    sys.exit(main())
