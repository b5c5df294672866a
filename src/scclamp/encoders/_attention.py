"""Attention that can be differentiated forwards too, which `tl.transmission` asks for and fused kernels refuse."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch.autograd import forward_ad
from torch.nn import functional as F
from torch.nn.attention import SDPBackend, sdpa_kernel

if TYPE_CHECKING:
    from torch import Tensor


def attend(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None = None) -> Tensor:
    """Scaled dot-product attention (..., heads, places, d) by the fastest kernel that knows the derivative in hand.

    Parameters
    ----------
    query, key, value
        Projected inputs.
    mask
        True where a place may be attended to, or numbers to add to the scores.

    Examples
    --------
    >>> import torch
    >>> attend(torch.ones(1, 2, 4), torch.ones(1, 3, 4), torch.ones(1, 3, 4)).shape
    torch.Size([1, 2, 4])
    """
    if all(forward_ad.unpack_dual(part).tangent is None for part in (query, key, value)):
        return F.scaled_dot_product_attention(query, key, value, attn_mask=mask)
    with sdpa_kernel(SDPBackend.MATH):
        return F.scaled_dot_product_attention(query, key, value, attn_mask=mask)
