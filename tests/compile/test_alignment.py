from seqspec.compile.diff.alignment import align, is_aligned, moved


def test_equal_items_stay_together_when_one_is_taken_out():
    a = [{"type": "conv", "n": 1}, {"type": "conv", "n": 2}, {"type": "lstm"}]

    assert align(a, a[1:]) == [1, 2]


def test_a_changed_item_continues_the_one_of_its_type():
    assert align([{"type": "a", "n": 1}, {"type": "b"}], [{"type": "b"}, {"type": "a", "n": 2}]) == [1, 0]


def test_an_item_of_another_type_is_new():
    assert align([{"type": "a"}], [{"type": "b"}]) == [None]


def test_only_a_change_of_places_is_a_move():
    assert moved([1, 0])
    assert not moved([0, None, 1])


def test_lists_of_numbers_are_one_value():
    assert not is_aligned([1, 2])
    assert is_aligned([{"type": "a"}, {"name": "b"}])
