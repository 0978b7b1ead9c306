"""Makes NF4 weights with double quantisation as bitsandbytes computes them on a
CPU. Run: python make_fixtures.py (bitsandbytes 0.50.2, torch 2.15.0).

Each case of nf4.safetensors: weight, codes, absmax (first level), and of the
second level nested_codes, nested_absmax, offset, dequantised absmax (scales)
and the dequantised weight. The blockwise cases are bitsandbytes' 8-bit map on
its own: values, codes, absmax."""
import os

import torch
from bitsandbytes import functional as F
from safetensors.torch import save_file

HERE = os.path.dirname(os.path.abspath(__file__))
out = {"map": F.create_dynamic_map()}


def case(name, w):
    codes, plain = F.quantize_4bit(w, quant_type="nf4")
    again, state = F.quantize_4bit(w, quant_type="nf4", compress_statistics=True)
    assert torch.equal(codes, again)
    scales = F.dequantize_blockwise(state.absmax, state.state2) + state.offset
    out[name + ".weight"] = w
    out[name + ".codes"] = codes.flatten()
    out[name + ".absmax"] = plain.absmax
    out[name + ".nested_codes"] = state.absmax
    out[name + ".nested_absmax"] = state.state2.absmax
    out[name + ".offset"] = state.offset.reshape(1)
    out[name + ".scales"] = scales.float()
    out[name + ".dequantised"] = F.dequantize_4bit(again, state)


torch.manual_seed(5)
case("normal", torch.randn(64, 70))
case("tail", torch.randn(37, 3) * 0.02)  # 111 values: one block and a tail of 47, an odd count
case("wide", torch.randn(280, 64) * (10 ** torch.linspace(-3, 1, 280))[:, None])  # 280 blocks: two of the second level
special = torch.zeros(3, 64)
special[1] = torch.linspace(-1, 1, 64)
special[2, ::2] = -3.5
case("special", special)  # a block of zeros, one on a grid, one of two values

# Every code and every midpoint between two codes, where rounding decides. The
# CPU's own kernel of bitsandbytes looks codes up on a grid of 2^-15, which is
# coarser than the map near zero; the portable kernel computes what the map says,
# as the GPU's does.
def portable(v):
    keys = torch._C.DispatchKeySet(torch._C.DispatchKey.CompositeExplicitAutograd)
    return torch.ops.bitsandbytes.quantize_blockwise.default.redispatch(keys, v, F.create_dynamic_map(), 256)


m = F.create_dynamic_map()
mid = (m[:-1] + m[1:]) / 2
v = torch.cat([m, mid, torch.nextafter(mid, torch.tensor(2.0)), torch.nextafter(mid, torch.tensor(-2.0)), torch.randn(300) * 3])
out["blockwise.values"] = v
out["blockwise.codes"], out["blockwise.absmax"] = portable(v)
for name in ("normal", "tail", "wide", "special"):  # here both kernels agree
    codes, absmax = portable(out[name + ".absmax"] - out[name + ".offset"])
    assert torch.equal(codes, out[name + ".nested_codes"]) and torch.equal(absmax, out[name + ".nested_absmax"])
save_file(out, os.path.join(HERE, "nf4.safetensors"))
