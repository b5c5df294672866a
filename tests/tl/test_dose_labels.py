from scclamp.tl._dose_labels import names_doses


def test_doses_are_told_from_requests_with_names():
    genes = {"A", "7157"}
    assert names_doses({"A": 1, "X": 2.0}, genes)
    assert names_doses({"A": "1"}, genes)
    assert names_doses({"A": 1, "7157": None}, genes)
    assert not names_doses({"A": "7157"}, genes), "a gene whose name is a number"
    assert not names_doses({"mine": "1"}, genes)
    assert not names_doses({"A": "7157", "mine": "A"}, genes)
    assert not names_doses({}, genes)
