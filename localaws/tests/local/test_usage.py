"""What people see of `localaws up`: the commands on its page, its options, and how it stops."""

import re

import pytest
from localaws.sample.usage import page

from localaws import __version__, cli


def test_every_aws_command_of_the_page_names_the_endpoint() -> None:
    """Version 1 of `aws` ignores AWS_ENDPOINT_URL for rds in us-east-1, so each command has the
    option that both versions follow.
    """
    printed = page("http://127.0.0.1:4577")
    options = re.findall(r"\baws [a-z]+ [a-z-]+ (\S+ \S+)", printed)

    assert ['--endpoint-url "$AWS_ENDPOINT_URL"'] * 3 == options
    assert 3 == printed.count("aws rds ") + printed.count("aws secretsmanager ")


@pytest.mark.parametrize("given", ["0", "-3", "nan", "inf", "fast"])
def test_what_is_not_a_speed_is_refused(given: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A speed that time cannot have is refused in one sentence, before anything is made."""
    with pytest.raises(SystemExit) as end:
        cli.main(["up", f"--speed={given}"])

    said = capsys.readouterr()
    assert 2 == end.value.code
    assert ("", f"'{given}' is not a speed. Choose a number above 0, such as 60.\n") == said


def test_the_version_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    """`localaws --version` prints the name and the version."""
    with pytest.raises(SystemExit) as end:
        cli.main(["--version"])

    assert (0, f"localaws {__version__}\n") == (end.value.code, capsys.readouterr().out)
