"""The PyTorch side of the benchmark: transformers and PEFT on the shapes of
../configs, random weights, the same steps as `tunelab bench`. Reads one request
as JSON from its argument, prints one JSON object.

  {"train": {"config": "tiny", "method": "lora", "batch": 8, "seq": 128, "steps": 5, "precision": "f32", "threads": 2}}
  {"generate": {"config": "gpt2", "streams": 1, "prompt": 32, "new_tokens": 32, "rounds": 3, "precision": "f32", "threads": 2}}
  {"gemm": {"shapes": [[1024, 3072, 768, 0, 1]], "seconds": 0.5, "threads": 2}}

bf16 is autocast of float32 weights in training, and bf16 weights in generation.
"""

import gc
import importlib.metadata
import json
import os
import pathlib
import statistics
import sys
import tempfile
import time

request = json.loads(sys.argv[1])
(kind, o), = request.items()
os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = str(o["threads"])

import torch
import transformers

torch.set_num_threads(o["threads"])
torch.manual_seed(1)
transformers.utils.logging.set_verbosity_error()
transformers.utils.logging.disable_progress_bar()


def config(name):
    raw = json.loads((pathlib.Path(__file__).parent.parent / "configs" / f"{name}.json").read_text())
    return transformers.AutoConfig.for_model(raw.pop("model_type"), **raw)


def status(key):
    for line in open("/proc/self/status"):
        if line.startswith(key):
            return int(line.split()[1]) << 10
    return 0


def reset_peak():
    """As in bench: the peak begins anew after the model has been made."""
    gc.collect()
    try:
        pathlib.Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        pass


def quantised(model, cfg, dtype):
    """The model in NF4 with double quantisation; bitsandbytes quantises what it reads from a folder."""
    with tempfile.TemporaryDirectory() as folder:
        model.save_pretrained(folder)
        q = transformers.BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_use_double_quant=True, bnb_4bit_compute_dtype=dtype)
        return type(model).from_pretrained(folder, config=cfg, quantization_config=q, dtype=torch.float32)


def train():
    cfg = config(o["config"])
    encoder = o["config"] == "distilbert"
    if encoder:
        model = transformers.AutoModelForSequenceClassification.from_config(cfg)
    else:
        model = transformers.AutoModelForCausalLM.from_config(cfg)
    rate = 1e-4
    bf16 = o["precision"] == "bf16"
    if o["method"] == "qlora":
        model = quantised(model, cfg, torch.bfloat16 if bf16 else torch.float32)
    if o["method"] != "full":
        import peft
        model = peft.get_peft_model(model, peft.LoraConfig(r=8, lora_alpha=16, target_modules="all-linear", task_type="SEQ_CLS" if encoder else "CAUSAL_LM"))
        rate = 1e-3
    model.train()
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=rate, weight_decay=0.0)
    ids = torch.randint(0, cfg.vocab_size, (o["batch"], o["seq"]))
    labels = torch.randint(0, 2, (o["batch"],)) if encoder else ids
    losses, times, cpu = [], [], []
    setup = status("VmHWM")
    reset_peak()
    for _ in range(o["steps"]):
        start, used = time.perf_counter(), time.process_time()
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=bf16):
            loss = model(input_ids=ids, labels=labels).loss
        loss.backward()
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        losses.append(loss.item())
        times.append(1e3 * (time.perf_counter() - start))
        cpu.append(1e3 * (time.process_time() - used))
    steady = statistics.median(times[min(1, len(times) - 1):])
    return {"tokens_per_second": o["batch"] * o["seq"] / steady * 1e3, "step_ms_median": steady, "step_ms": times,
            "step_cpu_ms_median": statistics.median(cpu[min(1, len(cpu) - 1):]), "losses": losses,
            "peak_memory_bytes": status("VmHWM"), "setup_peak_memory_bytes": setup}


def generate():
    cfg = config(o["config"])
    model = transformers.AutoModelForCausalLM.from_config(cfg)
    if o["precision"] == "nf4":
        model = quantised(model, cfg, torch.float32)
    elif o["precision"] == "bf16":
        model = model.to(torch.bfloat16)
    model.eval()
    prompts = torch.randint(0, cfg.vocab_size, (o["streams"], o["prompt"]))
    setup = status("VmHWM")
    reset_peak()

    def run(n):
        start = time.perf_counter()
        with torch.inference_mode():
            out = model.generate(prompts, attention_mask=torch.ones_like(prompts), do_sample=False, min_new_tokens=n, max_new_tokens=n, pad_token_id=0, eos_token_id=None)
        assert out.shape[1] == o["prompt"] + n
        return time.perf_counter() - start

    run(2)
    whole, prefill = [], []
    for _ in range(o["rounds"]):
        prefill.append(run(1))
        whole.append(run(o["new_tokens"]))
    return {"tokens_per_second": o["streams"] * o["new_tokens"] / statistics.median(whole),
            "prefill_tokens_per_second": o["streams"] * o["prompt"] / statistics.median(prefill),
            "peak_memory_bytes": status("VmHWM"), "setup_peak_memory_bytes": setup}


def fastest(call, seconds):
    call()
    best, end = float("inf"), time.perf_counter() + seconds
    while time.perf_counter() < end or best == float("inf"):
        start = time.perf_counter()
        call()
        best = min(best, time.perf_counter() - start)
    return best


def gemm():
    """GFLOP/s of the fastest call for each shape [M, N, K, ta, tb]: OpenBLAS by
    NumPy, oneDNN by a layer of packed weights (where the weight is [N, K])."""
    import numpy
    out = []
    for m, n, k, ta, tb in o["shapes"]:
        flops, row = 2e-9 * m * n * k, {}
        a = numpy.random.rand(*((k, m) if ta else (m, k))).astype(numpy.float32)
        b = numpy.random.rand(*((n, k) if tb else (k, n))).astype(numpy.float32)
        x, w = a.T if ta else a, b.T if tb else b
        c = numpy.empty((m, n), numpy.float32)
        row["openblas_f32"] = flops / fastest(lambda: numpy.matmul(x, w, out=c), o["seconds"])
        tx, tw = torch.from_numpy(numpy.ascontiguousarray(x)), torch.from_numpy(numpy.ascontiguousarray(w.T))
        with torch.inference_mode():
            row["torch_f32"] = flops / fastest(lambda: torch.mm(torch.from_numpy(x), torch.from_numpy(w)), o["seconds"])
            for name, dtype in (("f32", torch.float32), ("bf16", torch.bfloat16)):
                mx = tx.to(dtype)
                packed = torch.ops.mkldnn._reorder_linear_weight(tw.to(dtype), m)
                row["onednn_" + name] = flops / fastest(lambda: torch.ops.mkldnn._linear_pointwise(mx, packed, None, "none", [], ""), o["seconds"])
        out.append(row)
    return {"gemm": out}


result = {"train": train, "generate": generate, "gemm": gemm}[kind]()
result["versions"] = {name: importlib.metadata.version(name) for name in ("torch", "transformers", "peft", "bitsandbytes", "numpy")}
print(json.dumps(result))
