import pytest

from realmix.tasks.core.urls import hide_secrets, reveal, without_secrets


@pytest.mark.parametrize(
    ("location", "shown"),
    [
        ("https://me:s3cret@example.org:8443/a/t.csv?key=s3cret#s3cret", "https://example.org:8443/a/t.csv"),
        ("postgresql://me:p@ss@s3cret@db/shop", "postgresql://db/shop"),
        ("s3://tables/t.csv", "s3://tables/t.csv"),
        ("tables/a@b?c.csv", "tables/a@b?c.csv"),
        ("sql:SELECT '://' FROM t", "sql:SELECT '://' FROM t"),
    ],
)
def test_user_password_and_query_of_a_url_are_left_out_and_other_locations_stay(location, shown):
    assert without_secrets(location) == shown
    assert "s3cret" not in shown


def test_only_this_process_can_lead_back_from_what_is_shown():
    full = "https://me:s3cret@files.example.org/urls-test.csv?signature=1"
    assert reveal(without_secrets(full)) == without_secrets(full)
    shown = hide_secrets(full)
    assert "s3cret" not in shown and reveal(shown) == full


def test_the_latest_key_of_an_address_counts():
    shown = hide_secrets("https://files.example.org/urls-again.csv?signature=old")
    hide_secrets("https://files.example.org/urls-again.csv?signature=new")
    assert reveal(shown).endswith("signature=new")
