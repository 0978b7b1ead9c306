"""Makes the tokenizers of this folder and their expected ids with Hugging Face's
tokenizers library. Run: python make_fixtures.py (tokenizers 0.23)."""
import json
import os

from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

HERE = os.path.dirname(os.path.abspath(__file__))
TEXT = [
    "The quick brown fox jumps over the lazy dog. It's 12 o'clock, isn't it?",
    "Once upon a time, there were 3 little pigs; they'll build 100 houses!",
    "naïve café, Ünïcödé, 東京は日本の首都です。 Привет, мир! مرحبا 🙂🙂",
    "def f(x):\n    return x + 1\n\n\tif x == 10:\r\n        pass\n",
    "What is the capital of France? The capital of France is Paris.",
] * 3

TEXTS = [
    "", " ", "  ", "\n", " \n ", "a", " a", "a ", "  a  b   c ", "\t\ttab", "Hello, world!", "hello world",
    "It's they'll I'M we've I'd don't 'tis '' 's", "12345 6 78.90 1,000,000 ½ Ⅷ ٣٤٥", "3 + 4 = 7",
    "naïve café", "cafe\u0301 e\u0301", "東京は日本の首都です。", "Привет, мир!", "مرحبا بالعالم", "🙂 👩‍👩‍👧 🇫🇷",
    "\u00a0nbsp\u00a0x", "\u2003em\u3000ideographic", "zero\u200bwidth\ufeff", "\x00\x01\x7f", "\u0085next\u2028line",
    "def f(x):\n    return x + 1\n\n\tif x == 10:\r\n        pass\n", "a\n\nb\n \nc", "<s>", "</s><s>", "hi <s> there</s> x",
    "<|endoftext|>", "a<|endoftext|>b <|endoftext|> c", "<|end", "<|endoftext|", "<0x41> <0x0A>", "▁a ▁▁ b", "Ġa Ċ",
    "[MASK] x[MASK]y  [MASK]  z", "wordword word", "awordb", "ﬁ Å K ﷺ", "the" * 40, "\\n \\t \"q\" `c` ~!@#$%^&*()_+",
    "a\u0300\u0301\u0302b", "𝟘𝟙 𝔸𝔹 𐐷", "ᄀᄁ 각", "x" * 70 + " " * 9 + "y",
]


def save(name, tok, config):
    folder = os.path.join(HERE, name)
    os.makedirs(folder, exist_ok=True)
    tok.save(os.path.join(folder, "tokenizer.json"), pretty=False)
    with open(os.path.join(folder, "tokenizer_config.json"), "w") as f:
        json.dump(config, f, indent=1)
    cases = []
    for text in TEXTS:
        ids = tok.encode(text, add_special_tokens=False).ids
        full = tok.encode(text, add_special_tokens=True).ids
        cases.append({"text": text, "ids": ids, "full": full, "decoded": tok.decode(full, skip_special_tokens=False),
                      "skipped": tok.decode(full, skip_special_tokens=True)})
    # Ids that no text gives: byte tokens in ill-formed order, alone and mixed.
    n = tok.get_vocab_size()
    for k in range(40):
        ids = [(k * 7919 + j * j * 104729 + j * 31) % n for j in range(k % 9 + 1)]
        if k % 2:
            ids = [(i * 13) % min(n, 262) for i in ids]
        cases.append({"ids_only": ids, "decoded": tok.decode(ids, skip_special_tokens=False), "skipped": tok.decode(ids, skip_special_tokens=True)})
    with open(os.path.join(folder, "cases.json"), "w") as f:
        json.dump(cases, f, ensure_ascii=True, indent=0)


def byte_level(prefix, digits, special):
    tok = Tokenizer(models.BPE())
    level = pre_tokenizers.ByteLevel(add_prefix_space=prefix)
    tok.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True), level]) if digits else level
    tok.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(vocab_size=420, special_tokens=special, initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()), show_progress=False)
    tok.train_from_iterator(TEXT, trainer)
    return tok


def llama2(metaspace):
    # Merges over whole texts with visible spaces, as SentencePiece learns them.
    base = Tokenizer(models.BPE())
    base.normalizer = normalizers.Replace(" ", "▁")
    base.pre_tokenizer = pre_tokenizers.Split("▁", "merged_with_next")
    base.train_from_iterator([t for t in TEXT if t.isascii() and "\n" not in t], trainers.BpeTrainer(vocab_size=160, show_progress=False))
    learned = json.loads(base.to_str())["model"]
    vocab = {"<unk>": 0, "<s>": 1, "</s>": 2}
    for b in range(256):
        vocab["<0x%02X>" % b] = len(vocab)
    merges = [tuple(m) for m in learned["merges"]]
    for t in [a + b for a, b in merges] + sorted(t for t in learned["vocab"] if len(t) == 1):
        if t not in vocab:
            vocab[t] = len(vocab)
    tok = Tokenizer(models.BPE(vocab=vocab, merges=merges, unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    if metaspace:
        tok.pre_tokenizer = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="first", split=False)
        tok.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)])
    else:
        tok.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
        tok.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)])
    tok.add_special_tokens([AddedToken(s, normalized=False) for s in ("<unk>", "<s>", "</s>")])
    tok.post_processor = processors.TemplateProcessing(single="<s> $A", pair="<s> $A <s> $B", special_tokens=[("<s>", 1)])
    return tok


gpt2 = byte_level(False, False, ["<|endoftext|>"])
gpt2.post_processor = processors.ByteLevel(trim_offsets=False)
gpt2.add_tokens([AddedToken("[MASK]", lstrip=True, rstrip=True, normalized=False), AddedToken("word", single_word=True, normalized=True)])
save("gpt2", gpt2, {"bos_token": "<|endoftext|>", "eos_token": {"content": "<|endoftext|>"}, "chat_template": "{{ messages }}"})

digits = byte_level(False, True, ["<pad>", "<s>", "</s>"])
digits.post_processor = processors.TemplateProcessing(single="<s> $A </s>", special_tokens=[("<s>", 1), ("</s>", 2)])
digits.normalizer = normalizers.NFC()
save("digits", digits, {"bos_token": "<s>", "eos_token": "</s>", "pad_token": "<pad>"})

save("prefix", byte_level(True, False, ["<|endoftext|>"]), {"eos_token": "<|endoftext|>"})
save("llama2", llama2(False), {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"})
save("metaspace", llama2(True), {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"})
