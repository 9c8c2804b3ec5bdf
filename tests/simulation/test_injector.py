"""One injector, several drivers: whoever answered, the schedule replays the run."""

import pytest

from simulation.history import Said
from simulation.injector import (
    FINE,
    CallSite,
    StaleScheduleError,
    format_run,
    parse_run,
    placed,
    scripted,
    seeded,
    spaced,
)
from simulation.random_search import of_seed, seeds, shrunk
from simulation.replay import replayed
from simulation.run import Run, play
from simulation.scenarios import SCENARIOS
from simulation.stateful import lives

HERE = CallSite("COPYING", "check-copy-status", "rds.describe_db_cluster_snapshots/1")
OPTIONS = (FINE, "throttled", "crash-before")


def answers(asking: object, count: int = 6) -> list[str]:
    """Ask one question several times."""
    return [asking.choose(OPTIONS, HERE) for _ in range(count)]  # type: ignore[attr-defined]


def history(run: Run) -> list[str]:
    """Spell what happened; log lines carry the time of the machine."""
    entries = run.simulation.recorder.entries if run.simulation else []
    return [str(entry) for entry in entries if not isinstance(entry, Said)]


def test_a_schedule_answers_by_number() -> None:
    """A schedule injects nothing at questions that it does not number."""
    found = answers(scripted(((1, "throttled"), (3, "crash-before"))))

    assert [FINE, "throttled", FINE, "crash-before", FINE, FINE] == found


def test_a_schedule_of_other_code_is_refused() -> None:
    """An answer that is no option of the question means that the questions have changed since."""
    with pytest.raises(StaleScheduleError, match=r"Question 0 .* has no answer doubled"):
        answers(scripted(((0, "doubled"),)))


def test_places_answer_the_next_question_at_their_site() -> None:
    """Each fault answers the next question at its call site; the faults left over are known."""
    injector = placed([(str(HERE), "throttled"), ("elsewhere", "doubled")])

    assert ["throttled", FINE] == answers(injector, 2)
    assert [("elsewhere", "doubled")] == injector.unplaced


def test_gaps_answer_after_so_many_questions() -> None:
    """Each fault comes after a number of questions; after the last there is none."""
    found = answers(spaced([(2, 1), (0, 0)]))

    assert [FINE, FINE, "crash-before", "throttled", FINE, FINE] == found


def test_a_run_is_written_as_one_line() -> None:
    """A run is written as one line and parsed from it."""
    schedule = ((3, "lost"), (40, "raced-everything"))

    assert "night 3=lost 40=raced-everything" == format_run("night", schedule)
    assert ("night", schedule, False) == parse_run(format_run("night", schedule))
    assert ("night", schedule, True) == parse_run(format_run("night", schedule, storm=True))


def test_a_line_that_is_no_run_is_refused_in_a_sentence() -> None:
    """A malformed line is refused with a sentence that says how to write one."""
    with pytest.raises(ValueError, match="write a scene, then number=fault"):
        parse_run("night lost=3")


def test_the_schedule_of_a_seed_replays_its_run_exactly() -> None:
    """The same questions, the same answers, the same entries of the history."""
    dice = play(SCENARIOS["night"], seeded(11, 0.05), any_end=True, keep=True)
    again = play(SCENARIOS["night"], scripted(dice.schedule), any_end=True, keep=True)

    assert len(dice.schedule) > 3
    assert (dice.asked, dice.seconds) == (again.asked, again.seconds)
    assert history(dice) == history(again)


def test_a_seed_is_the_same_run_every_time() -> None:
    """Scenario, rate and faults follow from it."""
    assert of_seed(3).line == of_seed(3).line


def test_the_line_of_a_storm_replays_a_storm() -> None:
    """A run with many faults may have any end, and so may its replay."""
    run = of_seed(13)
    again = replayed(run.line)

    assert (run.seconds, run.broken, run.line) == (again.seconds, again.broken, again.line)


def test_a_line_of_a_scene_that_is_none_is_refused() -> None:
    """An unknown scenario is refused, and the known ones are listed."""
    with pytest.raises(ValueError, match="There is no scene day; there are "):
        replayed("day 3=lost")


def test_seeds_examples_and_lives_keep_every_promise() -> None:
    """A few random and shrunk runs, of those that `make prove` plays, keep every invariant."""
    tallies = [seeds(1, 20, progress=lambda _text: None), shrunk(15), lives(5)]
    broken = [broken for tally in tallies for broken in tally.broken]

    assert [] == broken
    assert 100 < sum(tally.injected for tally in tallies)
