"""Options that several verbs take."""

from pathlib import Path
from typing import Annotated, Final

import typer

HERE: Final = Path()

StageName = Annotated[
    str, typer.Option("--stage", metavar="NAME", help="Required: a stage of .chalice/config.json.")
]
Checkout = Annotated[
    Path,
    typer.Option(
        "--checkout",
        metavar="FOLDER",
        help="The checkout that has the app, by default this folder.",
    ),
]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask before anything is changed.")]
