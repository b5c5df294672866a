from scclamp.predictors import NoChange


def test_predicts_the_control(screen, means):
    assert (NoChange().fit(screen).predict([("A", "Z9"), ("B",)]) == means["control"]).all()
