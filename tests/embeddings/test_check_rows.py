"""What an embedder returned, held against the contract row by row."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from askonce import EmbedderError
from askonce.embeddings.service import check_rows

DIM = 8


@given(st.lists(st.floats(width=64), min_size=DIM, max_size=DIM))
def test_only_unit_rows_pass(row: list[float]) -> None:
    """A row passes exactly when its length is 1 to 1e-3, and what passes has length 1, owned and read-only."""
    (checked,) = check_rows([row], 1, DIM)
    with np.errstate(all="ignore"):
        length = float(np.linalg.norm(np.asarray(row, dtype=np.float32).astype(np.float64)))
    if isinstance(checked, EmbedderError):
        assert not abs(length - 1) <= 1e-3 - 1e-9
    else:
        assert abs(length - 1) <= 1e-3 + 1e-9
        assert float(np.linalg.norm(checked)) == pytest.approx(1, abs=1e-6)
        assert not checked.flags.writeable


@given(st.lists(st.floats(-1, 1), min_size=DIM, max_size=DIM).filter(lambda row: math.hypot(*row) > 0.01))
def test_unit_rows_pass(row: list[float]) -> None:
    """Any direction scaled to length 1, in float32 or float64, passes and comes out the same."""
    unit = np.asarray(row) / math.hypot(*row)
    for raw in (unit, unit.astype(np.float32), unit.tolist()):
        (checked,) = check_rows([raw], 1, DIM)
        assert not isinstance(checked, EmbedderError)
        assert checked == pytest.approx(unit, abs=1e-6)
