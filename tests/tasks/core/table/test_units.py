"""What may be shown beside a number is a unit, never a name."""

from __future__ import annotations

import pytest

from realmix.tasks.core.table.units import is_unit


@pytest.mark.parametrize(
    "unit",
    ["kg", "%", "€", "CHF", "US$", "Rs.", "km/h", "kg/m²", "°C", "kWh", "mg/dl", "hours", "Minuten", "m2"],
)
def test_currencies_symbols_and_words_for_units_are_units(unit):
    assert is_unit(unit)


@pytest.mark.parametrize("name", ["Smith", "Anna", "Lee", "O'Neil", "van Dyck", "B", "Main St"])
def test_names_and_codes_are_no_units(name):
    assert not is_unit(name)
