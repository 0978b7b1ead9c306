"""Makes LoRA adapters with Hugging Face PEFT on the tiny models of
framework/llm/model/testdata, and what transformers computes with them.

python make_fixtures.py [NAME ...]    makes all, or the named ones
python make_fixtures.py --check-saved loads what package peft saves of them, and the models it
                                      merges (resave), in PEFT and transformers, and compares the logits

peft 0.21.2, transformers 5.23.0, torch 2.15.0; float32, one thread."""
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tempfile

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification

HERE = os.path.dirname(os.path.abspath(__file__))
MODELS = os.path.join(HERE, "..", "..", "..", "llm", "model", "testdata")
SEQS = [[1, 5, 9, 33, 2, 60, 7], [4], [1, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59, 3]]
LABELS = 3

# The same ten steps of training as the models' own fixtures.
spec = importlib.util.spec_from_file_location("models", os.path.join(MODELS, "make_fixtures.py"))
models = importlib.util.module_from_spec(spec)
spec.loader.exec_module(models)


def base_model(folder, config):
    if config.get("task_type") == "SEQ_CLS":
        return AutoModelForSequenceClassification.from_pretrained(folder, num_labels=LABELS, attn_implementation="eager")
    return AutoModelForCausalLM.from_pretrained(folder, attn_implementation="eager")


def logits(model, seqs):
    with torch.no_grad():
        return [model(torch.tensor([s])).logits[0] for s in seqs]


def make(name, base, seqs=SEQS, train=False, **config):
    torch.manual_seed(sum(map(ord, name)))
    model = get_peft_model(base_model(os.path.join(MODELS, base), config), LoraConfig(**dict({"task_type": "CAUSAL_LM"}, **config)))
    with torch.no_grad():
        for n, p in model.named_parameters():
            if "magnitude" in n:
                p.mul_(1 + 0.2 * torch.randn_like(p))
            elif "lora_" in n:
                p.normal_(0, 0.1)
            elif p.requires_grad:  # a bias, or a module that is saved whole
                p.add_(0.1 * torch.randn_like(p))
    model.eval()
    folder = os.path.join(HERE, name)
    shutil.rmtree(folder, ignore_errors=True)
    model.peft_config["default"].base_model_name_or_path = base
    model.save_pretrained(folder)
    os.remove(os.path.join(folder, "README.md"))
    out = {"base": base, "seqs": seqs, "logits": [[float("%.8g" % v) for v in t.flatten().tolist()] for t in logits(model, seqs)]}
    if train:
        out["training"] = dict(models.train(model, models.LORA_RATE), lines=models.LINES, batch=models.BATCH, decay=models.DECAY, clip=models.CLIP)
    with open(os.path.join(folder, "expected.json"), "w") as f:
        json.dump(out, f)


FEW = SEQS[:2]
FIXTURES = {
    "llama-default": dict(base="llama"),
    "llama-patterns": dict(base="llama", r=4, lora_alpha=6, target_modules="all-linear", use_rslora=True, lora_dropout=0.1,
                           rank_pattern={"q_proj": 2, r"layers\.1\.mlp\..*": 3}, alpha_pattern={"^model.layers.0.self_attn.v_proj": 9}),
    "llama-regex": dict(base="llama", r=2, lora_alpha=4, target_modules=r".*\.1\.(self_attn|mlp)\.(o|down)_proj"),
    "gpt2": dict(base="gpt2", r=3, lora_alpha=5, target_modules=["c_attn", "mlp.c_proj"], fan_in_fan_out=True),
    "llama-dora": dict(base="llama", seqs=FEW, train=True, r=2, lora_alpha=3, target_modules="all-linear", use_dora=True, use_rslora=True),
    "gpt2-dora": dict(base="gpt2", seqs=FEW, train=True, r=2, lora_alpha=3, target_modules=["c_attn", "mlp.c_proj"], fan_in_fan_out=True, use_dora=True, bias="lora_only"),
    "llama-saved": dict(base="llama", seqs=FEW, train=True, r=2, modules_to_save=["embed_tokens", "lm_head", "norm"]),
    # GPT-2's output layer is tied to its embedding: PEFT parts them, whichever is saved.
    "gpt2-saved-embedding": dict(base="gpt2", seqs=FEW, train=True, r=2, target_modules=["c_attn"], fan_in_fan_out=True, modules_to_save=["wte", "ln_f"]),
    "gpt2-saved-head": dict(base="gpt2", seqs=FEW, train=True, r=2, target_modules=["c_attn"], fan_in_fan_out=True, modules_to_save=["lm_head", "1.attn.c_proj"]),
    "llama-saved-both": dict(base="llama-bias", seqs=FEW, r=2, target_modules=["q_proj"], modules_to_save=["lm_head", "embed_tokens"]),
    "llama-bias-lora": dict(base="llama-bias", seqs=FEW, train=True, r=2, target_modules=["q_proj", "mlp.down_proj"], bias="lora_only"),
    "gpt2-bias-lora": dict(base="gpt2", seqs=FEW, train=True, r=2, target_modules=["c_attn"], fan_in_fan_out=True, bias="lora_only"),
    "gpt2-bias-all": dict(base="gpt2", seqs=FEW, train=True, r=2, target_modules=["c_attn"], fan_in_fan_out=True, bias="all"),
    "llama-layers": dict(base="llama", seqs=FEW, r=2, target_modules=["q_proj", "v_proj", "up_proj", "model.layers.0.self_attn.k_proj"], layers_to_transform=1,
                         layers_pattern="layers", exclude_modules=["up_proj"], init_lora_weights="orthogonal"),
    "llama-head": dict(base="llama", seqs=FEW, r=2, target_modules=["q_proj", "lm_head"]),  # PEFT saves the layer below the adapter too
    "llama-score": dict(base="llama", seqs=FEW, r=2, task_type="SEQ_CLS"),  # and a classifier's head
}


def check_saved():
    def load(folder, config):
        cls = AutoModelForSequenceClassification if config.get("task_type") == "SEQ_CLS" else AutoModelForCausalLM
        model, info = cls.from_pretrained(folder, attn_implementation="eager", output_loading_info=True)
        assert not any(info[k] for k in ("missing_keys", "unexpected_keys", "mismatched_keys")), info
        return model.eval()

    with tempfile.TemporaryDirectory() as out:
        subprocess.run(["go", "run", os.path.join(HERE, "resave"), MODELS, HERE, out], check=True, cwd=HERE)
        for name, x in FIXTURES.items():
            with open(os.path.join(HERE, name, "expected.json")) as f:
                want = json.load(f)
            adapter = os.path.join(out, name)
            model = PeftModel.from_pretrained(base_model(os.path.join(MODELS, x["base"]), x), adapter).eval()
            worst = max(float((a.flatten() - torch.tensor(b)).abs().max()) for a, b in zip(logits(model, want["seqs"]), want["logits"]))
            # What PEFT makes of the folder has the same keys, up to the layer below an adapted output layer.
            again = os.path.join(out, "again")
            model.save_pretrained(again)
            sets = [set(models_keys(d)) for d in (adapter, again, os.path.join(HERE, name))]
            extra = {k for k in sets[2] if k.endswith("lm_head.base_layer.weight")}
            assert sets[1] == sets[2] == sets[0] | extra, [s ^ sets[2] for s in sets]
            text = f"{name:22} adapter {worst:.2g}"
            assert worst < 1e-4
            if os.path.exists(adapter + "-merged"):
                model = load(adapter + "-merged", x)
                worst = max(float((a.flatten() - torch.tensor(b)).abs().max()) for a, b in zip(logits(model, want["seqs"]), want["logits"]))
                text += f", merged {worst:.2g}"
                assert worst < 1e-4
            print(text)


def models_keys(folder):
    from safetensors import safe_open
    with safe_open(os.path.join(folder, "adapter_model.safetensors"), "pt") as f:
        return list(f.keys())


if __name__ == "__main__":
    torch.set_num_threads(1)
    if sys.argv[1:] == ["--check-saved"]:
        check_saved()
        sys.exit()
    for fixture in sys.argv[1:] or FIXTURES:
        make(fixture, **FIXTURES[fixture])
        print(fixture, sum(os.path.getsize(os.path.join(HERE, fixture, f)) for f in os.listdir(os.path.join(HERE, fixture))) // 1024, "KiB", flush=True)
