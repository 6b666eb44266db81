"""Which passwords are taken: by length and by what attackers know, not by kinds of characters."""

import pytest

from riskscore.errors import UsageRefused
from riskscore.stores.access.passwords import check_password, hash_password, matches


@pytest.mark.parametrize(
    "password", ["seven grey herons at noon", "十二个灰色的鹭鸶站在水里不动", "x7!" * 2 + "plover", "a" * 20 + "bcdefghijk" * 10]
)
def test_a_long_password_of_any_characters_is_taken(password):
    assert check_password(password, "ann")


@pytest.mark.parametrize(
    ("password", "why"),
    [
        pytest.param("eleven.char", "12 to 128", id="eleven"),
        pytest.param("abcdefghij" * 13, "12 to 128", id="130"),
        pytest.param("QWERTY123456", "list of passwords", id="on the list"),
        pytest.param("ａｂｃ" * 4, "short pattern", id="pattern in full width"),
        pytest.param("1231231231234", "short pattern", id="pattern"),
        pytest.param("aaaaaaaabbbbbbbb", "short pattern", id="two letters"),
        pytest.param("Barbara likes tea", "name of the account", id="the name"),
        pytest.param("my riskscore login", "name of the account", id="the product"),
    ],
)  # fmt: skip
def test_what_attackers_try_first_is_refused_and_not_repeated(password, why):
    with pytest.raises(UsageRefused, match=why) as refused:
        check_password(password, "barbara@corp.example")
    assert password not in str(refused.value)


def test_a_password_is_the_same_in_every_way_it_can_be_typed():
    stored = hash_password(check_password("zwölf Kraniche im Nebel", "ann"))

    assert matches(stored, "zwo\u0308lf Kraniche im Nebel")
    assert not matches(stored, "zwölf Kraniche im Nebe")
    assert not matches(None, "zwölf Kraniche im Nebel")
    assert not matches("not a hash", "zwölf Kraniche im Nebel")
