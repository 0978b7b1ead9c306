"""Makes further.json: the tokens that transformers (5.23) adds to those of
tokenizer.json when AutoTokenizer loads a folder, and what texts become with
them. Run: python make_further.py"""
import json
import os
import shutil
import tempfile

from transformers import AutoTokenizer

HERE = os.path.dirname(os.path.abspath(__file__))
TEXTS = ["a <new> b <two>c <pad>[MASK] x word", " <new><new>  [MASK] # it's <s> a", "<two> the <unk>?"]


def token(content, **flags):
    return dict(dict(content=content, lstrip=False, rstrip=False, normalized=False, single_word=False, special=True), **flags)


FOLDERS = [  # config, special_tokens_map
    ({}, None),
    ({"added_tokens_decoder": {"500": token("<two>", special=False), "430": token("<new>", lstrip=True)}}, None),
    ({"added_tokens_decoder": {"421": token("[MASK]", rstrip=False)}}, None),
    ({"added_tokens_decoder": {"100": token("it"), "3": token("#", single_word=True), "0": token("<|endoftext|>")}}, None),
    ({"added_tokens_decoder": {"430": {"content": "<new>"}, "431": {"content": "<two>", "special": True}}, "mask_token": "<new>"}, {"pad_token": "<pad>"}),
    ({"pad_token": "<pad>", "unk_token": "<unk>", "eos_token": "<|endoftext|>", "mask_token": "[MASK]"}, None),
    ({"extra_special_tokens": ["<two>", "<new>"], "additional_special_tokens": ["<pad>"]}, None),
    ({"additional_special_tokens": ["<two>"], "pad_token": "<two>", "bos_token": "<s>"}, None),
    ({"pad_token": "<unk>"}, {"pad_token": token("<pad>", lstrip=True), "additional_special_tokens": ["<new>"], "cls_token": "#"}),
]

out = []
for config, special in FOLDERS:
    with tempfile.TemporaryDirectory() as dir:
        shutil.copy(os.path.join(HERE, "gpt2", "tokenizer.json"), dir)
        files = {"tokenizer_config.json": dict(config, tokenizer_class="PreTrainedTokenizerFast")}
        if special:
            files["special_tokens_map.json"] = special
        for name, content in files.items():
            with open(os.path.join(dir, name), "w") as f:
                json.dump(content, f)
        tok = AutoTokenizer.from_pretrained(dir)
        out.append({"files": files, "size": len(tok), "added": {t.content: i for i, t in tok.added_tokens_decoder.items()},
                    "ids": [tok(t, add_special_tokens=False)["input_ids"] for t in TEXTS],
                    "plain": [tok.decode(tok(t)["input_ids"], skip_special_tokens=True) for t in TEXTS]})
with open(os.path.join(HERE, "further.json"), "w") as f:
    f.write('{"texts":' + json.dumps(TEXTS) + ',"folders":[\n' + ",\n".join(map(json.dumps, out)) + "\n]}\n")
