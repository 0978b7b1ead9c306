"""Makes the reference of the methods in this folder that Hugging Face PEFT has:
an adapter on a tiny model of framework/llm/model/testdata, the logits with it,
and the losses of ten steps of torch's AdamW from there.
Run: python make_fixtures.py [METHOD...] (peft 0.21.2, transformers 5.23.0,
torch 2.15.0, float32)."""
import json
import os
import shutil
import sys

import torch
from peft import IA3Config, LoraConfig, PrefixTuningConfig, PromptTuningConfig, VeraConfig, get_peft_model
from transformers import AutoModelForCausalLM

HERE = os.path.dirname(os.path.abspath(__file__))
MODELS = os.path.join(HERE, "..", "..", "framework", "llm", "model", "testdata")
SEQS = [[1, 5, 9, 33, 2, 60, 7], [4], [1, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59, 3]]
TASK = dict(task_type="CAUSAL_LM")
CASES = {
    "ia3": {"llama": IA3Config(**TASK), "gpt2": IA3Config(**TASK)},
    "dora": {"llama": LoraConfig(r=3, lora_alpha=5, use_dora=True, target_modules=["q_proj", "v_proj", "down_proj"], **TASK),
             "gpt2": LoraConfig(r=3, lora_alpha=5, use_dora=True, use_rslora=True, **TASK)},
    "prompt-tuning": {"llama": PromptTuningConfig(num_virtual_tokens=5, **TASK), "gpt2": PromptTuningConfig(num_virtual_tokens=3, **TASK)},
    "prefix-tuning": {"llama": PrefixTuningConfig(num_virtual_tokens=4, **TASK), "gpt2": PrefixTuningConfig(num_virtual_tokens=3, **TASK)},
    "vera": {"llama": VeraConfig(r=6, target_modules=["q_proj", "v_proj", "down_proj"], **TASK), "gpt2": VeraConfig(r=6, **TASK)},
}


def logits(model, ids):
    return model(torch.tensor([ids])).logits[0, -len(ids):]  # without those of virtual tokens


def make(method, base, config):
    torch.manual_seed(sum(map(ord, method + base)))
    model = get_peft_model(AutoModelForCausalLM.from_pretrained(os.path.join(MODELS, base)), config)
    model.eval()
    trained = [p for p in model.parameters() if p.requires_grad]
    with torch.no_grad():
        for p in trained:
            p += 0.2 * torch.randn_like(p)
    folder = os.path.join(HERE, method, "testdata", base)
    shutil.rmtree(folder, ignore_errors=True)
    model.peft_config["default"].base_model_name_or_path = base
    model.save_pretrained(folder)
    os.remove(os.path.join(folder, "README.md"))
    with torch.no_grad():
        out = {"seqs": SEQS, "logits": [[float("%.8g" % v) for v in logits(model, s).flatten().tolist()] for s in SEQS], "lr": 0.01, "losses": []}
    opt = torch.optim.AdamW(trained, lr=out["lr"], weight_decay=0.0)
    for _ in range(10):
        total, n = 0, 0
        for s in SEQS:
            if len(s) > 1:
                total = total + torch.nn.functional.cross_entropy(logits(model, s)[:-1], torch.tensor(s[1:]), reduction="sum")
                n += len(s) - 1
        opt.zero_grad()
        (total / n).backward()
        opt.step()
        out["losses"].append(float(total / n))
    with open(os.path.join(folder, "expected.json"), "w") as f:
        json.dump(out, f)


for method in sys.argv[1:] or CASES:
    for base, config in CASES[method].items():
        make(method, base, config)
