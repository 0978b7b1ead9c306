"""Compares the speed of byte-level BPE with that of Hugging Face's tokenizers, on
one core, on the same documents, in turns:

    python bench.py [--rounds 7] [--megabytes 8]      (tokenizers 0.23.3; go on the PATH)

The text is the source of Python's standard library and its test data in many
languages; the tokenizers are trained on it. Every round begins with fresh
tokenizers. Prints the medians and the ratio, against the faster of Python's
encode_batch_fast and encode.
"""
import os

os.environ["TOKENIZERS_PARALLELISM"] = "false"
os.environ["RAYON_NUM_THREADS"] = "1"
os.environ["GOMAXPROCS"] = "1"

import argparse
import json
import random
import re
import statistics
import subprocess
import sysconfig
import tempfile
import time

from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

import make_fixtures
import texts

HERE = os.path.dirname(os.path.abspath(__file__))


def documents(size):
    root, out = sysconfig.get_paths()["stdlib"], []
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(f for f in folders if f != "site-packages")
        for name in sorted(names):
            if name.endswith((".py", ".txt")):
                try:
                    with open(os.path.join(folder, name), encoding="utf-8") as f:
                        out.append(f.read())
                except UnicodeDecodeError:
                    pass
    rng = random.Random(3)
    rng.shuffle(out)
    while sum(map(len, out)) > size and len(out) > 1:
        out.pop()
    return out + ["\n".join(texts.FIXED + texts.random_texts(rng, 2000))]


def train(docs, pre):
    tok = Tokenizer(models.BPE())
    tok.pre_tokenizer, tok.decoder = pre, decoders.ByteLevel()
    tok.train_from_iterator(docs, trainers.BpeTrainer(
        vocab_size=32000, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False))
    return tok


def python(path, docs):
    """Seconds of both ways, each with a fresh tokenizer, and the number of tokens."""
    tok = Tokenizer.from_file(path)
    start = time.perf_counter()
    batch = tok.encode_batch_fast(docs, add_special_tokens=False)
    fast = time.perf_counter() - start
    tok = Tokenizer.from_file(path)
    start = time.perf_counter()
    n = sum(len(tok.encode(d, add_special_tokens=False).ids) for d in docs)
    slow = time.perf_counter() - start
    assert n == sum(len(e.ids) for e in batch)
    return fast, slow, n


def go(binary, folder):
    out = subprocess.run([binary, "-test.run", "^$", "-test.bench", "^BenchmarkEncode$", "-test.benchtime", "1x", "-test.cpu", "1"],
                         check=True, capture_output=True, text=True, cwd=os.path.dirname(HERE), env={**os.environ, "TOKENIZER_BENCH": folder}).stdout
    ns = float(re.search(r"([0-9.]+) ns/op", out)[1])
    return ns / 1e9, int(float(re.search(r"([0-9.]+) tokens", out)[1]))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--megabytes", type=float, default=8)
    args = parser.parse_args()
    docs = documents(args.megabytes * 1e6)
    size = sum(len(d.encode()) for d in docs) / 1e6
    with tempfile.TemporaryDirectory() as work:
        binary = os.path.join(work, "tokenizer.test")
        subprocess.run(["go", "test", "-c", "-o", binary, "."], check=True, cwd=os.path.dirname(HERE))
        for name, pre in [
                ("GPT-2", pre_tokenizers.ByteLevel(add_prefix_space=False)),
                ("Llama 3", pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(make_fixtures.LLAMA3), "isolated"),
                                                     pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]))]:
            folder = os.path.join(work, name.replace(" ", ""))
            os.mkdir(folder)
            path = os.path.join(folder, "tokenizer.json")
            train(docs, pre).save(path)
            with open(os.path.join(folder, "docs.json"), "w") as f:
                json.dump(docs, f)
            rounds = []
            for _ in range(args.rounds):
                fast, slow, tokens = python(path, docs)
                ours, n = go(binary, folder)
                assert n == tokens, (n, tokens)
                rounds.append((fast, slow, ours))
            fast, slow, ours = (statistics.median(r[i] for r in rounds) for i in range(3))
            print(f"{name}: {size:.1f} MB, {len(docs)} documents, {tokens} tokens, medians of {args.rounds} rounds: "
                  f"Python encode_batch_fast {size / fast:.2f} MB/s, encode {size / slow:.2f} MB/s, Go {size / ours:.2f} MB/s, "
                  f"ratio {min(fast, slow) / ours:.1f} (rounds {min(min(f, s) / o for f, s, o in rounds):.1f} to {max(min(f, s) / o for f, s, o in rounds):.1f})")


if __name__ == "__main__":
    main()
