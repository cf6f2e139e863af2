"""Kinds of options that several commands take."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

# Off unless it is given; there is no `--no-...`.
Flag = Annotated[bool, Parameter(negative="", show_default=False)]
Verbose = Annotated[bool, Parameter(name=("--verbose", "-v"), negative="", show_default=False)]
