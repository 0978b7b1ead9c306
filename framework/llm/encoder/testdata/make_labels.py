"""Makes label heads on the tiny encoders of this folder and what transformers
and PEFT compute with them.
Run after make_fixtures.py: python make_labels.py [family ...] (torch 2.15,
transformers 5.23, peft 0.21, safetensors; float32, one thread).

NAME/labels holds the head's weights that the model's own folder lacks
(head.safetensors), a SEQ_CLS adapter as PEFT saves it, and numbers
(expected.json): logits, losses and gradient norms of ten steps of fine-tuning,
and of ten steps of the adapter."""
import hashlib
import json
import os
import shutil
import sys

import peft
import torch
import transformers
from safetensors.torch import load_file, save_file
from transformers import AutoModelForSequenceClassification

HERE = os.path.dirname(os.path.abspath(__file__))
LABELS, BATCH, STEPS, RATE, DECAY = [0, 2, 1, 0, 1], 2, 10, 1e-3, 0.01
FAMILIES = {
    "bert": (["query", "value"], ["classifier"]),
    "distilbert": (["q_lin", "lin2"], ["pre_classifier", "classifier"]),
    "roberta": (["query", "value"], ["classifier"]),
    "electra": (["key"], ["classifier"]),
    "mpnet": (["q", "v"], ["classifier"]),
    "modernbert": (["Wqkv"], ["classifier"]),
}


def padded(rows, fill):
    n = max(map(len, rows))
    return torch.tensor([r + [fill] * (n - len(r)) for r in rows])


def inputs(cfg, seqs, segs, lines):
    pick = lambda rows: [rows[i] for i in lines]
    out = {"input_ids": padded(pick(seqs), cfg.pad_token_id), "attention_mask": padded([[1] * len(s) for s in pick(seqs)], 0)}
    if segs:
        out["token_type_ids"] = padded(pick(segs), 0)
    return out


def steps(model, cfg, seqs, segs):
    params = [(n, p) for n, p in model.named_parameters() if p.requires_grad]
    decay = [p for n, p in params if p.dim() > 1 and "bias" not in n]
    rest = [p for n, p in params if not (p.dim() > 1 and "bias" not in n)]
    opt = torch.optim.AdamW([{"params": decay, "weight_decay": DECAY}, {"params": rest, "weight_decay": 0.0}], lr=RATE, eps=1e-8)
    out = {"losses": [], "grad_norms": []}
    for k in range(STEPS):
        lines = [(k * BATCH + j) % len(seqs) for j in range(BATCH)]
        loss = model(**inputs(cfg, seqs, segs, lines), labels=torch.tensor([LABELS[i] for i in lines])).loss
        opt.zero_grad()
        loss.backward()
        out["losses"].append(float(loss.detach()))
        out["grad_norms"].append(float(torch.nn.utils.clip_grad_norm_([p for _, p in params], 1e9)))
        opt.step()
    return out


def load(folder, name):
    dropout = dict.fromkeys(["hidden_dropout_prob", "attention_probs_dropout_prob", "dropout", "attention_dropout", "seq_classif_dropout", "classifier_dropout"], 0.0)
    cfg = transformers.AutoConfig.from_pretrained(folder)
    for k, v in dropout.items():
        if hasattr(cfg, k):
            setattr(cfg, k, v)
    cfg.num_labels = 3
    if name == "modernbert":
        cfg.classifier_pooling = "mean"
    model = AutoModelForSequenceClassification.from_pretrained(folder, config=cfg, attn_implementation="eager").eval()
    # What the folder lacks, as the model names it.
    have = load_file(os.path.join(folder, "model.safetensors"))
    new = [n for n, _ in model.named_parameters() if n not in have]
    torch.manual_seed(sum(map(ord, name)) + 1)
    with torch.no_grad():
        for n, p in model.named_parameters():
            if n in new:
                p.normal_(0.0, 0.25)
    return model, model.config, new


def make(name):
    folder = os.path.join(HERE, name)
    to = os.path.join(folder, "labels")
    shutil.rmtree(to, ignore_errors=True)
    os.makedirs(to)
    x = json.load(open(os.path.join(folder, "expected.json")))
    seqs, segs = x["seqs"], x["types"]
    targets, modules = FAMILIES[name]
    model, cfg, new = load(folder, name)
    out = {"script": hashlib.sha256(open(__file__, "rb").read()).hexdigest(), "torch": torch.__version__, "transformers": transformers.__version__,
           "peft": peft.__version__, "labels": LABELS, "pooling": getattr(cfg, "classifier_pooling", "cls"), "new": new}
    save_file({n: dict(model.named_parameters())[n].detach().clone() for n in new}, os.path.join(to, "head.safetensors"))
    every = range(len(seqs))
    with torch.no_grad():
        out["logits"] = model(**inputs(cfg, seqs, segs, every)).logits.tolist()
    out["full"] = steps(model, cfg, seqs, segs)

    model, cfg, new = load(folder, name)
    adapted = peft.get_peft_model(model, peft.LoraConfig(task_type="SEQ_CLS", r=2, lora_alpha=4, target_modules=targets, modules_to_save=modules)).eval()
    torch.manual_seed(3)
    with torch.no_grad():
        for n, p in adapted.named_parameters():
            if "lora_" in n:
                p.normal_(0.0, 0.3)
    adapted.save_pretrained(to)
    os.remove(os.path.join(to, "README.md"))
    path = os.path.join(to, "adapter_config.json")
    config = json.load(open(path))
    config["base_model_name_or_path"] = None  # a path of the machine
    for field in ("target_modules", "modules_to_save"):
        config[field].sort()  # sets, in an order that changes
    with open(path, "w") as f:
        json.dump(config, f, indent=2, sort_keys=True)
    with torch.no_grad():
        out["lora_logits"] = adapted(**inputs(cfg, seqs, segs, every)).logits.tolist()
    out["lora"] = steps(adapted, cfg, seqs, segs)
    with open(os.path.join(to, "expected.json"), "w") as f:
        json.dump(out, f)


torch.set_num_threads(1)
for name in sys.argv[1:] or FAMILIES:
    make(name)
