"""Runs the demo in this process, and ends what it started whatever happens."""

import signal
from typing import Final

import psycopg2
from botocore.exceptions import BotoCoreError, ClientError

from demo.aws import leave_real_aws
from demo.errors import DemoError
from demo.options import DemoOptions
from demo.scenario import Demo
from demo.screen import BAD, screen

SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
INTERRUPTED: Final = 130  # what a shell expects of a program that Ctrl-C ended


def run_demo(options: DemoOptions, more_time: str) -> int:
    """Run the demo on this terminal; returns the exit status.

    `more_time` is the command that gives it more time.
    """
    stop_once()
    leave_real_aws()
    terminal = screen()
    try:
        return Demo(terminal, options, more_time).run()
    except (DemoError, ClientError, BotoCoreError, psycopg2.Error, OSError) as error:
        terminal.say(f"The demo cannot go on. {error}", BAD)
        return 1
    except KeyboardInterrupt:
        terminal.say("Stopped.")
        return INTERRUPTED
    finally:
        terminal.close()


def stop_once() -> None:
    """Turn the first signal into a KeyboardInterrupt, so that the local AWS is stopped.

    Later signals are ignored: cut short, that would leave PostgreSQL servers running.
    """

    def interrupt(*_signal: object) -> None:
        for number in SIGNALS:
            signal.signal(number, signal.SIG_IGN)
        raise KeyboardInterrupt

    for number in SIGNALS:
        signal.signal(number, interrupt)
