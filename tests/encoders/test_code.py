import importlib.util
import sys

import pytest
import torch

from scclamp._errors import InputError
from scclamp.encoders import Identity, as_encoder
from scclamp.encoders import _code as code
from scclamp.encoders._code import code_version

LENS = """
import torch
class Net(torch.nn.Module):
    def forward(self, x):
        return torch.tanh({factor} * x)
"""


class Owner:
    def __init__(self):
        self.net = torch.nn.Linear(2, 2)

    def encode(self, x):
        return self.net(x)


@pytest.fixture
def net(tmp_path):
    """Classes from a file that can be written again."""
    path = tmp_path / "lens_of_test_code.py"

    def load(factor):
        path.write_text(LENS.format(factor=factor))
        spec = importlib.util.spec_from_file_location(path.stem, path)
        module = sys.modules[path.stem] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module.Net()

    yield load
    sys.modules.pop(path.stem, None)


def test_changed_code_is_another_version(net):
    versions = [code_version(as_encoder(net(factor))) for factor in (1, 1, 2)]
    assert versions[0] == versions[1] != versions[2]


def test_parts_of_a_module_count(net):
    first = code_version(as_encoder(torch.nn.Sequential(torch.nn.Linear(2, 2), net(1))))
    assert first != code_version(as_encoder(torch.nn.Sequential(torch.nn.Linear(2, 2), net(2))))
    assert first != code_version(as_encoder(torch.nn.Linear(2, 2)))


def test_torch_and_the_lenses_of_the_package_count(monkeypatch, tmp_path):
    first = code_version(Identity())
    monkeypatch.setattr(code.torch, "__version__", "0.0")
    second = code_version(Identity())
    (tmp_path / "_lens.py").write_text("")
    monkeypatch.setattr(code, "_OWN", tmp_path)
    assert len({first, second, code_version(Identity())}) == 3


def test_code_that_cannot_be_told_is_refused():
    with pytest.raises(InputError, match=r"encoder='sin'.*plain function"):
        code_version(as_encoder(torch.sin))
    with pytest.raises(InputError, match=r"encoder='encode'.*plain function"):
        code_version(as_encoder(Owner().encode))
    assert code_version(as_encoder(Owner().net.forward)) == code_version(as_encoder(Owner().net))
    space = {"torch": torch, "__name__": "nowhere"}
    exec("class Net(torch.nn.Module):\n    pass", space)
    with pytest.raises(InputError, match=r"'Net' is in no file"):
        code_version(as_encoder(space["Net"]()))
