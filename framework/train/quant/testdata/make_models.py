"""Makes model folders in NF4 as transformers saves them with bitsandbytes, of the
tiny decoders and encoders of framework/llm, and the logits of the same models with
those weights dequantised.

python make_models.py                    makes them
python make_models.py --check-saved DIR  loads what package quant saved (TUNELAB_NF4_OUT=DIR go test
                                         ./framework/train/quant) in transformers and compares codes and scales

bitsandbytes 0.50.2, transformers 5.23.0, torch 2.15.0, on a CPU, one thread."""
import json
import os
import shutil
import sys

import bitsandbytes as bnb
import torch
from bitsandbytes.backends.default.ops import _dequantize_4bit_compute
from transformers import AutoModelForCausalLM, AutoModelForMaskedLM, BitsAndBytesConfig

HERE = os.path.dirname(os.path.abspath(__file__))
LLM = os.path.join(HERE, "..", "..", "..", "llm")
SEQS = [[1, 5, 9, 33, 2, 60, 7], [4]]


def logits(model):
    with torch.no_grad():
        return torch.cat([model(torch.tensor([s]) % model.config.vocab_size).logits[0].flatten() for s in SEQS])


def load(folder, **kw):
    auto = AutoModelForMaskedLM if "bert" in os.path.basename(folder) else AutoModelForCausalLM
    model = auto.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager", **kw)
    return model if isinstance(model, tuple) else model.eval()


def scales(linear):
    q = linear.weight.quant_state
    return bnb.functional.dequantize_blockwise(q.absmax, q.state2) + q.offset if q.nested else q.absmax


def weight(linear):
    """What the codes stand for, by the portable kernel: the CPU's own is wrong where a row is
    narrower than a block (0.50.2), and its product refuses such a layer."""
    q = linear.weight.quant_state
    return _dequantize_4bit_compute(linear.weight.data.reshape(-1), scales(linear), q.code, q.blocksize, tuple(q.shape), torch.float32)


def dequantised(base, quantised):
    """The float model with the weights that the codes stand for."""
    model = load(os.path.join(LLM, base))
    modules, count = dict(model.named_modules()), 0
    for n, m in quantised.named_modules():
        if isinstance(m, bnb.nn.Linear4bit):
            w = weight(m)
            to = modules[n].weight.data
            to.copy_(w if w.shape == to.shape and isinstance(modules[n], torch.nn.Linear) else w.T)
            count += 1
    assert count > 0
    return model


def quantised(base, double):
    config = BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_use_double_quant=double, bnb_4bit_compute_dtype=torch.float32)
    return load(os.path.join(LLM, base), quantization_config=config)


def make(name, base, double):
    model = quantised(base, double)
    folder = os.path.join(HERE, name)
    shutil.rmtree(folder, ignore_errors=True)
    model.save_pretrained(folder)
    extra = os.path.join(folder, "generation_config.json")
    if os.path.exists(extra):
        os.remove(extra)
    want = logits(dequantised(base, model))
    with open(os.path.join(folder, "expected.json"), "w") as f:
        json.dump({"seqs": [[i % model.config.vocab_size for i in s] for s in SEQS], "logits": [float("%.8g" % v) for v in want.tolist()]}, f)
    print(name, sum(os.path.getsize(os.path.join(folder, f)) for f in os.listdir(folder)) // 1024, "KiB")


CASES = {"llama-nf4": ("model/testdata/llama", True), "gpt2-nf4": ("model/testdata/gpt2", False), "bert-nf4": ("encoder/testdata/bert", True)}


def portable(scales):
    """8-bit codes by the portable kernel, the GPU's; the CPU's own is coarser near zero than the map."""
    keys = torch._C.DispatchKeySet(torch._C.DispatchKey.CompositeExplicitAutograd)
    return torch.ops.bitsandbytes.quantize_blockwise.default.redispatch(keys, scales, bnb.functional.create_dynamic_map(), 256)


def check_saved(out):
    for name in os.listdir(out):
        base = CASES[name][0]
        model, info = load(os.path.join(out, name), output_loading_info=True)
        assert not any(info[k] for k in ("missing_keys", "unexpected_keys", "mismatched_keys")), info
        ours, exact = dict(model.named_modules()), quantised(base, False)
        for n, m in exact.named_modules():
            if isinstance(m, bnb.nn.Linear4bit):
                got, want = ours[n].weight, m.weight
                codes, absmax = portable(want.quant_state.absmax - got.quant_state.offset)
                assert torch.equal(got.data, want.data) and torch.equal(got.quant_state.absmax, codes) and torch.equal(got.quant_state.state2.absmax, absmax), n
        print(f"{name}: loads strictly, with bitsandbytes' codes and nested scales")


if __name__ == "__main__":
    torch.set_num_threads(1)
    if sys.argv[1:2] == ["--check-saved"]:
        check_saved(sys.argv[2])
    else:
        for name, (base, double) in CASES.items():
            make(name, base, double)
