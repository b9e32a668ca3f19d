"""Codes of SNOMED CT that are as long as an identifier: those of the extension that the United States publish.

A code of an extension is a number, the seven digits of who publishes it, 10 for a concept and a check digit (Verhoeff 1969), as the
release file specifications of SNOMED International have it.
"""

import re
from typing import Final

UNITED_STATES: Final = "[0-9]{4,5}1000(?:119|124)10[0-9]"
"""How such a code is written: nine of its digits are the same in all of 14 and 15, those of the two publishers 1000119 and 1000124."""
_FORM: Final = re.compile(UNITED_STATES)
_TURN: Final = (1, 5, 7, 6, 2, 8, 3, 0, 9, 4)
"""What a place to the left does to a digit."""
_SIDES: Final = 5


def is_of_united_states(code: str) -> bool:
    """Is it written as a code of that extension, and does its check digit fit?"""
    return bool(_FORM.fullmatch(code)) and _checks(code)


def _checks(code: str) -> bool:
    """Do the digits, each turned by its place from the right, come to nothing as turns and flips of a pentagon?"""
    total = 0
    for place, character in enumerate(reversed(code)):
        digit = int(character)
        for _ in range(place % 8):
            digit = _TURN[digit]
        total = _then(total, digit)
    return total == 0


def _then(first: int, second: int) -> int:
    """One turn or flip of a pentagon after another: 0 to 4 are turns, 5 to 9 flips."""
    flips, turned = divmod(first, _SIDES)
    others, by = divmod(second, _SIDES)
    return (turned - by if flips else turned + by) % _SIDES + _SIDES * (flips ^ others)
