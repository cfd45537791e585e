"""Rows that are linked by what they share, against a walk from row to row."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from concours.kernels.rows.linked import linked


def walked(*keys):
    """The same by going from each row to all that share a key with it, until nobody new is found."""
    rows, found = len(keys[0]), {}
    for start in range(rows):
        if start in found:
            continue
        number, waiting = len(set(found.values())), [start]
        while waiting:
            row = waiting.pop()
            found[row] = number
            mine = {key[row] for key in keys}
            waiting += [other for other in range(rows) if other not in found and mine & {key[other] for key in keys}]
    return [found[row] for row in range(rows)]


@settings(max_examples=80)
@given(st.lists(st.tuples(st.integers(0, 12), st.integers(0, 12)), min_size=1, max_size=14))
def test_components_are_those_of_a_walk(pairs):
    """Rows are together if one can be reached from the other; components are numbered as they first come."""
    keys = [np.array(side) for side in zip(*pairs, strict=True)]
    assert linked(*keys).tolist() == walked(*keys)
