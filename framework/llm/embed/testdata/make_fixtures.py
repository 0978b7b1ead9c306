"""Makes tiny random models with tokenizers, and what sentence-transformers makes
of texts with folders around them.
Run: python make_fixtures.py (torch 2.15, transformers 5.23, sentence-transformers
6.2; float32, one thread).

bert/ is an encoder and qwen3/ a decoder whose tokenizer ends each text with an end
token; dense.safetensors and linear.safetensors are weights of Dense modules. A
case of cases.json is a folder: the files of a model, in a folder of their own if
"sub" names one, files of the case's own beside them or in their place, and copies
of weights; with the texts, the prompt asked for and the vectors that encode gives,
or the hidden states with "hidden"."""
import hashlib
import json
import os
import shutil
import tempfile

import sentence_transformers
import torch
from safetensors.torch import save_file
from sentence_transformers import SentenceTransformer
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
from transformers import AutoConfig, AutoModel, PreTrainedTokenizerFast

HERE = os.path.dirname(os.path.abspath(__file__))
C, CONTEXT = 24, 40
TEXTS = [
    "A cat sits on the mat",
    "İSTANBUL was LOVELY [SEP] and [MASK] we Walked along",
    "x",
    "the river " * 30,
    "",
    "Cats, mats; rivers!",
]
torch.set_num_threads(1)


def randomise(model, seed):
    g = torch.Generator().manual_seed(seed)
    for p in model.parameters():
        p.data = torch.randn(p.shape, generator=g) * 0.3 + (1 if p.dim() == 1 else 0)
    return model


def save(folder, model, tokenizer):
    shutil.rmtree(folder, ignore_errors=True)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def bert():
    words = ["the", "cat", "river", "mat", "sit", "Cat", "River", "was"]
    letters = "abcdefghijklmnopqrstuvwxyzACILRTUVW,;!"
    vocab = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"] + words + list(letters) + ["##" + c for c in letters] + ["##\u0307"]
    t = Tokenizer(models.WordPiece({w: i for i, w in enumerate(vocab)}, unk_token="[UNK]"))
    t.normalizer = normalizers.BertNormalizer(lowercase=False, strip_accents=False)
    t.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    t.decoder = decoders.WordPiece()
    t.post_processor = processors.TemplateProcessing("[CLS] $A [SEP]", "[CLS] $A [SEP] $B:1 [SEP]:1", [("[CLS]", 2), ("[SEP]", 3)])
    fast = PreTrainedTokenizerFast(tokenizer_object=t, pad_token="[PAD]", unk_token="[UNK]", cls_token="[CLS]", sep_token="[SEP]", mask_token="[MASK]")
    config = AutoConfig.for_model("bert", vocab_size=len(vocab), hidden_size=C, intermediate_size=32, num_hidden_layers=2, num_attention_heads=4, max_position_embeddings=CONTEXT, type_vocab_size=2, pad_token_id=0)
    save(os.path.join(HERE, "bert"), randomise(AutoModel.from_config(config), 1), fast)


def bytes_tokenizer(end):
    vocab = sorted(pre_tokenizers.ByteLevel.alphabet()) + ["<|endoftext|>"]
    t = Tokenizer(models.BPE({w: i for i, w in enumerate(vocab)}, []))
    t.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    t.decoder = decoders.ByteLevel()
    if end:
        t.post_processor = processors.TemplateProcessing("$A <|endoftext|>", None, [("<|endoftext|>", 256)])
    return PreTrainedTokenizerFast(tokenizer_object=t, pad_token="<|endoftext|>", eos_token="<|endoftext|>")


def qwen3():
    config = AutoConfig.for_model("qwen3", vocab_size=257, hidden_size=C, intermediate_size=32, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2, head_dim=8, max_position_embeddings=CONTEXT, eos_token_id=256, tie_word_embeddings=True)
    save(os.path.join(HERE, "qwen3"), randomise(AutoModel.from_config(config), 2), bytes_tokenizer(True))


def dense():
    g = torch.Generator().manual_seed(3)
    weight, bias = torch.randn(6, C, generator=g) * 0.3, torch.randn(6, generator=g)
    save_file({"linear.weight": weight, "linear.bias": bias}, os.path.join(HERE, "dense.safetensors"))
    save_file({"linear.weight": weight}, os.path.join(HERE, "linear.safetensors"))


def modules(sub, *more):
    """modules.json as versions 2 to 5 write it."""
    rows = [("Transformer", sub)] + [(m, "%d_%s" % (i + 1, m)) for i, m in enumerate(more)]
    return json.dumps([{"idx": i, "name": str(i), "path": path, "type": "sentence_transformers.models." + kind} for i, (kind, path) in enumerate(rows)])


def pooling(*modes, **more):
    """1_Pooling/config.json as versions 2 to 5 write it."""
    names = {"cls": "cls_token", "max": "max_tokens", "mean": "mean_tokens", "mean_sqrt_len_tokens": "mean_sqrt_len_tokens", "weightedmean": "weightedmean_tokens", "lasttoken": "lasttoken"}
    return json.dumps({"word_embedding_dimension": C, **{"pooling_mode_" + n: m in modes for m, n in names.items()}, **more})


def case(name, pool, *more, model="bert", sub="", length=12, lower=False, texts=TEXTS, prompt=None, prompts=None, default=None, files=None, copies=None, hidden=False):
    path = sub + "/" if sub else ""
    out = {"name": name, "model": model, "sub": sub, "texts": texts, "prompt": prompt or "", "copies": copies or {}, "hidden": hidden,
           "files": {"modules.json": modules(sub, "Pooling", *more), "1_Pooling/config.json": pool, path + "sentence_bert_config.json": json.dumps({"max_seq_length": length, "do_lower_case": lower})}}
    if prompts:
        out["files"]["config_sentence_transformers.json"] = json.dumps({"__version__": {"sentence_transformers": "5.0.0"}, "prompts": prompts, "default_prompt_name": default})
    out["files"].update(files or {})
    return out


def saved():
    """A folder as version 6 writes it."""
    from sentence_transformers.sentence_transformer.modules import Dense, Normalize, Pooling, Transformer

    first = Transformer(os.path.join(HERE, "bert"), processor_kwargs={"model_max_length": 11})
    last = Dense(C, 6, activation_function=torch.nn.GELU())
    last.load_state_dict({k: v for k, v in __import__("safetensors.torch").torch.load_file(os.path.join(HERE, "dense.safetensors")).items()})
    st = SentenceTransformer(modules=[first, Pooling(C, ["cls", "weightedmean"][1]), last, Normalize()], prompts={"query": "the "}, default_prompt_name="query", device="cpu")
    with tempfile.TemporaryDirectory() as d:
        st.save(d, create_model_card=False)
        names = ["modules.json", "config_sentence_transformers.json", "sentence_bert_config.json", "tokenizer_config.json", "1_Pooling/config.json", "2_Dense/config.json", "3_Normalize/config.json"]
        files = {n: open(os.path.join(d, n)).read() for n in names}
    return {"name": "as version 6 saves it", "model": "bert", "sub": "", "texts": TEXTS, "prompt": "", "hidden": False, "copies": {"2_Dense/model.safetensors": "dense.safetensors"}, "files": files}


def cases():
    tanh = {"2_Dense/config.json": json.dumps({"in_features": C, "out_features": 6, "bias": True, "activation_function": "torch.nn.modules.activation.Tanh"})}
    linear = {"2_Dense/config.json": json.dumps({"in_features": C, "out_features": 6, "bias": False, "activation_function": "torch.nn.modules.linear.Identity"})}
    both = {"query": "find the river: ", "passage": "Cat: "}
    plain = json.loads(bytes_tokenizer(False).backend_tokenizer.to_str())
    yield case("mean, normalised", pooling("mean"), "Normalize")
    yield case("lower case, the transformer in a folder", pooling("cls"), sub="0_Transformer", lower=True)
    for mode in ["max", "mean_sqrt_len_tokens", "weightedmean", "lasttoken"]:
        yield case(mode, pooling(mode))
    yield case("two poolings", pooling("mean", "cls"), "Normalize")
    yield case("two poolings in their own order", json.dumps({"embedding_dimension": C, "pooling_mode": ["mean", "cls"], "include_prompt": True}))
    yield case("dense", pooling("mean"), "Dense", "Normalize", files=tanh, copies={"2_Dense/model.safetensors": "dense.safetensors"})
    yield case("dense without bias", pooling("mean"), "Dense", files=linear, copies={"2_Dense/model.safetensors": "linear.safetensors"})
    yield case("the default prompt", pooling("mean"), prompts=both, default="query")
    yield case("a prompt by name", pooling("mean"), prompts=both, default="query", prompt="passage")
    yield case("a prompt that every model has", pooling("mean"), prompts=both, default="passage", prompt="document")
    for mode in ["mean", "cls", "max", "weightedmean", "lasttoken"]:
        yield case("the prompt not pooled, " + mode, pooling(mode, include_prompt=False), prompts=both, default="passage")
    yield case("the tokenizer's length", pooling("mean"), files={"sentence_bert_config.json": "{}", "tokenizer_config.json": json.dumps({"tokenizer_class": "PreTrainedTokenizerFast", "model_max_length": 14, "pad_token": "[PAD]"})})
    yield case("the model's length", pooling("mean"), files={"sentence_bert_config.json": "{}"})
    yield case("a decoder, last token", pooling("lasttoken"), "Normalize", model="qwen3", prompts=both, default="query", length=30)
    yield case("a decoder, weighted mean, no special token", pooling("weightedmean"), model="qwen3", texts=[t for t in TEXTS if t], files={"tokenizer.json": json.dumps(plain)})
    yield case("a decoder, hidden states", pooling("mean"), model="qwen3", texts=TEXTS[:1], hidden=True, length=30)
    yield saved()


def made(c):
    with tempfile.TemporaryDirectory() as d:
        shutil.copytree(os.path.join(HERE, c["model"]), os.path.join(d, c["sub"]), dirs_exist_ok=True)
        for name, text in c["files"].items():
            os.makedirs(os.path.dirname(os.path.join(d, name)), exist_ok=True)
            open(os.path.join(d, name), "w").write(text)
        for name, source in c["copies"].items():
            shutil.copy(os.path.join(HERE, source), os.path.join(d, name))
        st = SentenceTransformer(d, device="cpu")
        out = st.encode(c["texts"], batch_size=4, prompt_name=c["prompt"] or None, output_value="token_embeddings" if c["hidden"] else "sentence_embedding")
        return [[float("%.7g" % v) for v in x.flatten()] for x in (o for o in out)]


bert()
qwen3()
dense()
with open(os.path.join(HERE, "cases.json"), "w") as f:
    rows = []
    for c in cases():
        c["vectors"] = made(c)
        rows.append(json.dumps(c, ensure_ascii=False))
    script = hashlib.sha256(open(__file__, "rb").read()).hexdigest()
    f.write('{"script": "%s", "sentence_transformers": "%s", "cases": [\n%s\n]}\n' % (script, sentence_transformers.__version__, ",\n".join(rows)))
