import numpy as np
import pytest
import torch

from scclamp._errors import InputError, InputWarning
from scclamp.encoders import as_encoder, look_through, look_twice

MEANS = np.random.default_rng(0).gamma(1.0, size=(4, 5))


def test_what_an_affine_lens_is_asked(recwarn):
    look_through(as_encoder(lambda x: x[..., :1], affine=True), MEANS, stacklevel=1)
    assert not recwarn.list
    for function in (lambda x: x.detach(), lambda x: x + torch.rand(())):
        with torch.random.fork_rng(), pytest.warns(InputWarning, match="fails 1 checks") as caught:
            look_through(as_encoder(function, affine=True), MEANS, stacklevel=1)
        assert caught[0].filename == __file__


def test_the_same_answer_twice_may_hold_nan(recwarn):
    x = torch.as_tensor(MEANS)
    look_twice(as_encoder(lambda x: torch.log(x - 1)), x, stacklevel=1)
    assert not recwarn.list
    noisy = as_encoder(lambda x: x + torch.rand_like(x), name="noisy")
    with torch.random.fork_rng(), pytest.warns(InputWarning, match="reconstruct='noisy' answers differently") as caught:
        look_twice(noisy, x, argument="reconstruct", stacklevel=1)
    assert caught[0].filename == __file__
    with pytest.raises(InputError, match="reconstruct='f' returned tuple"):
        look_twice(as_encoder(lambda x: (x,), name="f"), x, argument="reconstruct", stacklevel=1)
