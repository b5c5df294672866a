import torch

from scclamp.encoders import Encoder, Identity


def test_identity_is_the_identity():
    x = torch.randn(2, 3, 4, generator=torch.Generator().manual_seed(0))
    assert Identity().encode(x) is x
    assert isinstance(Identity(), Encoder)
    assert Identity().affine
    assert Identity().fingerprint() == Identity().fingerprint()
