"""Makes tiny random encoders and what transformers and PEFT compute with them.
Run: python make_fixtures.py [family ...] (torch 2.15, transformers 5.23,
peft 0.21, safetensors; float32, one thread).

A folder NAME holds the model (config.json, model.safetensors: masked-LM head and
pooler, if the family has one), an adapter (lora/), tensors (expected.safetensors)
and numbers (expected.json). Sequences go through transformers as one batch,
padded and masked; what is stored is without the padding, one sequence after the
other."""
import hashlib
import json
import os
import shutil
import sys

import peft
import torch
import transformers
from safetensors.torch import load_file, save_file
from transformers import AutoConfig, AutoModel, AutoModelForMaskedLM
from transformers.models.mpnet.modeling_mpnet import MPNetEncoder

HERE = os.path.dirname(os.path.abspath(__file__))
V, C = 48, 24
LENGTHS = [7, 1, 30, 12, 5]
STEPS, BATCH, RATE, DECAY = 10, 2, 1e-3, 0.01

common = dict(vocab_size=V, hidden_size=C, intermediate_size=32, num_hidden_layers=2, num_attention_heads=4, max_position_embeddings=40)
FAMILIES = {
    "bert": (dict(common, type_vocab_size=2, pad_token_id=0), ["query", "value"], ["bert.encoder.layer.1.attention.self.query.weight", "bert.embeddings.token_type_embeddings.weight", "cls.predictions.bias"]),
    "distilbert": (dict(vocab_size=V, dim=C, hidden_dim=32, n_layers=2, n_heads=4, max_position_embeddings=40, pad_token_id=0), ["q_lin", "v_lin", "lin1"], ["distilbert.transformer.layer.0.ffn.lin2.weight", "vocab_projector.bias"]),
    "roberta": (dict(common, type_vocab_size=1, pad_token_id=1, hidden_act="gelu_new"), "all-linear", ["roberta.embeddings.position_embeddings.weight", "lm_head.layer_norm.weight"]),
    "electra": (dict(common, embedding_size=16, type_vocab_size=2, pad_token_id=0), ["query", "key", "dense"], ["electra.embeddings_project.weight", "generator_predictions.dense.weight"]),
    "mpnet": (dict(common, pad_token_id=1), ["q", "v"], ["mpnet.encoder.relative_attention_bias.weight", "mpnet.encoder.layer.0.attention.attn.k.weight"]),
    "modernbert": (dict(common, num_hidden_layers=4, intermediate_size=20, local_attention=8, pad_token_id=0, bos_token_id=1, eos_token_id=2, cls_token_id=1, sep_token_id=2), ["Wqkv", "Wo"], ["model.layers.1.attn.Wqkv.weight", "model.embeddings.norm.weight"]),
}


def sequences(types):
    g = torch.Generator().manual_seed(7)
    seqs = [torch.randint(3, V, (n,), generator=g).tolist() for n in LENGTHS]
    segs = [[int(types > 1 and i > n // 2) for i in range(n)] for n in LENGTHS]
    labels = [[int(torch.randint(3, V, (1,), generator=g)) if i % 3 == 0 else -100 for i in range(n)] for n in LENGTHS]
    return seqs, segs, labels


def padded(rows, fill):
    n = max(map(len, rows))
    return torch.tensor([r + [fill] * (n - len(r)) for r in rows])


def inputs(seqs, segs, types, pad):
    out = {"input_ids": padded(seqs, pad), "attention_mask": padded([[1] * len(s) for s in seqs], 0)}
    if types > 0:
        out["token_type_ids"] = padded(segs, 0)
    return out


def packed(x, seqs):
    return torch.cat([x[i, : len(s)] for i, s in enumerate(seqs)]).detach().contiguous().clone()


def randomise(model, name):
    torch.manual_seed(sum(map(ord, name)))
    with torch.no_grad():
        for n, p in model.named_parameters():
            gain = "norm" in n.lower() and n.endswith("weight")
            p.normal_(1.0 if gain else 0.0, 0.6 if "relative" in n else 0.25)


def losses(model, data, params):
    """Ten steps of AdamW on the masked-LM loss, without decay on vectors and biases."""
    seqs, segs, labels, types, pad = data
    decay = [p for n, p in params if p.dim() > 1 and "bias" not in n]
    rest = [p for n, p in params if not (p.dim() > 1 and "bias" not in n)]
    opt = torch.optim.AdamW([{"params": decay, "weight_decay": DECAY}, {"params": rest, "weight_decay": 0.0}], lr=RATE, eps=1e-8)
    out = {"losses": [], "grad_norms": []}
    for k in range(STEPS):
        lines = [(k * BATCH + j) % len(seqs) for j in range(BATCH)]
        pick = lambda rows: [rows[i] for i in lines]
        loss = model(**inputs(pick(seqs), pick(segs), types, pad), labels=padded(pick(labels), -100)).loss
        opt.zero_grad()
        loss.backward()
        out["losses"].append(float(loss.detach()))
        out["grad_norms"].append(float(torch.nn.utils.clip_grad_norm_([p for _, p in params], 1e9)))
        opt.step()
    return out


def make(name):
    sizes, targets, grads = FAMILIES[name]
    folder = os.path.join(HERE, name)
    shutil.rmtree(folder, ignore_errors=True)
    cfg = AutoConfig.for_model(name, **sizes)
    for drop in ("hidden_dropout_prob", "attention_probs_dropout_prob", "dropout", "attention_dropout"):
        if hasattr(cfg, drop):
            setattr(cfg, drop, 0.0)
    cfg._attn_implementation = "eager"
    base, mlm = AutoModel.from_config(cfg).eval(), AutoModelForMaskedLM.from_config(cfg).eval()
    randomise(base, name)
    randomise(mlm, name + " head")
    missing, _ = getattr(mlm, mlm.base_model_prefix).load_state_dict(base.state_dict(), strict=False)
    assert not missing, missing
    mlm.tie_weights()
    mlm.save_pretrained(folder)
    path = os.path.join(folder, "model.safetensors")
    stored = load_file(path)
    pooler = {mlm.base_model_prefix + "." + n: p for n, p in base.state_dict().items() if n.startswith("pooler.")}
    save_file(dict(stored, **pooler), path, metadata={"format": "pt"})

    types, pad = getattr(cfg, "type_vocab_size", 0), cfg.pad_token_id
    seqs, segs, labels = sequences(types)
    tensors = {}
    out = {"script": hashlib.sha256(open(__file__, "rb").read()).hexdigest(), "torch": torch.__version__, "transformers": transformers.__version__,
           "peft": peft.__version__, "seqs": seqs, "types": segs if types else None, "labels": labels, "batch": BATCH, "rate": RATE, "decay": DECAY}
    with torch.no_grad():
        r = base(**inputs(seqs, segs, types, pad), output_hidden_states=True)
        for i, h in enumerate(r.hidden_states):
            tensors["hidden.%d" % i] = packed(h, seqs)
        assert torch.equal(packed(r.last_hidden_state, seqs), tensors["hidden.%d" % i])
        if pooler:
            tensors["pooled"] = r.pooler_output.clone()
        tensors["logits"] = packed(mlm(**inputs(seqs, segs, types, pad)).logits, seqs)
        inside = seqs[0][:3] + [pad, pad] + seqs[0][3:]
        out["pad_inside"] = inside
        ids = torch.tensor([inside])
        tensors["pad_inside"] = base(input_ids=ids, attention_mask=torch.ones_like(ids)).last_hidden_state[0].clone()
    loss = mlm(**inputs(seqs, segs, types, pad), labels=padded(labels, -100)).loss
    loss.backward()
    out["loss"] = float(loss.detach())
    params = dict(mlm.named_parameters())
    out["grad_norms"] = {n: float(p.grad.norm()) for n, p in params.items()}
    for n in grads:
        tensors["grad." + n] = params[n].grad.clone()
    mlm.zero_grad()
    mlm(input_ids=ids, attention_mask=torch.ones_like(ids), labels=ids).loss.backward()
    tensors["pad_grad.embed"] = mlm.get_input_embeddings().weight.grad.clone()
    for n, p in params.items():
        if n.endswith("position_embeddings.weight"):
            tensors["pad_grad.positions"] = p.grad.clone()
    if name == "mpnet":
        d = torch.arange(-300, 301)
        out["buckets"] = MPNetEncoder.relative_position_bucket(d).tolist()

    data = (seqs, segs, labels, types, pad)
    start = {n: p.detach().clone() for n, p in params.items()}
    out["full"] = losses(mlm, data, list(mlm.named_parameters()))
    with torch.no_grad():
        for n, p in mlm.named_parameters():
            p.copy_(start[n])
    adapted = peft.get_peft_model(mlm, peft.LoraConfig(r=2, lora_alpha=4, target_modules=targets)).eval()
    torch.manual_seed(3)
    with torch.no_grad():
        for n, p in adapted.named_parameters():
            if "lora_" in n:
                p.normal_(0.0, 0.3)
    adapted.save_pretrained(os.path.join(folder, "lora"))
    os.remove(os.path.join(folder, "lora", "README.md"))
    path = os.path.join(folder, "lora", "adapter_config.json")
    config = json.load(open(path))
    config["target_modules"].sort()  # a set, in an order that changes
    with open(path, "w") as f:
        json.dump(config, f, indent=2, sort_keys=True)
    out["lora"] = losses(adapted, data, [(n, p) for n, p in adapted.named_parameters() if p.requires_grad])
    save_file(tensors, os.path.join(folder, "expected.safetensors"))
    with open(os.path.join(folder, "expected.json"), "w") as f:
        json.dump(out, f)


torch.set_num_threads(1)
for name in sys.argv[1:] or FAMILIES:
    make(name)
