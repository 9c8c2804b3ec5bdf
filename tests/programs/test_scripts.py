"""Scripts of the environment start from a folder whose name no kernel reads after `#!`."""

import subprocess
import sys
from pathlib import Path

from tools.set_up.scripts import mend


def test_a_script_starts_from_a_folder_with_a_blank_in_its_name(tmp_path: Path) -> None:
    """A script of pip starts from a folder with a blank, by shell and Python at once; other scripts
    are left alone.
    """
    folder = tmp_path / "it's a folder" / "bin"
    folder.mkdir(parents=True)
    python, script, other = folder / "python", folder / "tool.py", folder / "other"
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    script.write_text(f"#!{folder}/python3.11\nimport sys\nprint(sys.argv[1:])\n")
    other.write_text("#!/bin/sh\nexit 3\n")
    for file in (python, script, other):
        file.chmod(0o755)
    mend(folder)
    ran = subprocess.run([script, "a b"], capture_output=True, text=True, check=False, timeout=60)

    assert (0, "['a b']\n", "") == (ran.returncode, ran.stdout, ran.stderr)
    assert "#!/bin/sh\nexit 3\n" == other.read_text()
