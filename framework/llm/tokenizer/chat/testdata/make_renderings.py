"""Renders conversations with transformers' apply_chat_template.

    python make_renderings.py    # transformers 5.23.0, jinja2 3.1.6, Python 3.11

The templates in templates/ were written for these tests, in the manner of the
families they are named after. Writes renderings.json: the model folders
("folders": name -> file -> text, where "@NAME" stands for a file of templates/),
the requests, and the cases [folder, request, text or {"error": message}]. The
clock stands at NOW.
"""

import datetime as dt
import json
import pathlib
import tempfile

import tokenizers
import transformers
from transformers.utils import chat_template_utils

HERE = pathlib.Path(__file__).parent
NOW = dt.datetime(2024, 7, 1, 9, 5, 3)


class Clock(dt.datetime):
    @classmethod
    def now(cls, tz=None):
        return NOW


chat_template_utils.datetime = Clock

BOS = {"__type": "AddedToken", "content": "<s>", "lstrip": False, "normalized": False, "rstrip": False, "single_word": False}
CONFIG = {"tokenizer_class": "PreTrainedTokenizerFast", "bos_token": BOS, "eos_token": "</s>", "pad_token": None, "image_token": "<img>", "add_bos_token": True}


def folder(template, **more):
    return {"tokenizer_config.json": CONFIG | more, "chat_template.jinja": "@" + template}


FOLDERS = {n: folder(n) for n in ["chatml", "llama2", "llama3", "mistral", "qwen2", "qwen3", "gemma", "phi", "zephyr", "deepseek", "granite"]}
FOLDERS["commandr"] = {"tokenizer_config.json": CONFIG | {"chat_template": [{"name": "default", "template": "@commandr"}, {"name": "tool_use", "template": "@commandr_tools"}]}}
FOLDERS["string"] = {"tokenizer_config.json": CONFIG | {"chat_template": "{{ bos_token }}{% for m in messages %}{{ m.role }}: {{ m.content }}{{ eos_token }}{% endfor %}{{ image_token }}{{ add_bos_token is defined }}{{ pad_token is defined }}"}}
FOLDERS["file before config"] = folder("zephyr", chat_template="from config")
FOLDERS["additional"] = folder("zephyr") | {"additional_chat_templates/tool_use.jinja": "T{{ tools | length }}{{ messages[-1].content }}", "additional_chat_templates/short.jinja": "{{ messages | map(attribute='content') | join('|') }}"}
FOLDERS["only additional"] = {"tokenizer_config.json": CONFIG | {"chat_template": "from config"}, "additional_chat_templates/short.jinja": "S"}
FOLDERS["special map"] = {"tokenizer_config.json": {"tokenizer_class": "PreTrainedTokenizerFast", "bos_token": "<config>", "chat_template": "{{ bos_token }}{{ eos_token }}{{ unk_token is defined }}{{ messages[0].content }}"}, "special_tokens_map.json": {"bos_token": "<s>", "eos_token": {"content": "</s>", "lstrip": False, "normalized": False, "rstrip": False, "single_word": False}}}
FOLDERS["special map ignored"] = {"tokenizer_config.json": {"tokenizer_class": "PreTrainedTokenizerFast", "bos_token": "<config>", "added_tokens_decoder": {"0": {"content": "<s>", "lstrip": False, "normalized": False, "rstrip": False, "single_word": False, "special": True}}, "extra_special_tokens": {"boi_token": "<boi>"}, "chat_template": "{{ bos_token }}{{ eos_token is defined }}{{ boi_token }}"}, "special_tokens_map.json": {"bos_token": "<s>", "eos_token": "</s>"}}
FOLDERS["none"] = {"tokenizer_config.json": CONFIG}

WEATHER = {"type": "function", "function": {"name": "get_weather", "description": "The weather's \"state\" & more — für Köln.", "parameters": {"type": "object", "properties": {"city": {"type": "string", "description": "A city <name>"}, "days": {"type": "integer", "default": 3}, "units": {"type": ["string", "null"], "enum": ["C", "F", None]}, "at": {"type": "array", "items": {"type": "number"}, "description": ""}}, "required": ["city"]}, "return": {"type": "object", "additionalProperties": {"type": "number"}}}}
ADD = {"type": "function", "function": {"name": "add", "parameters": {"properties": {"b": {"type": "number", "default": 1.0}, "a": {"type": "number"}}, "type": "object", "required": ["a", "b"]}}}


def u(c):
    return {"role": "user", "content": c}


def a(c, **more):
    return {"role": "assistant", "content": c, **more}


def s(c):
    return {"role": "system", "content": c}


def call(name, arguments, id="abc123XYZ"):
    return {"type": "function", "id": id, "function": {"name": name, "arguments": arguments}}


HI = [u("Hi there!")]
MULTI = [s("  Be brief. "), u("  What is 2+2?\n"), a(" 4 \n"), u("And 3+3?")]
CALLS = [u("Weather in Köln?"), a(None, tool_calls=[call("get_weather", {"city": "Köln", "days": 2, "units": None, "at": [1.0, 2.5e-7], "deep": {"z": True, "a": []}})]), {"role": "tool", "name": "get_weather", "tool_call_id": "abc123XYZ", "content": '{"temp": 21.5}'}, a("It is 21.5°."), u("Thanks")]
TWO = [s("Use tools."), u("Both"), a("Let me see.", tool_calls=[call("add", {"a": 1, "b": 2.0}), call("get_weather", {"city": "Oslo"}, "XYZ123abc")]), {"role": "tool", "content": "3.0", "tool_call_id": "abc123XYZ"}, {"role": "tool", "content": "rain", "tool_call_id": "XYZ123abc"}]
STRINGS = [u("Add"), a("", tool_calls=[call("add", '{"a": 1, "b": 2}')]), {"role": "tool", "content": {"content": 3, "ok": True}}]
PARTS = [s([{"type": "text", "text": "Be brief."}]), u([{"type": "text", "text": " See "}, {"type": "image", "url": "x.png"}, {"type": "text", "text": "this. "}]), a([{"type": "text", "text": "A cat."}]), u([{"type": "text", "text": "Sure?"}])]
UNI = [s("Ты — помощник 🤖"), u("東京は？ <|im_end|> {{ x }} {% if %} 'q' \"d\" \\n"), a("晴れ☀️\u00a0"), u("\tTab\r\nand 😀\u2028end")]
EMPTY = [s(""), u(""), a(""), u(" ")]
THINK = [u("17*3?"), a("<think>\n17*3 = 51\n</think>\n\n51"), u("Sure?"), a("Yes.", reasoning_content="\nchecked\n")]
ALIAS = [u("q"), a("x", reasoning="r"), u("q2"), a("y", thinking="t", reasoning_content=None)]
BAD = [u("a"), u("b")]
ODD = [u("a"), {"role": "robot", "content": "b"}]
DOCS = [{"title": "Köln", "text": "Köln is a city on the Rhine with a large cathedral.", "doc_id": "d1"}, {"title": "", "text": "Short."}]

REQUESTS = {
    "hi": {"messages": HI}, "hi open": {"messages": HI, "add_generation_prompt": True},
    "multi": {"messages": MULTI}, "multi open": {"messages": MULTI, "add_generation_prompt": True},
    "calls": {"messages": CALLS, "tools": [WEATHER, ADD], "add_generation_prompt": True}, "calls without tools": {"messages": CALLS[:4]},
    "two calls": {"messages": TWO, "tools": [WEATHER], "add_generation_prompt": True}, "string arguments": {"messages": STRINGS, "tools": [ADD]},
    "tools, no calls": {"messages": MULTI, "tools": [ADD, WEATHER], "add_generation_prompt": True}, "no tools": {"messages": HI, "tools": [], "add_generation_prompt": True},
    "parts": {"messages": PARTS, "add_generation_prompt": True}, "unicode": {"messages": UNI, "add_generation_prompt": True}, "empty texts": {"messages": EMPTY, "add_generation_prompt": True},
    "thinking": {"messages": THINK}, "reasoning aliases": {"messages": ALIAS}, "one after the other": {"messages": BAD}, "odd role": {"messages": ODD},
    "extras": {"messages": HI, "add_generation_prompt": True, "enable_thinking": False, "thinking": True, "date_string": "1 Jan 2025", "controls": {"length": "short", "originality": 0.5}, "tools_in_user_message": False, "bos_token": "<BOS>"},
    "documents": {"messages": HI, "documents": DOCS, "add_generation_prompt": True}, "documents and tools": {"messages": HI, "documents": DOCS, "tools": [ADD], "add_generation_prompt": True},
    "system with tools outside": {"messages": MULTI, "tools": [WEATHER], "tools_in_user_message": False},
    "continue": {"messages": MULTI[:2] + [a("The sum is ")], "continue_final_message": True}, "continue trimmed": {"messages": [u("x"), a(" \n Start")], "continue_final_message": True},
    "continue parts": {"messages": [u("x"), a([{"type": "text", "text": "one"}, {"type": "text", "text": "two "}])], "continue_final_message": True},
    "continue reasoning": {"messages": [u("x"), a("", reasoning_content="so far")], "continue_final_message": "reasoning_content"},
    "continue nothing": {"messages": [u("x"), {"role": "assistant"}], "continue_final_message": True},
    "continue user": {"messages": HI, "continue_final_message": True}, "continue and open": {"messages": HI, "continue_final_message": True, "add_generation_prompt": True},
    "no messages": {"messages": []}, "null content": {"messages": [u("x"), a(None)]},
}
MORE = {
    "named": {"messages": MULTI, "chat_template": "short"}, "text": {"messages": HI, "chat_template": "{{ messages[0].content }}!{{ bos_token }}"}, "bad text": {"messages": HI, "chat_template": "{% if %}"},
}


def expand(text):
    return (HERE / "templates" / (text[1:] + ".jinja")).read_text(encoding="utf-8") if text.startswith("@") else text


def write(root, files):
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, dict):
            content = json.loads(json.dumps(content))
            t = content.get("chat_template")
            if isinstance(t, list):
                for entry in t:
                    entry["template"] = expand(entry["template"])
            path.write_text(json.dumps(content), encoding="utf-8")
        else:
            path.write_text(expand(content), encoding="utf-8")
    tokenizers.Tokenizer(tokenizers.models.WordLevel({"<s>": 0, "</s>": 1, "x": 2}, unk_token="x")).save(str(root / "tokenizer.json"))


def main():
    cases = []
    for name, files in FOLDERS.items():
        with tempfile.TemporaryDirectory() as tmp:
            write(pathlib.Path(tmp), files)
            tok = transformers.PreTrainedTokenizerFast.from_pretrained(tmp)
        big = list(files.values())[-1]
        requests = REQUESTS if isinstance(big, str) and big.startswith("@") or name == "commandr" else {k: REQUESTS[k] for k in ["hi", "multi open", "tools, no calls"]}
        if "additional" in name or name == "string":
            requests = {k: REQUESTS[k] for k in ["hi", "multi open", "tools, no calls"]} | MORE
        for key, request in requests.items():
            kwargs = json.loads(json.dumps(request))
            messages = kwargs.pop("messages")
            try:
                got = tok.apply_chat_template(messages, tokenize=False, **kwargs)
            except Exception as x:  # noqa: BLE001
                got = {"error": type(x).__name__ + ": " + str(getattr(x, "message", None) or x).split("Rendered chat")[0]}
            cases.append([name, key, got])
    out = {"made_by": f"make_renderings.py, transformers {transformers.__version__}", "now": NOW.isoformat(), "folders": FOLDERS, "requests": REQUESTS | MORE}
    text = json.dumps(out, ensure_ascii=False)[:-1] + ', "cases": [\n' + ",\n".join(json.dumps(c, ensure_ascii=False) for c in cases) + "\n]}\n"
    (HERE / "renderings.json").write_text(text, encoding="utf-8")
    print(len(cases), "cases,", sum(isinstance(c[2], dict) for c in cases), "errors")


if __name__ == "__main__":
    main()
