"""Makes tiny random models and what transformers computes with them.
Run: python make_fixtures.py (transformers 5.23, torch 2.15, float32)."""
import json
import os

import torch
from transformers import GPT2Config, GPT2LMHeadModel, LlamaConfig, LlamaForCausalLM

HERE = os.path.dirname(os.path.abspath(__file__))
SEQS = [[1, 5, 9, 33, 2, 60, 7], [4], [1, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59, 3]]
PROMPTS = [[1], [7, 8, 9, 10, 11], [63, 1, 2], [20, 30, 40, 50, 60, 5, 15, 25, 35, 45]]


def floats(t):
    return [float("%.7g" % v) for v in t.flatten().tolist()]


def save(name, model, shard=None):
    torch.manual_seed(sum(map(ord, name)))
    with torch.no_grad():
        for n, p in model.named_parameters():
            norm = "norm" in n or ".ln_" in n
            p.normal_(1.0 if norm and n.endswith("weight") else 0.0, 0.2)
    model.eval()
    folder = os.path.join(HERE, name)
    model.save_pretrained(folder, **({"max_shard_size": shard} if shard else {}))
    out = {"seqs": SEQS, "logits": [], "hidden": [], "prompts": PROMPTS, "greedy": []}
    with torch.no_grad():
        for s in SEQS:
            r = model(torch.tensor([s]), output_hidden_states=True)
            out["logits"].append(floats(r.logits[0]))
        r = model(torch.tensor([SEQS[0]]), output_hidden_states=True)
        out["hidden"] = [floats(h[0]) for h in r.hidden_states]
        for p in PROMPTS:
            ids = list(p)
            for _ in range(16):
                ids.append(int(model(torch.tensor([ids])).logits[0, -1].argmax()))
            out["greedy"].append(ids[len(p):])
    # The summed next-token loss of all sequences and each weight's gradient norm.
    loss = 0
    for s in SEQS:
        if len(s) > 1:
            logits = model(torch.tensor([s])).logits[0, :-1]
            loss = loss + torch.nn.functional.cross_entropy(logits, torch.tensor(s[1:]), reduction="sum")
    loss.backward()
    out["loss"] = float(loss)
    out["grad_norms"] = {n: float(p.grad.norm()) for n, p in model.named_parameters()}
    with open(os.path.join(folder, "expected.json"), "w") as f:
        json.dump(out, f)
    extra = os.path.join(folder, "generation_config.json")
    if os.path.exists(extra):
        os.remove(extra)


common = dict(vocab_size=64, hidden_size=32, intermediate_size=40, num_hidden_layers=2, num_attention_heads=4,
              max_position_embeddings=48, bos_token_id=1, eos_token_id=2, pad_token_id=0)
save("llama", LlamaForCausalLM(LlamaConfig(**common, num_key_value_heads=2, tie_word_embeddings=False, rms_norm_eps=1e-5)))
save("llama-bias", LlamaForCausalLM(LlamaConfig(**common, num_key_value_heads=1, head_dim=12, tie_word_embeddings=True, attention_bias=True,
     mlp_bias=True, rope_parameters={"rope_type": "default", "rope_theta": 300.0})), shard="40KB")
save("gpt2", GPT2LMHeadModel(GPT2Config(vocab_size=64, n_embd=32, n_layer=2, n_head=4, n_positions=48, bos_token_id=1, eos_token_id=2,
     resid_pdrop=0.0, embd_pdrop=0.0, attn_pdrop=0.0)))
