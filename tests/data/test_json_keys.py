"""Keys that stand twice."""

import json
import time

import pytest

from seqspec.data.json_keys import RepeatedKey, once


def test_the_first_key_that_is_repeated_is_named():
    with pytest.raises(RepeatedKey, match="'b' stands twice") as caught:
        json.loads('{"a": 1, "b": 2, "c": 3, "c": 4, "b": 5}', object_pairs_hook=once)

    assert caught.value.key == "b"
    assert json.loads('{"a": {"b": 1}, "b": 2}', object_pairs_hook=once) == {"a": {"b": 1}, "b": 2}


def test_many_keys_cost_no_square():
    begun = time.process_time()

    with pytest.raises(RepeatedKey):
        once([(str(number), 0) for number in range(200_000)] + [("199999", 1)])

    assert time.process_time() - begun < 5
