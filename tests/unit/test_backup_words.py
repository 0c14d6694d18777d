"""The passphrase on paper: a slip is found before anything is tried with it."""

from __future__ import annotations

import pytest
from hems import HemsError
from hems.backup import words


def test_a_new_passphrase_is_24_words_and_comes_back_from_paper() -> None:
    one, other = words.make(), words.make()
    assert one != other
    assert len(one.split()) == words.COUNT
    assert words.tidy(f"  {one.upper().replace(' ', '   ')}\n") == one
    paper = " ".join(words.on_paper(one))
    assert [cell for cell in paper.split() if not cell.endswith(".")] == one.split()
    assert len(words.on_paper(one)) == 6


def test_a_slip_is_found() -> None:
    one = words.make().split()
    with pytest.raises(HemsError, match="'xylophon' is none of the list's words"):
        words.tidy(" ".join(["xylophon", *one[1:]]))
    swapped = next(
        changed
        for place in range(23)
        if (changed := [*one[:place], one[place + 1], one[place], *one[place + 2 :]]) != one
    )
    try:
        words.tidy(" ".join(swapped))
    except HemsError as error:
        assert "don't belong together" in str(error)
    else:  # one in 256 fits by chance, and is another passphrase all the same
        assert " ".join(swapped) != " ".join(one)


def test_a_passphrase_of_somebodys_own_is_left_as_it_is() -> None:
    own = "Correct horse BATTERY staple"
    assert words.tidy(f"{own}\n") == own
    assert words.on_paper(own) == [own]
