import numpy as np

from scclamp.encoders import PCA, Encoder, Identity
from scclamp.encoders._encoder import digest


def test_what_is_and_what_is_no_encoder():
    assert isinstance(Identity(), Encoder)
    assert not isinstance(np.tanh, Encoder)


def test_digest_sees_values_shapes_and_types():
    a = np.arange(6.0)
    digests = {digest("x", v) for v in (a, a.reshape(2, 3), a.astype("f4"), a + 1)} | {digest("y", a)}
    assert len(digests) == 5
    assert digest("ab", "c") != digest("a", "bc")


def test_fingerprints_tell_encoders_apart():
    V = np.eye(3)[:, :2]
    prints = {e.fingerprint() for e in (Identity(), PCA(V, np.zeros(3)), PCA(-V, np.zeros(3)), PCA(V, np.ones(3)))}
    assert len(prints) == 4
