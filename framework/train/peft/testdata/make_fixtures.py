"""Makes LoRA adapters with Hugging Face PEFT on the tiny models of
framework/llm/model/testdata, and what transformers computes with them.
Run: python make_fixtures.py (peft 0.21.2, transformers 5.23.0, torch 2.15.0,
float32)."""
import json
import os
import shutil

import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM

HERE = os.path.dirname(os.path.abspath(__file__))
MODELS = os.path.join(HERE, "..", "..", "..", "llm", "model", "testdata")
SEQS = [[1, 5, 9, 33, 2, 60, 7], [4], [1, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59, 3]]


def make(name, base, config):
    torch.manual_seed(sum(map(ord, name)))
    model = get_peft_model(AutoModelForCausalLM.from_pretrained(os.path.join(MODELS, base)), config)
    with torch.no_grad():
        for n, p in model.named_parameters():
            if "lora_" in n:
                p.normal_(0, 0.1)
    model.eval()
    folder = os.path.join(HERE, name)
    shutil.rmtree(folder, ignore_errors=True)
    model.peft_config["default"].base_model_name_or_path = base
    model.save_pretrained(folder)
    os.remove(os.path.join(folder, "README.md"))
    with torch.no_grad():
        logits = [model(torch.tensor([s])).logits[0] for s in SEQS]
    out = {"seqs": SEQS, "logits": [[float("%.8g" % v) for v in t.flatten().tolist()] for t in logits]}
    with open(os.path.join(folder, "expected.json"), "w") as f:
        json.dump(out, f)


make("llama-default", "llama", LoraConfig(task_type="CAUSAL_LM"))
make("llama-patterns", "llama", LoraConfig(task_type="CAUSAL_LM", r=4, lora_alpha=6, target_modules="all-linear", use_rslora=True,
     lora_dropout=0.1, rank_pattern={"q_proj": 2, r"layers\.1\.mlp\..*": 3}, alpha_pattern={"^model.layers.0.self_attn.v_proj": 9}))
make("llama-regex", "llama", LoraConfig(task_type="CAUSAL_LM", r=2, lora_alpha=4, target_modules=r".*\.1\.(self_attn|mlp)\.(o|down)_proj"))
make("gpt2", "gpt2", LoraConfig(task_type="CAUSAL_LM", r=3, lora_alpha=5, target_modules=["c_attn", "mlp.c_proj"], fan_in_fan_out=True))
