"""Every outcome explains itself."""

from __future__ import annotations

import torch

from scclamp.physics import Status


def test_every_status_has_its_own_advice():
    assert len({s.advice for s in Status}) == len(Status)


def test_status_fits_int8_and_compares_with_tensors():
    stored = torch.tensor([int(s) for s in Status], dtype=torch.int8)
    assert [(stored == s).sum().item() for s in Status] == [1] * len(Status)
