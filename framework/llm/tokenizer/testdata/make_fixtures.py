"""Makes the tokenizers of this folder and what Hugging Face's tokenizers gives
with them (tokenizers 0.23.3).

    python make_fixtures.py              texts.json, components.json, */tokenizer.json, */cases.json
    python make_fixtures.py --more DIR   the same with other random texts into DIR, for
                                         TOKENIZER_PARITY=DIR go test -run Parity ..

A case is a row of CRC-32 sums (of a component the lower half), so that a few
hundred texts stay small; ids of the first texts are written out as well.
"""
import base64
import json
import os
import random
import struct
import sys
import zlib

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

import texts

HERE = os.path.dirname(os.path.abspath(__file__))
OUT = HERE
SHOWN = 40
D, M, N, P, R = decoders, models, normalizers, pre_tokenizers, processors

LLAMA3 = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
QWEN2 = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
QWEN35 = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
O200K = (r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|"
         r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|"
         r"\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+")
TEKKEN = O200K.replace("(?i:'s|'t|'re|'ve|'m|'ll|'d)?", "").replace("{1,3}", "")
TIKTOKEN = r"'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"


def crc(s):
    return "%08x" % zlib.crc32(s.encode())


def numbers(ids):
    return ",".join(map(str, ids))


def case(tok, text, other):
    single, full = tok.encode(text, add_special_tokens=False), tok.encode(text)
    pair, bare = tok.encode(text, other), tok.encode(text, other, add_special_tokens=False)
    return "".join(map(crc, [
        numbers(single.ids), numbers(full.ids), numbers(full.type_ids), numbers(pair.ids), numbers(pair.type_ids),
        numbers(bare.ids), numbers(bare.type_ids), tok.decode(full.ids, skip_special_tokens=False), tok.decode(full.ids)]))


def id_lists(n):
    """Ids that no text gives: byte tokens in ill-formed order, alone and mixed."""
    for k in range(60):
        ids = [(k * 7919 + j * j * 104729 + j * 31) % n for j in range(k % 9 + 1)]
        yield [(i * 13) % min(n, 262) for i in ids] if k % 2 else ids


def save(name, tok, config=None, texts_=None):
    folder = os.path.join(OUT, name)
    os.makedirs(folder, exist_ok=True)
    tok.save(os.path.join(folder, "tokenizer.json"), pretty=False)
    with open(os.path.join(folder, "tokenizer_config.json"), "w") as f:
        json.dump(config or {}, f, indent=1)
    tok.no_truncation()
    tok.no_padding()
    texts_ = texts_ or TEXTS
    cases = {
        "ids": [tok.encode(t, add_special_tokens=False).ids for t in texts_[:SHOWN]],
        "sums": [case(tok, t, texts_[(i + 1) % len(texts_)]) for i, t in enumerate(texts_)],
        "lists": [crc(tok.decode(ids, skip_special_tokens=False)) + crc(tok.decode(ids)) for ids in id_lists(tok.get_vocab_size())],
        "tokens": crc("\n".join(tok.id_to_token(i) or "" for i in range(tok.get_vocab_size()))),
    }
    with open(os.path.join(folder, "cases.json"), "w") as f:
        f.write('{"ids":[\n' + ",\n".join(json.dumps(i, separators=(",", ":")) for i in cases["ids"]))
        for key in ("sums", "lists"):
            f.write('\n],"%s":[\n' % key + ",\n".join('"%s"' % s for s in cases[key]))
        f.write('\n],"tokens":"%s"}\n' % cases["tokens"])


def template(single, pair, tok, names):
    return R.TemplateProcessing(single=single, pair=pair, special_tokens=[(s, tok.token_to_id(s)) for s in names])


def specials(tok, *names):
    tok.add_special_tokens([AddedToken(s, normalized=False, special=True) if isinstance(s, str) else s for s in names])


def byte_level(pre, special, normalizer=None, size=420, **options):
    tok = Tokenizer(M.BPE(**options))
    tok.pre_tokenizer = pre
    if normalizer:
        tok.normalizer = normalizer
    tok.decoder = D.ByteLevel()
    tok.train_from_iterator(texts.TRAIN, trainers.BpeTrainer(
        vocab_size=size, special_tokens=special, initial_alphabet=sorted(P.ByteLevel.alphabet()), show_progress=False))
    return tok


def gpt2():
    tok = byte_level(P.ByteLevel(add_prefix_space=False), ["<|endoftext|>"])
    tok.post_processor = R.ByteLevel(trim_offsets=False)
    tok.add_tokens([AddedToken("[MASK]", lstrip=True, rstrip=True, normalized=False), AddedToken("word", single_word=True, normalized=True)])
    save("gpt2", tok, {"bos_token": "<|endoftext|>", "eos_token": {"content": "<|endoftext|>"}, "chat_template": "{{ messages }}"})


def digits():
    pre = P.Sequence([P.Digits(individual_digits=True), P.ByteLevel(add_prefix_space=False)])
    tok = byte_level(pre, ["<pad>", "<s>", "</s>"], N.NFC())
    tok.post_processor = template("<s> $A </s>", "<s> $A </s> <s> $B:1 </s>:1", tok, ["<s>", "</s>"])
    save("digits", tok, {"bos_token": "<s>", "eos_token": "</s>", "pad_token": "<pad>"})


def prefix():
    save("prefix", byte_level(P.ByteLevel(add_prefix_space=True), ["<|endoftext|>"]), {"eos_token": "<|endoftext|>"})


def llama3():
    pre = P.Sequence([P.Split(Regex(LLAMA3), "isolated"), P.ByteLevel(add_prefix_space=False, use_regex=False)])
    tok = byte_level(pre, [], size=520)
    j = json.loads(tok.to_str())
    # A word of the vocabulary that its merges do not reach: ignore_merges takes it whole.
    for w in ["Ġquick", "Paris", "Ċ", "æĿ±äº¬"]:
        j["model"]["vocab"].setdefault(w, len(j["model"]["vocab"]))
    j["model"]["ignore_merges"] = True
    tok = Tokenizer.from_str(json.dumps(j))
    specials(tok, "<|begin_of_text|>", "<|end_of_text|>", "<|eot_id|>", "<|reserved_special_token_0|>")
    tok.post_processor = R.Sequence([R.ByteLevel(), template(
        "<|begin_of_text|> $A", "<|begin_of_text|> $A <|begin_of_text|>:1 $B:1", tok, ["<|begin_of_text|>"])])
    tok.enable_truncation(64)
    save("llama3", tok, {"bos_token": "<|begin_of_text|>", "eos_token": "<|eot_id|>"})


def qwen(name, pattern):
    pre = P.Sequence([P.Split(Regex(pattern), "isolated"), P.ByteLevel(add_prefix_space=False, use_regex=False)])
    tok = byte_level(pre, [], N.NFC(), size=460, continuing_subword_prefix="", end_of_word_suffix="")
    specials(tok, "<|endoftext|>", "<|im_start|>", "<|im_end|>")
    tok.add_tokens([AddedToken("<tool_call>", normalized=False), AddedToken("</tool_call>", normalized=False)])
    tok.post_processor = R.ByteLevel(trim_offsets=False)
    save(name, tok, {"eos_token": "<|im_end|>", "pad_token": "<|endoftext|>"})


def cased(name, pattern, bos):
    pre = P.Sequence([P.Split(Regex(pattern), "isolated"), P.ByteLevel(add_prefix_space=False, use_regex=False)])
    tok = byte_level(pre, [], size=480, ignore_merges=True)
    specials(tok, bos, "</s>")
    tok.post_processor = template(bos + " $A", bos + " $A " + bos + ":1 $B:1", tok, [bos])
    save(name, tok, {"bos_token": bos, "eos_token": "</s>"})


def roberta():
    tok = byte_level(P.ByteLevel(add_prefix_space=False), ["<s>", "<pad>", "</s>", "<unk>"])
    specials(tok, AddedToken("<mask>", lstrip=True, normalized=False, special=True))
    tok.post_processor = R.RobertaProcessing(("</s>", 2), ("<s>", 0), add_prefix_space=False)
    save("roberta", tok, {"bos_token": "<s>", "eos_token": "</s>", "pad_token": "<pad>"})


def modernbert():
    tok = byte_level(P.ByteLevel(add_prefix_space=False), ["[CLS]", "[SEP]", "[PAD]", "[UNK]"], N.NFC())
    tok.add_tokens([AddedToken(" " * n, normalized=True) for n in range(8, 1, -1)] + [AddedToken("|||IP_ADDRESS|||")])
    specials(tok, AddedToken("[MASK]", lstrip=True, normalized=False, special=True))
    tok.post_processor = template("[CLS] $A [SEP]", "[CLS] $A [SEP] $B:1 [SEP]:1", tok, ["[CLS]", "[SEP]"])
    tok.enable_padding(length=32)
    save("modernbert", tok, {"pad_token": "[PAD]"})


def spm_bpe(size=160):
    """Merges over whole texts with visible spaces, as SentencePiece learns them, and byte tokens."""
    base = Tokenizer(M.BPE())
    base.normalizer = N.Replace(" ", "▁")
    base.pre_tokenizer = P.Split("▁", "merged_with_next")
    base.train_from_iterator([t for t in texts.TRAIN if t.isascii() and "\n" not in t], trainers.BpeTrainer(vocab_size=size, show_progress=False))
    learned = json.loads(base.to_str())["model"]
    vocab = {"<unk>": 0, "<s>": 1, "</s>": 2}
    for b in range(256):
        vocab["<0x%02X>" % b] = len(vocab)
    merges = [tuple(m) for m in learned["merges"]]
    for t in [a + b for a, b in merges] + sorted(t for t in learned["vocab"] if len(t) == 1):
        vocab.setdefault(t, len(vocab))
    return vocab, merges


def llama2(metaspace):
    vocab, merges = spm_bpe()
    tok = Tokenizer(M.BPE(vocab=vocab, merges=merges, unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    if metaspace:
        tok.pre_tokenizer = P.Metaspace(replacement="▁", prepend_scheme="first", split=False)
    else:
        tok.normalizer = N.Sequence([N.Prepend("▁"), N.Replace(" ", "▁")])
    tok.decoder = D.Sequence([D.Replace("▁", " "), D.ByteFallback(), D.Fuse(), D.Strip(" ", 1, 0)])
    specials(tok, "<unk>", "<s>", "</s>")
    if not metaspace:  # special, but changed by the normaliser
        tok.add_tokens([AddedToken("<sep>", normalized=True, special=True)])
    tok.post_processor = template("<s> $A", "<s> $A <s> $B", tok, ["<s>"])
    save("metaspace" if metaspace else "llama2", tok, {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"})


def gemma():
    vocab, merges = spm_bpe()
    for t in ["\n\n", "▁▁", "hello▁world"]:  # the last out of reach of the merges
        vocab[t] = len(vocab)
    tok = Tokenizer(M.BPE(vocab=vocab, merges=merges, unk_token="<unk>", fuse_unk=True, byte_fallback=True, ignore_merges=True))
    tok.normalizer = N.Replace(" ", "▁")
    tok.pre_tokenizer = P.Split(" ", "merged_with_previous")
    tok.decoder = D.Sequence([D.Replace("▁", " "), D.ByteFallback(), D.Fuse()])
    specials(tok, "<unk>", "<s>", "</s>", "<mask>", "<start_of_turn>")
    tok.add_tokens([AddedToken("\n\n", normalized=False), AddedToken("▁▁", normalized=False)])
    tok.post_processor = template("<s> $A", "<s> $A <s>:1 $B:1", tok, ["<s>"])
    save("gemma", tok, {"bos_token": "<s>", "eos_token": "</s>"})


def wordpiece(name, special, normalizer, mask, post, config=None, size=700, **options):
    tok = Tokenizer(M.WordPiece(unk_token=special[0], **options))
    tok.normalizer, tok.pre_tokenizer, tok.decoder = normalizer, P.BertPreTokenizer(), D.WordPiece("##")
    tok.train_from_iterator(texts.TRAIN, trainers.WordPieceTrainer(vocab_size=size, special_tokens=special, show_progress=False))
    specials(tok, mask)
    tok.post_processor = post(tok)
    save(name, tok, config)


def bert():
    cls = lambda tok: template("[CLS] $A [SEP]", "[CLS] $A [SEP] $B:1 [SEP]:1", tok, ["[CLS]", "[SEP]"])
    wordpiece("bert", ["[UNK]", "[PAD]", "[CLS]", "[SEP]"], N.BertNormalizer(), "[MASK]", cls, {"pad_token": "[PAD]"})
    cased = N.BertNormalizer(lowercase=False, strip_accents=False)
    wordpiece("bert_cased", ["[UNK]", "[PAD]", "[CLS]", "[SEP]"], cased, "[MASK]",
              lambda tok: R.BertProcessing(("[SEP]", 3), ("[CLS]", 2)),
              {"clean_up_tokenization_spaces": False}, max_input_chars_per_word=12)
    wordpiece("mpnet", ["[UNK]", "<s>", "<pad>", "</s>"], N.BertNormalizer(), AddedToken("<mask>", lstrip=True, normalized=False, special=True),
              lambda tok: R.RobertaProcessing(("</s>", 3), ("<s>", 1)), {"pad_token": "<pad>"})


class DoubleArray:
    """Darts-clone's format, as sentencepiece's precompiled_charsmap holds it."""

    def __init__(self, rules):
        self.units, self.bases, self.text = {0: 0}, set(), b""
        trie = {}
        for source, target in rules:
            node = trie
            for b in source.encode():
                node = node.setdefault(b, {})
            node[-1] = len(self.text)
            self.text += target.encode() + b"\0"
        self.place(trie, 0, 0)
        size = (max(self.units) | 255) + 1
        raw = struct.pack("<%dI" % size, *(self.units.get(i, 0) for i in range(size)))
        self.blob = struct.pack("<I", len(raw)) + raw + self.text

    def place(self, node, at, label):
        labels = [0 if b < 0 else b for b in node]
        base = next(b for b in range(1, 1 << 20) if b not in self.bases and all(b ^ c not in self.units for c in labels) and (at ^ b) < 1 << 21)
        self.bases.add(base)
        for c in labels:
            self.units[base ^ c] = 0
        self.units[at] = (at ^ base) << 10 | (-1 in node) << 8 | label
        for b, kid in node.items():
            if b < 0:
                self.units[base] = 1 << 31 | kid
            else:
                self.place(kid, base ^ b, b)


# In the manner of sentencepiece's nmt_nfkc.
RULES = [(chr(c), "") for c in [*range(1, 9), 0xB, *range(0xE, 0x20), 0x7F, 0x8F, 0x9F]]
RULES += [(chr(c), " ") for c in [9, 10, 12, 13, 0xA0, 0x1680, *range(0x2000, 0x2010), 0x2028, 0x2029, 0x202F, 0x205F, 0x2581, 0x3000, 0xFEFF, 0xFFFD]]
RULES += [("ﬁ", "fi"), ("ﷺ", "صلى الله عليه وسلم"), ("½", "1⁄2"), ("Ⅷ", "VIII"), ("①", "1"), ("Å", "Å"), ("が", "が"), ("é", "é"),
          ("각", "각"), ("ｶﾞ", "ガ"), ("Ａ", "A"), ("©", "c"), ("e", "e"), ("🙂", ":)"), ("²", "2"), ("…", "...")]


def charsmap():
    return N.Precompiled(DoubleArray(RULES).blob)


def unigram(name, normalizer, pre, decoder, special, unk, post, byte_fallback=False, size=330, config=None):
    base = Tokenizer(M.Unigram())
    base.normalizer, base.pre_tokenizer = normalizer, pre
    base.train_from_iterator(texts.TRAIN, trainers.UnigramTrainer(vocab_size=size, special_tokens=special, unk_token=unk, show_progress=False))
    vocab = [tuple(v) for v in json.loads(base.to_str())["model"]["vocab"]]
    # Two cuts with one score.
    vocab += [("ქ", -6.0), ("ხ", -6.0), ("ჯ", -6.0), ("ქხ", -7.0), ("ხჯ", -7.0)]
    if byte_fallback:
        vocab += [("<0x%02X>" % b, 0.0) for b in range(256)]
    tok = Tokenizer(M.Unigram(vocab, special.index(unk), byte_fallback))
    tok.normalizer, tok.pre_tokenizer, tok.decoder = normalizer, pre, decoder
    specials(tok, *special, AddedToken("<mask>", lstrip=True, normalized=False, special=True))
    tok.post_processor = post(tok)
    save(name, tok, config)


def sentencepiece():
    words = P.Sequence([P.WhitespaceSplit(), P.Metaspace()])
    unigram("xlm_roberta", N.Sequence([charsmap(), N.Replace(Regex(" {2,}"), " ")]), words, D.Metaspace(), ["<s>", "<pad>", "</s>", "<unk>"], "<unk>",
            lambda tok: template("<s> $A </s>", "<s> $A </s> </s> $B </s>", tok, ["<s>", "</s>"]))
    unigram("t5", N.Sequence([N.Nmt(), N.NFKC(), N.Strip(left=True, right=True), N.Replace(Regex(r"\s{2,}|[\n\r\t]"), " ")]), P.Metaspace(prepend_scheme="first"),
            D.Sequence([D.ByteFallback(), D.Metaspace(prepend_scheme="first")]), ["<pad>", "</s>", "<unk>"], "<unk>",
            lambda tok: template("$A </s>", "$A </s> $B </s>", tok, ["</s>"]), byte_fallback=True, config={"clean_up_tokenization_spaces": False})
    unigram("albert", N.Sequence([N.Replace("``", '"'), N.Replace("''", '"'), N.NFKD(), N.StripAccents(), N.Lowercase(), charsmap()]),
            P.Metaspace(prepend_scheme="first"), D.Metaspace(), ["<pad>", "<unk>", "[CLS]", "[SEP]"], "<unk>",
            lambda tok: template("[CLS] $A [SEP]", "[CLS] $A [SEP] $B:1 [SEP]:1", tok, ["[CLS]", "[SEP]"]))


def suffix():
    """GPT (2018), CLIP: a mark at the end of words; and one at the inner characters."""
    tok = Tokenizer(M.BPE(unk_token="<unk>", end_of_word_suffix="</w>", continuing_subword_prefix="@"))
    tok.normalizer = N.BertNormalizer()
    tok.pre_tokenizer = P.BertPreTokenizer()
    tok.train_from_iterator(texts.TRAIN, trainers.BpeTrainer(vocab_size=420, special_tokens=["<unk>"], end_of_word_suffix="</w>", continuing_subword_prefix="@", show_progress=False))
    tok.decoder = D.BPEDecoder()
    save("suffix", tok)


def components():
    """Every normaliser, pre-tokeniser and decoder by itself."""
    split = lambda p, b, invert=False: P.Split(p, b, invert)
    bert = N.BertNormalizer
    kinds = {
        "normalizer": [N.NFC(), N.NFD(), N.NFKC(), N.NFKD(), N.Nmt(), N.Lowercase(), N.StripAccents(), N.Strip(), N.Strip(left=True, right=False),
                       N.Strip(left=False, right=True), N.Prepend("▁"), N.Replace("a", "bb"), N.Replace(" ", "▁"), N.Replace("ab", ""), N.ByteLevel(),
                       N.Replace(Regex(" {2,}"), "▁"), N.Replace(Regex(r"\s+"), " "), N.Replace(Regex(r"\p{N}+|[^\p{L}\s]"), "#"), charsmap(),
                       bert(), bert(lowercase=False), bert(strip_accents=False), bert(strip_accents=True, lowercase=False),
                       bert(clean_text=False), bert(handle_chinese_chars=False), N.Sequence([N.NFD(), N.StripAccents(), N.Lowercase(), N.NFC()])],
        "pre_tokenizer": [P.ByteLevel(add_prefix_space=True), P.ByteLevel(add_prefix_space=False), P.ByteLevel(use_regex=False), P.Whitespace(), P.WhitespaceSplit(),
                          P.BertPreTokenizer(), P.Digits(), P.Digits(individual_digits=True), P.Metaspace(), P.Metaspace(prepend_scheme="never"),
                          P.Metaspace(prepend_scheme="first"), P.Metaspace(replacement="_", split=False),
                          P.Sequence([P.WhitespaceSplit(), P.Metaspace(prepend_scheme="first")]), P.Sequence([P.Whitespace(), P.Metaspace(prepend_scheme="first")]), P.Sequence([P.Whitespace(), P.Digits(individual_digits=True), P.ByteLevel(add_prefix_space=False)]),
                          split(Regex(LLAMA3), "isolated"), split(Regex(QWEN2), "isolated"), split(Regex(QWEN35), "isolated"), split(Regex(O200K), "isolated"), split(Regex(TEKKEN), "isolated"), split(Regex(TIKTOKEN), "isolated"),
                          split(Regex(r"\p{N}{1,3}"), "isolated"), split(Regex(r"[\r\n]"), "isolated"), split(Regex(r"[^\s\p{M}]+"), "isolated")]
                         + [P.Punctuation(b) for b in BEHAVIORS] + [split(" ", b) for b in BEHAVIORS] + [split(Regex(r"[ae]|o"), b, True) for b in BEHAVIORS],
        "decoder": [D.ByteLevel(), D.WordPiece("##"), D.WordPiece("a", cleanup=False), D.BPEDecoder("a"), D.Metaspace(), D.Metaspace(prepend_scheme="never"),
                    D.Replace("a", "b"), D.Replace(Regex(r"\s+"), "_"), D.ByteFallback(), D.Fuse(), D.Strip(" ", 1, 0), D.Strip("a", 2, 0), D.Strip("a", 0, 1), D.Sequence([D.Fuse(), D.Strip(" ", 0, 1)])],
    }
    rows = []
    for kind, list_ in kinds.items():
        for c in list_:
            tok = Tokenizer(M.BPE())
            setattr(tok, kind, c)
            spec = json.loads(tok.to_str())[kind]
            sums = []
            for t in TEXTS:
                if kind == "normalizer":
                    out = c.normalize_str(t)
                elif kind == "pre_tokenizer":
                    out = "\n".join(w for w, _ in c.pre_tokenize_str(t))
                else:
                    out = decode(c, t)
                sums.append(crc(out)[4:])
            rows.append('{"kind":"%s","spec":%s,"sums":"%s"}' % (kind, json.dumps(spec), "".join(sums)))
    with open(os.path.join(OUT, "components.json"), "w") as f:
        f.write("[\n" + ",\n".join(rows) + "\n]\n")


def decode(decoder, text):
    """A text cut into tokens of one to four characters."""
    tokens, i = [], 0
    while i < len(text):
        n = 1 + (i + 2) % 4
        tokens.append(text[i:i + n])
        i += n
    if not tokens or not all(tokens):
        return ""
    return decoder.decode(tokens)


BEHAVIORS = ["isolated", "removed", "contiguous", "merged_with_previous", "merged_with_next"]

if __name__ == "__main__":
    TEXTS = texts.FIXED + texts.random_texts(random.Random(1), 260)
    if sys.argv[1:2] == ["--more"]:
        OUT = sys.argv[2]
        TEXTS = texts.random_texts(random.Random(int(sys.argv[3]) if sys.argv[3:] else None), 4000)
    os.makedirs(OUT, exist_ok=True)
    with open(os.path.join(OUT, "texts.json"), "w") as f:
        f.write("[\n" + ",\n".join(json.dumps(t) for t in TEXTS) + "\n]\n")
    gpt2(), digits(), prefix(), llama3(), roberta(), modernbert(), qwen("qwen2", QWEN2), qwen("qwen35", QWEN35)
    cased("o200k", O200K, "<|begin_of_text|>"), cased("tekken", TEKKEN, "<s>")
    llama2(False), llama2(True), gemma(), bert(), sentencepiece(), suffix()
    components()
