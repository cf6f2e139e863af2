"""Kinds of options that several commands take."""

from __future__ import annotations

from typing import Annotated, Literal

from cyclopts import Parameter

# Off unless it is given; there is no `--no-...`.
Flag = Annotated[bool, Parameter(negative="", show_default=False)]
Verbose = Annotated[bool, Parameter(name=("--verbose", "-v"), negative="", show_default=False)]
Names = Annotated[list[str] | None, Parameter(consume_multiple=True, negative="")]
Task = Literal["binary", "multiclass", "regression"]
