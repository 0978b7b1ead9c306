"""Makes tiny random models of every family and what transformers and PEFT compute with them.

python make_fixtures.py [NAME ...]    makes all, or the named ones; --out DIR: there and not here, for tests
                                      with TUNELAB_MODELS=DIR
python make_fixtures.py --check-saved loads what package model saves of them (testdata/resave)
                                      in transformers, strictly, and compares the logits

transformers 5.23.0, torch 2.15.0, peft 0.21.2; float32, one thread. versions.json has the hash of this script."""
import copy
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile

import peft
import torch
import transformers as tf
from peft import LoraConfig, get_peft_model

HERE = os.path.dirname(os.path.abspath(__file__))
OUT = HERE
SEQS = [[1, 5, 9, 33, 2, 60, 7], [4], [1, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59, 3]]
PROMPTS = [[1], [7, 8, 9, 10, 11], [63, 1, 2], [20, 30, 40, 50, 60, 5, 15, 25, 35, 45]]
# Longer than the windows, and with the padding token (0) inside.
LONG = [[1, 5, 0, 33, 2, 60, 7, 7, 9], [4], [1, 50, 51, 0, 53, 54, 55, 5, 57, 58, 59, 3, 12, 13, 61, 15, 16, 17, 18, 19]]
# Lines of training, two a step, of different lengths: the batches are padded.
LINES = [LONG[2], [9, 8, 7], [3, 1, 4, 1, 5, 9, 2, 6, 5, 3], [60, 0, 61, 0, 62, 63, 1], [30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42]]
STEPS, BATCH, RATE, LORA_RATE, DECAY, CLIP = 10, 2, 1e-3, 1e-2, 0.1, 1.0


def floats(t, digits="%.7g"):
    return [float(digits % v) for v in t.flatten().tolist()]


def fill(name, model, std, dtype=torch.float32):
    """Random weights, large enough for logits far from uniform, that dtype holds exactly."""
    torch.manual_seed(sum(map(ord, name)))
    with torch.no_grad():
        for n, p in model.named_parameters():
            norm = ("norm" in n or ".ln_" in n) and n.endswith("weight")
            plus_one = "gemma" in name
            p.normal_(1.0 if norm and not plus_one else 0.0, 0.2 if norm else std)
            p.copy_(p.to(dtype).float())
    model.eval()


def measure(model, seqs):
    out = {"seqs": seqs, "logits": [], "hidden": [], "prompts": PROMPTS, "greedy": []}
    with torch.no_grad():
        for s in seqs:
            out["logits"].append(floats(model(torch.tensor([s])).logits[0]))
        r = model(torch.tensor([seqs[0]]), output_hidden_states=True)
        out["hidden"] = [floats(h[0]) for h in r.hidden_states]
        for p in PROMPTS:
            ids = list(p)
            for _ in range(16):
                best = model(torch.tensor([ids])).logits[0, -1].topk(2)
                assert best.values[0] - best.values[1] > 1e-4, "two tokens are as good as equal: change the seed"
                ids.append(int(best.indices[0]))
            out["greedy"].append(ids[len(p):])
    # The summed next-token loss of all sequences and each weight's gradient norm.
    loss = 0
    for s in seqs:
        if len(s) > 1:
            logits = model(torch.tensor([s])).logits[0, :-1]
            loss = loss + torch.nn.functional.cross_entropy(logits, torch.tensor(s[1:]), reduction="sum")
    loss.backward()
    out["loss"] = float(loss.detach())
    out["grad_norms"] = {n: float(p.grad.norm()) for n, p in model.named_parameters()}
    model.zero_grad()
    return out


def train(model, rate):
    """AdamW on padded batches; no decay of biases and norms, as in transformers' Trainer."""
    params = [p for p in model.parameters() if p.requires_grad]
    groups = [{"params": [p for p in params if p.ndim > 1], "weight_decay": DECAY}, {"params": [p for p in params if p.ndim == 1], "weight_decay": 0.0}]
    opt = torch.optim.AdamW([g for g in groups if g["params"]], lr=rate, betas=(0.9, 0.999), eps=1e-8)
    losses, norms = [], []
    for k in range(STEPS):
        lines = [LINES[(k * BATCH + i) % len(LINES)] for i in range(BATCH)]
        width = max(map(len, lines))
        ids = torch.tensor([s + [0] * (width - len(s)) for s in lines])
        mask = torch.tensor([[1] * len(s) + [0] * (width - len(s)) for s in lines])
        loss = model(input_ids=ids, attention_mask=mask, labels=ids.masked_fill(mask == 0, -100)).loss
        opt.zero_grad()
        loss.backward()
        norms.append(float(torch.nn.utils.clip_grad_norm_(params, CLIP)))
        opt.step()
        losses.append(float(loss.detach()))
    return {"rate": rate, "losses": losses, "grad_norms": norms}


def training(folder, name, make, lora):
    """Ten losses of full training and ten of LoRA, each from the stored weights."""
    out = {"lines": LINES, "batch": BATCH, "decay": DECAY, "clip": CLIP, "full": train(make(), RATE)}
    torch.manual_seed(7 + sum(map(ord, name)))
    model = get_peft_model(make(), lora)
    with torch.no_grad():
        for n, p in model.named_parameters():
            if "lora_" in n:
                p.normal_(0, 0.1)
    model.eval()
    model.peft_config["default"].base_model_name_or_path = name
    model.save_pretrained(os.path.join(folder, "lora"))
    os.remove(os.path.join(folder, "lora", "README.md"))
    with torch.no_grad():
        out["lora_logits"] = floats(model(torch.tensor([LONG[0]])).logits[0])
    out["lora"] = train(model, LORA_RATE)
    write(folder, "training.json", out)


def write(folder, name, data):
    with open(os.path.join(folder, name), "w") as f:
        json.dump(data, f)


def load(folder, strict=True):
    model, info = tf.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager", output_loading_info=True)
    assert not any(info[k] for k in ("missing_keys", "unexpected_keys", "mismatched_keys")), info
    return model.eval()


def older(config):
    """config.json as transformers 4 wrote it: rope_theta and rope_scaling, torch_dtype, no layer_types."""
    c = {k: v for k, v in config.items() if k not in ("rope_parameters", "layer_types", "dtype", "transformers_version")}
    c["torch_dtype"] = config["dtype"]
    rope = config.get("rope_parameters") or {}
    local = rope.get("sliding_attention")
    if local:
        assert local["rope_type"] == "default"
        c["rope_local_base_freq"], rope = local["rope_theta"], rope["full_attention"]
        c["sliding_window_pattern"] = 3
    names = ("rotary_emb_base", "rotary_pct") if c["model_type"] == "gpt_neox" else ("rope_theta", "partial_rotary_factor")
    for old, new in zip(names, ("rope_theta", "partial_rotary_factor")):
        if new in rope:
            c[old] = rope[new]
    if rope:
        scaling = {k: v for k, v in rope.items() if k not in ("rope_theta", "partial_rotary_factor")}
        c["rope_scaling"] = None if scaling["rope_type"] == "default" else scaling
    again = type(tf.AutoConfig.for_model(c["model_type"]))(**c).to_dict()
    for k, v in config.items():
        if k not in ("architectures", "dtype", "transformers_version"):
            assert again[k] == v, (c["model_type"], k, v, again[k])
    return c


def first(name, model, shard=None):
    """The three models that other packages' fixtures build on, in float32."""
    fill(name, model, 0.2)
    folder = os.path.join(OUT, name)
    shutil.rmtree(folder, ignore_errors=True)
    model.save_pretrained(folder, **({"max_shard_size": shard} if shard else {}))
    write(folder, "expected.json", measure(model, SEQS))
    finish(folder, name, LoraConfig(task_type="CAUSAL_LM", r=2, lora_alpha=3, target_modules="all-linear", fan_in_fan_out=name == "gpt2"))


def tiny(name, config, dtype=torch.float16, targets="all-linear", seed=""):
    config._attn_implementation = "eager"
    model = tf.AutoModelForCausalLM.from_config(config)
    fill(name + seed, model, 0.35, dtype)
    folder = os.path.join(OUT, name)
    shutil.rmtree(folder, ignore_errors=True)
    copy.deepcopy(model).to(dtype).save_pretrained(folder)  # a copy, for dtype also rounds the rotary frequencies
    write(folder, "expected.json", measure(model, LONG))
    finish(folder, name, LoraConfig(task_type="CAUSAL_LM", r=2, lora_alpha=3, target_modules=targets))


def finish(folder, name, lora):
    extra = os.path.join(folder, "generation_config.json")
    if os.path.exists(extra):
        os.remove(extra)
    training(folder, name, lambda: load(folder), lora)
    with open(os.path.join(folder, "config.json")) as f:
        write(folder, "config-4.json", older(json.load(f)))


ids = dict(vocab_size=64, bos_token_id=1, eos_token_id=2, pad_token_id=0)
common = dict(ids, hidden_size=32, intermediate_size=40, num_hidden_layers=2, num_attention_heads=4, max_position_embeddings=48)
small = dict(ids, hidden_size=16, intermediate_size=24, num_hidden_layers=2, num_attention_heads=4, max_position_embeddings=40)
grouped = dict(small, num_key_value_heads=2)


def rope(theta=10000.0, **scaling):
    return dict({"rope_type": "default"}, **scaling, rope_theta=theta)


FIXTURES = {
    "llama": lambda n: first(n, tf.LlamaForCausalLM(tf.LlamaConfig(**common, num_key_value_heads=2, tie_word_embeddings=False, rms_norm_eps=1e-5))),
    "llama-bias": lambda n: first(n, tf.LlamaForCausalLM(tf.LlamaConfig(**common, num_key_value_heads=1, head_dim=12, tie_word_embeddings=True,
        attention_bias=True, mlp_bias=True, rope_parameters={"rope_type": "default", "rope_theta": 300.0})), shard="40KB"),
    "gpt2": lambda n: first(n, tf.GPT2LMHeadModel(tf.GPT2Config(vocab_size=64, n_embd=32, n_layer=2, n_head=4, n_positions=48, bos_token_id=1, eos_token_id=2,
        resid_pdrop=0.0, embd_pdrop=0.0, attn_pdrop=0.0))),
    "llama-llama3": lambda n: tiny(n, tf.LlamaConfig(**dict(grouped, hidden_size=32), rope_parameters=rope(100.0, rope_type="llama3", factor=4.0, low_freq_factor=1.0,
        high_freq_factor=4.0, original_max_position_embeddings=16))),
    "llama-linear": lambda n: tiny(n, tf.LlamaConfig(**grouped, rope_parameters=rope(rope_type="linear", factor=2.5)), torch.bfloat16),
    "llama-yarn": lambda n: tiny(n, tf.LlamaConfig(**dict(grouped, hidden_size=32), rope_parameters=rope(100.0, rope_type="yarn", factor=4.0,
        original_max_position_embeddings=10, beta_fast=2.0, beta_slow=0.5))),
    "qwen2": lambda n: tiny(n, tf.Qwen2Config(**grouped, tie_word_embeddings=True, use_sliding_window=True, sliding_window=6, max_window_layers=1), torch.bfloat16),
    "mistral": lambda n: tiny(n, tf.MistralConfig(**grouped, head_dim=6, sliding_window=6)),
    "gemma2": lambda n: tiny(n, tf.Gemma2Config(**grouped, head_dim=6, query_pre_attn_scalar=10, sliding_window=6, attn_logit_softcapping=3.0, final_logit_softcapping=5.0)),
    "gemma3": lambda n: tiny(n, tf.Gemma3TextConfig(**dict(grouped, num_hidden_layers=3), head_dim=6, query_pre_attn_scalar=10, sliding_window=6, sliding_window_pattern=3,
        rope_parameters={"sliding_attention": rope(50.0), "full_attention": rope(1000.0, rope_type="linear", factor=4.0)})),
    "qwen3": lambda n: tiny(n, tf.Qwen3Config(**grouped, head_dim=6)),
    "gpt-neox": lambda n: tiny(n, tf.GPTNeoXConfig(**small, rope_parameters={"rope_type": "default", "rope_theta": 100.0, "partial_rotary_factor": 0.5})),
    "gpt-neox-sequential": lambda n: tiny(n, tf.GPTNeoXConfig(**small, use_parallel_residual=False, attention_bias=False, tie_word_embeddings=True,
        rope_parameters={"rope_type": "linear", "factor": 2.0, "rope_theta": 100.0, "partial_rotary_factor": 1.0}), targets=["query_key_value"]),
    "phi": lambda n: tiny(n, tf.PhiConfig(**grouped, rope_parameters={"rope_type": "default", "rope_theta": 100.0, "partial_rotary_factor": 0.5})),
    "phi-qk": lambda n: tiny(n, tf.PhiConfig(**grouped, qk_layernorm=True, tie_word_embeddings=True, hidden_act="gelu"), targets=["q_proj", "v_proj", "fc1", "fc2"]),
    "opt": lambda n: tiny(n, tf.OPTConfig(**ids, hidden_size=16, ffn_dim=24, num_hidden_layers=2, num_attention_heads=4, max_position_embeddings=40, dropout=0.0)),
    "opt-350m": lambda n: tiny(n, tf.OPTConfig(**ids, hidden_size=16, ffn_dim=24, num_hidden_layers=2, num_attention_heads=4, max_position_embeddings=40, dropout=0.0,
        word_embed_proj_dim=12, do_layer_norm_before=False)),
    "smollm3": lambda n: tiny(n, tf.SmolLM3Config(**grouped, no_rope_layer_interval=2, use_sliding_window=True, sliding_window=6)),
    "olmo2": lambda n: tiny(n, tf.Olmo2Config(**grouped)),
    "granite": lambda n: tiny(n, tf.GraniteConfig(**grouped, embedding_multiplier=3.0, residual_multiplier=0.7, attention_multiplier=0.4, logits_scaling=0.5)),
}


def check_saved():
    with tempfile.TemporaryDirectory() as out:
        subprocess.run(["go", "run", os.path.join(HERE, "resave"), HERE, out], check=True, cwd=HERE)
        for name in FIXTURES:
            with open(os.path.join(HERE, name, "expected.json")) as f:
                x = json.load(f)
            model, worst = load(os.path.join(out, name)), 0.0
            before, after = (tf.AutoConfig.from_pretrained(os.path.join(d, name)).to_dict() for d in (HERE, out))
            skip = ("dtype", "_name_or_path", "transformers_version", "use_cache", "max_window_layers", "layer_types", "no_rope_layer_interval", "dropout")
            changed = {k: (before[k], after.get(k)) for k in before if k not in skip and not k.endswith("dropout") and not k.endswith("pdrop") and before[k] != after.get(k)}
            with torch.no_grad():
                for s, want in zip(x["seqs"], x["logits"]):
                    got = model(torch.tensor([s])).logits[0].flatten()
                    worst = max(worst, float((got - torch.tensor(want)).abs().max()))
            print(f"{name:20} loads strictly, logits differ by at most {worst:.2g}; config {changed or 'equal'}")
            assert worst < 1e-4


if __name__ == "__main__":
    torch.set_num_threads(1)
    if sys.argv[1:] == ["--check-saved"]:
        check_saved()
        sys.exit()
    names = sys.argv[1:]
    if "--out" in names:
        at = names.index("--out")
        OUT = os.path.abspath(names[at + 1])
        os.makedirs(OUT, exist_ok=True)
        del names[at:at + 2]
    for fixture in names or FIXTURES:
        FIXTURES[fixture](fixture)
        print(fixture, sum(os.path.getsize(os.path.join(d, f)) for d, _, fs in os.walk(os.path.join(OUT, fixture)) for f in fs) // 1024, "KiB", flush=True)
    if not names:
        with open(__file__, "rb") as f:
            digest = hashlib.sha256(f.read()).hexdigest()
        with open(os.path.join(OUT, "versions.json"), "w") as f:
            json.dump({"script_sha256": digest, "transformers": tf.__version__, "torch": torch.__version__, "peft": peft.__version__}, f, indent=2)
