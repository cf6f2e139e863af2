"""Commands that maintain a home: what they print, and how they end."""

from __future__ import annotations

import pytest

from realmix.flows.terminal import maintain_commands, table_commands
from tests.flows.terminal.conftest import card

pytestmark = pytest.mark.usefixtures("restored_environment")


def test_uploading_says_how_many_studies_were(place, capsys):
    maintain_commands.sync()
    assert capsys.readouterr().out.startswith("0 ")


def test_the_doctor_ends_with_one_where_something_is_wrong_and_names_it(place, capsys):
    maintain_commands.doctor()
    assert "BAD" not in capsys.readouterr().out
    table_commands.register(card(place, "{landing: incoming}"))
    capsys.readouterr()
    with pytest.raises(SystemExit) as ended:
        maintain_commands.doctor()
    assert ended.value.code == 1
    (line,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith("BAD")]
    assert "calls" in line and str(place / "incoming") in line
