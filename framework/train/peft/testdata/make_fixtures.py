"""Makes LoRA adapters with Hugging Face PEFT on the tiny models of
framework/llm/model/testdata, and what transformers computes with them.

python make_fixtures.py [NAME ...]    makes all, or the named ones
python make_fixtures.py --check-saved loads what package peft saves of them, and the models it
                                      merges (resave), in PEFT and transformers, and compares the logits;
                                      then what `tunelab export` writes of runs of lora and full

peft 0.21.2, transformers 5.23.0, torch 2.15.0; float32, one thread."""
import importlib.util
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from tokenizers import Tokenizer, models as algorithms
from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification, PreTrainedTokenizerFast

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


def load(folder, cls):
    model, info = cls.from_pretrained(folder, attn_implementation="eager", output_loading_info=True)
    assert not any(info[k] for k in ("missing_keys", "unexpected_keys", "mismatched_keys")), info
    return model.eval()


def check_saved():
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
                model = load(adapter + "-merged", AutoModelForCausalLM)
                worst = max(float((a.flatten() - torch.tensor(b)).abs().max()) for a, b in zip(logits(model, want["seqs"]), want["logits"]))
                text += f", merged {worst:.2g}"
                assert worst < 1e-4
            print(text)


def models_keys(folder):
    from safetensors import safe_open
    with safe_open(os.path.join(folder, "adapter_model.safetensors"), "pt") as f:
        return list(f.keys())


# Parameters of the lora plugin, as tunelab takes them, and what adapter_config.json then says.
OPTIONS = {
    "use_dora=true use_rslora=true": dict(use_dora=True, use_rslora=True),
    "bias=all": dict(bias="all"),
    "bias=lora_only use_dora=true target_modules=all-linear": dict(bias="lora_only", use_dora=True),
    "modules_to_save=lm_head": dict(modules_to_save=["lm_head"]),
    "rank_pattern=1.*=3 alpha_pattern=1.*=7 init_lora_weights=gaussian": dict(rank_pattern={"1.*": 3}, alpha_pattern={"1.*": 7}),
}
NO_CLASS = ("granite", "opt-350m")  # transformers has none, or one that computes something else


def check_exports():
    """Runs on tiny models with a tokenizer of 64 characters: what the export holds answers as the run does."""
    root = os.path.abspath(os.path.join(HERE, "..", "..", "..", ".."))
    with tempfile.TemporaryDirectory() as out:
        program = os.path.join(out, "tunelab")
        for binary, package in {"tunelab": "framework/cmd/tunelab", "plugins/tunelab-plugin-lora": "plugins/lora", "plugins/tunelab-plugin-full": "plugins/full"}.items():
            subprocess.run([os.environ.get("GO", "go"), "build", "-o", os.path.join(out, binary), "./" + package], check=True, cwd=root)

        def tunelab(*args):
            done = subprocess.run([program, *args, "--dir", os.path.join(out, "state"), "--json"], capture_output=True, text=True)
            assert done.returncode == 0, done.stderr
            return [json.loads(line) for line in done.stdout.splitlines()] if args[0] == "score" or "--answers" in args else json.loads(done.stdout)

        def run(method, folder, options=""):
            args = [x for o in ["max_steps=4", "learning_rate=0.05", *options.split()] for x in ("-p", o)]
            return tunelab("run", method, "-m", folder, "-t", task, *args)["id"]

        def export(run, *args):
            to = os.path.join(out, run + "".join(args))
            return to, tunelab("export", run, "--to", to, *args)

        rng = random.Random(1)
        chars = [chr(c) for c in range(ord("!"), ord("!") + 61)]
        texts = ["".join(rng.choices(chars, k=rng.randrange(3, 20))) for _ in range(40)]
        for name, part in {"train": texts[:32], "test": texts[32:]}.items():
            with open(os.path.join(out, name + ".jsonl"), "w") as f:
                f.writelines(json.dumps({"text": t, "label": int(t[-1] < "@")}) + "\n" for t in part)
        probe = os.path.join(out, "probe.jsonl")
        with open(probe, "w") as f:
            json.dump({"text": texts[32]}, f)
        task = os.path.join(out, "task.yaml")
        with open(task, "w") as f:
            f.write('{name: last, kind: classification, prompt: "{text}", delimiter: "", label: label, labels: [A, B], data: {train: train.jsonl, test: test.jsonl}}')
        tok = PreTrainedTokenizerFast(tokenizer_object=Tokenizer(algorithms.BPE(vocab={c: i for i, c in enumerate(["<pad>", "<s>", "</s>"] + chars)}, merges=[])),
                                      pad_token="<pad>", bos_token="<s>", eos_token="</s>")

        def base(name):
            folder = os.path.join(out, "models", name)
            shutil.copytree(os.path.join(MODELS, name), folder)
            tok.save_pretrained(folder)
            return folder

        def answers(run):
            return torch.tensor([a["output"]["scores"] for a in tunelab("runs", "show", run, "--answers")])

        def labels(model, folder):
            """Logits of the test texts, one by one, and that a padded batch gives the same."""
            with torch.no_grad():
                got = torch.cat([model(torch.tensor([tok(t)["input_ids"]])).logits for t in texts[32:]])
                batch = PreTrainedTokenizerFast.from_pretrained(folder)(texts[32:], return_tensors="pt", padding=True)
                assert (model(batch["input_ids"], attention_mask=batch["attention_mask"]).logits - got).abs().max() < 1e-4
            return got

        def logprobs(model):
            ids = [1] + tok(texts[32])["input_ids"]  # as a run scores a text: after the start token
            with torch.no_grad():
                return model(torch.tensor([ids])).logits[0].log_softmax(-1)[range(len(ids) - 1), ids[1:]]

        def compare(text, got, want):
            worst = float((got - want).abs().max())
            print(f"{text:90} {worst:.2g}", flush=True)
            assert worst < 1e-4 and want.std() > 1e-3

        folders = {n: base(n) for n in sorted(os.listdir(MODELS)) if os.path.exists(os.path.join(MODELS, n, "config.json"))}
        for name, folder in folders.items():
            whole, tuned = run("full", folder), run("lora", folder, "use_dora=true bias=lora_only")
            to, said = export(whole)
            if name in NO_CLASS:
                assert "not part of the model" in said["notes"][0] and os.path.exists(os.path.join(to, "score.safetensors"))
                load(to, AutoModelForCausalLM)
                to, said = export(tuned)
                assert "not part of the adapter" in said["notes"][0] and os.path.exists(os.path.join(to, "score.safetensors"))
                continue
            model = load(to, AutoModelForSequenceClassification)
            assert model.config.id2label == {0: "A", 1: "B"} and model.config.num_labels == 2 and model.config.pad_token_id == 0
            compare(f"{name}: full, labels", labels(model, to), answers(whole))
            to, _ = export(tuned)
            with open(os.path.join(to, "adapter_config.json")) as f:
                config = json.load(f)
            assert config["base_model_name_or_path"] == folder and config["task_type"] == "SEQ_CLS", config
            model = AutoModelForSequenceClassification.from_pretrained(config["base_model_name_or_path"], num_labels=2, pad_token_id=0, dtype=torch.float32, attn_implementation="eager")
            compare(f"{name}: lora, labels", labels(PeftModel.from_pretrained(model, to).eval(), folder), answers(tuned))
            to, _ = export(tuned, "--merge")
            compare(f"{name}: lora merged, labels", labels(load(to, AutoModelForSequenceClassification), to), answers(tuned))
        for name in ("llama-bias", "gpt2"):
            for options, fields in OPTIONS.items():
                tuned = run("lora", folders[name], "objective=completion " + options)
                want = torch.tensor(tunelab("score", "--run", tuned, "--text", probe)[0]["logprobs"])
                to, _ = export(tuned)
                merged, _ = export(tuned, "--merge")
                with open(os.path.join(to, "adapter_config.json")) as f:
                    config = json.load(f)
                assert all(config[k] == v for k, v in fields.items()), config
                plain = AutoModelForCausalLM.from_pretrained(folders[name], dtype=torch.float32, attn_implementation="eager").eval()
                assert (logprobs(plain) - want).abs().max() > 0.1
                compare(f"{name}: {options}", logprobs(PeftModel.from_pretrained(plain, to).eval()), want)
                compare(f"{name}: {options} merged", logprobs(load(merged, AutoModelForCausalLM)), want)


if __name__ == "__main__":
    torch.set_num_threads(1)
    if sys.argv[1:] == ["--check-saved"]:
        check_saved()
        check_exports()
        sys.exit()
    for fixture in sys.argv[1:] or FIXTURES:
        make(fixture, **FIXTURES[fixture])
        print(fixture, sum(os.path.getsize(os.path.join(HERE, fixture, f)) for f in os.listdir(os.path.join(HERE, fixture))) // 1024, "KiB", flush=True)
