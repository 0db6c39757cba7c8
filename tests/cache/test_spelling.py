"""Contractions and chat spellings written out."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from askonce.cache.guards.spelling import written_out

_typed = st.lists(
    st.sampled_from("Why didn't dont Can't won't what's Iceland's i'm IM u U.S. pls we're they'll I'd o'n'o".split())
).map(" ".join)  # fmt: skip


@pytest.mark.parametrize(
    ("typed", "out"),
    [
        ("Why didn't my bread rise?", "Why did not my bread rise?"),
        ("What's the fee? I don\u2019t know", "What is the fee? I do not know"),
        ("cant log in, pls help", "cannot log in, please help"),
        ("im not sure how u do it", "i am not sure how you do it"),
        ("They're late, we'll wait, I've left", "They are late, we will wait, I have left"),
        ("WON'T start", "Will not start"),
        ("What is Iceland's population?", "What is Iceland's population?"),
        ("I'd rather be ill in the U.S. with id 5", "I'd rather be ill in the U.S. with id 5"),
        ("Send an IM to the U. of T.", "Send an IM to the U. of T."),
        ("you cannot", "you cannot"),
        ("怎么重置密码？", "怎么重置密码？"),
    ],
)
def test_contractions_are_written_out(typed: str, out: str) -> None:
    """Each as the words it stands for; what may be two things stays."""
    assert written_out(typed) == out


@given(_typed | st.text(max_size=40))
def test_writing_out_is_done_once(text: str) -> None:
    """A second time changes nothing, and no word is lost."""
    out = written_out(text)
    assert written_out(out) == out
    assert len(out.split()) >= len(text.split())
