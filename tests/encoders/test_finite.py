"""States that are not numbers are refused, become NaN where gradients are wanted, and stop no transform."""

import pytest
import torch

from scclamp._errors import InputError
from scclamp.encoders._batches import in_batches
from scclamp.encoders._finite import nan_where_unknown, refuse_unknown

X = torch.tensor([[1.0, 2.0], [3.0, torch.nan], [-torch.inf, torch.inf], [0.5, 0.0]])


def encode(x):
    return in_batches(lambda part: part.square() @ torch.ones(2, 3), x, X, name="mine", n_genes=2, batch_size=2)


def test_numbers_are_counted():
    with pytest.raises(InputError, match=r"x holds 3 values that are NaN or infinite, in 2 of 4 states.*'mine'"):
        refuse_unknown(X, "mine")
    with pytest.raises(InputError, match="x holds 1 value that is NaN or infinite, in 1 of 1 states"):
        refuse_unknown(X[1:2], "mine")
    refuse_unknown(X[[0, 3]], "mine")


def test_only_a_wanted_gradient_excuses_them():
    x = X.clone().requires_grad_()
    refuse_unknown(x, "mine")
    with torch.no_grad(), pytest.raises(InputError, match="x holds 3"):
        refuse_unknown(x, "mine")
    found = encode(x)
    assert found.isnan().all(-1).tolist() == [False, True, True, False]
    (slope,) = torch.autograd.grad(found[[0, 3]].sum(), x)
    torch.testing.assert_close(slope, torch.tensor([[6.0, 12.0], [0, 0], [0, 0], [3.0, 0]]))


def test_a_function_never_reads_them():
    seen = []
    found = nan_where_unknown(lambda x: seen.append(x) or x, X)
    assert seen[0].isfinite().all()
    torch.testing.assert_close(found, torch.where(X.isfinite().all(1, keepdim=True), X, torch.nan), equal_nan=True)


@pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated:FutureWarning")
def test_transforms_go_through():
    x = X[[0, 3]]
    torch.testing.assert_close(torch.vmap(encode)(x), encode(x))
    assert torch.vmap(encode)(X).isnan().all(-1).tolist() == [False, True, True, False]
    torch.testing.assert_close(torch.func.jvp(encode, (x,), (x,))[1], 2 * encode(x))
    jacobian = torch.vmap(torch.func.jacfwd(encode))(x)
    torch.testing.assert_close(jacobian, torch.vmap(torch.func.jacrev(encode))(x))
    torch.testing.assert_close(jacobian, 2 * x[:, None, :].expand(2, 3, 2))
    with pytest.raises(InputError, match="x holds 3"):
        torch.func.jvp(encode, (X,), (X,))
