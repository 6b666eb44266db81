"""Names of people: how one is recorded, and whether two of them are one person's. Whatever needs two people asks here."""

import unicodedata


def recorded_name(name: str) -> str:
    """The name as it is recorded: no blank around it and one between its parts. Empty where there is no name.

    >>> recorded_name("  Ann   Lee ")
    'Ann Lee'
    """
    return " ".join(name.split())


def is_same_person(one: str, other: str) -> bool:
    """Are the two names one person's, however they are written?

    Blanks, capitals, wide letters, ligatures and unseen signs make no second person. Two names of one person, or a letter of
    another script that looks alike, do: only accounts of the company's sign-on tell those apart.

    >>> is_same_person("Ann Lee", " ann  LEE")
    True
    >>> is_same_person("Ann Lee", "Anna Lee")
    False
    """
    return _bare(one) == _bare(other)


def _bare(name: str) -> str:
    plain = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())  # folding can undo the form
    return recorded_name("".join(sign for sign in plain if unicodedata.category(sign) != "Cf"))  # Cf: signs nobody sees
