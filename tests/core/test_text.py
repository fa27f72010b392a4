"""The sets of invisible and blank characters are those of Unicode, and names show what they are."""

import re
import unicodedata

import pytest
import regex

from argus.core import text
from argus.core.text import BLANK, JOINERS, MISLEADING, is_formula

CHARACTERS = "".join(chr(code) for code in range(0x110000) if not 0xD800 <= code <= 0xDFFF)


def _members(content: str) -> set[str]:
    return set(re.findall(f"[{content}]", CHARACTERS))


def _with(properties: str) -> set[str]:
    """The characters with one of these properties, per the Unicode data of `regex`."""
    return set(regex.findall(rf"[{properties}]", CHARACTERS))


def _escaped(characters: set[str]) -> list[str]:
    return sorted(map(ascii, characters))


def test_a_character_is_in_one_set() -> None:
    sets = _members(MISLEADING), _members(JOINERS), _members(BLANK)
    assert len(set().union(*sets)) == sum(map(len, sets))


def test_misleading_characters_are_those_that_unicode_says_to_ignore_and_controls() -> None:
    joiners = _with(r"\p{Variation_Selector}\u200c\u200d")
    assert _escaped(_members(JOINERS) ^ joiners) == []
    ignored = _with(r"\p{Default_Ignorable_Code_Point}\p{Noncharacter_Code_Point}\p{Cc}\p{Zl}\p{Zp}\ufff9-\ufffb")
    assert _escaped(_members(MISLEADING) ^ (ignored - joiners)) == []


def test_nothing_invisible_is_enough_for_a_name() -> None:
    """Format controls are invisible, except the marks that enclose numbers."""
    invisible = _with(r"\p{White_Space}\p{Z}\p{Cc}\p{Cf}\p{Default_Ignorable_Code_Point}\p{Noncharacter_Code_Point}")
    invisible -= _with(r"\p{Prepended_Concatenation_Mark}")
    blank = {each for each in CHARACTERS if re.search(r"\bBLANK$|NULL NOTEHEAD", unicodedata.name(each, ""))}
    assert _escaped({character for character in invisible | blank if re.match(text.NAME, character)}) == []


def test_every_compatible_form_of_an_operator_starts_a_formula() -> None:
    operators = ("=", "+", "-", "@", "\N{MINUS SIGN}")
    forms = {each for each in CHARACTERS if unicodedata.normalize("NFKC", each).startswith(operators)}
    assert forms > set("=+-@\u2212\ufe62\ufe63\ufe66\ufe6b\u207a\u207b\u208a\u208b")
    skipped = _members(MISLEADING) | _members(JOINERS) | _members(BLANK)
    assert _escaped(forms ^ ({each for each in CHARACTERS if is_formula(f"{each}1+1")} - skipped)) == []


def test_an_operator_after_invisible_characters_starts_a_formula() -> None:
    skipped = _members(MISLEADING) | _members(JOINERS) | _members(BLANK)
    assert _escaped({character for character in skipped if not is_formula(f"{character}=1")}) == []
    assert is_formula("".join(skipped) + "@SUM(A1)")


@pytest.mark.parametrize("plain", ["", "a=1", "1-2", "\u00b11", "\u2013 5", "\u00e9", "\u0301", "'=1"], ids=ascii)
def test_other_text_is_not_a_formula(plain: str) -> None:
    assert not is_formula(plain)


@pytest.mark.parametrize("part", ["a", "a\u200d", " ", "\u2800", "\u200d"], ids=ascii)
@pytest.mark.parametrize("end", ["", "\u200b", "\n"], ids=ascii)
def test_a_long_name_is_checked_in_linear_time(part: str, end: str) -> None:
    """A quadratic pattern would take hours for a megabyte."""
    for pattern in (text.NAME, text.NAME_OR_EMPTY):
        assert bool(re.match(pattern, part * 500_000 + end)) is (part.startswith("a") and not end)
