"""Before anything is changed, a person is asked, or the caller has said yes."""

import io

import pytest

from aurora_restore.deployment.confirmation import asking, confirmation
from aurora_restore.deployment.errors import DeploymentError
from tests.deployment.place import Place


class Terminal(io.StringIO):
    """An input that somebody types into."""

    def isatty(self) -> bool:
        """Be a terminal."""
        return True


@pytest.mark.parametrize("answer", ["y\n", "Y\n", "yes\n", " YES \n"])
def test_a_yes_on_the_terminal_continues(answer: str) -> None:
    """The question names the verb and its default; "y" and "yes" confirm in any case."""
    screen = io.StringIO()

    assert asking(Terminal(answer), screen)("Deploy")
    assert "Deploy? [y/N] " == screen.getvalue()


@pytest.mark.parametrize("answer", ["n\n", "\n", "", "yep\n"])
def test_any_other_answer_changes_nothing(answer: str) -> None:
    """Return alone and the end of the input decline, and nothing is changed."""
    with pytest.raises(DeploymentError, match=r"^Nothing was changed\.$"):
        asking(Terminal(answer), io.StringIO())("Deploy")


def test_without_a_terminal_the_sentence_names_the_option() -> None:
    """Without a terminal nothing is asked, because nobody could answer; the sentence names the
    option.
    """
    screen = io.StringIO()
    with pytest.raises(DeploymentError) as refused:
        asking(io.StringIO("y\n"), screen)("Deploy")
    expected = (
        "Nothing was changed: there is no terminal to ask on. To go on without being asked, add "
        "YES=1 to the make command (--yes)."
    )

    assert str(refused.value) == expected
    assert "" == screen.getvalue()


def test_with_yes_nobody_is_asked() -> None:
    """The option --yes stands for the answer, on a terminal too, and nothing waited for it."""
    was_asked = confirmation(yes=True)("Deploy")

    assert not was_asked


def test_a_deployment_without_a_terminal_changes_nothing(place: Place) -> None:
    """A deployment without a terminal fails with a sentence, and the account is as it was."""
    checkout = place.packaged("unconfirmed", dev={})
    before = place.everything()
    refused = place.run("deploy", "dev", checkout)

    assert 1 == refused.status
    assert "Nothing was changed: there is no terminal to ask on." in refused.err
    assert before == place.everything()
