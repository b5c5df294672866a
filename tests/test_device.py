import pytest
import torch

from scclamp._device import read_device
from scclamp._errors import InputError
from scclamp._settings import settings


def test_what_is_here_is_returned_and_none_is_the_setting():
    assert read_device("cpu") == "cpu"
    with settings.override(device="cpu"):
        assert read_device(None) == "cpu"


# torch 2.15 may ask the driver, which warns where there is none.
@pytest.mark.filterwarnings("ignore:CUDA initialization")
@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device here")
def test_what_is_missing_is_named_with_advice():
    with pytest.raises(
        InputError, match=r"device='cuda' cannot be used: .*\. Pass device='cpu', or one that is here\."
    ):
        read_device("cuda")
    with settings.override(device="cuda:1"), pytest.raises(InputError, match="device='cuda:1' cannot be used"):
        read_device(None)


@pytest.mark.parametrize(("device", "advice"), [("gpu", "write 'cuda'"), ("nonsense", "Pass device='cpu'")])
def test_words_that_are_no_device(device, advice):
    with pytest.raises(InputError, match=f"device='{device}' cannot be used: .*{advice}"):
        read_device(device)
