"""Play the notebooks of snippets/*.txt through jupyter_client.

Each must show there what it shows on the engine alone; the format is that of
TestSnippets in package ixgo. Every snippet has a kernel of its own.
"""

import concurrent.futures
import glob
import os
import re
import sys

from jupyter_client.manager import start_new_kernel

POSITION = re.compile(r"^(In\[\d+\]:\d+(?::\d+)?): ", re.S)


def error(name, value):
    at = POSITION.match(value)
    if at:
        return "Error: %s: %s: %s\n" % (at.group(1), name, value[at.end() :])
    return "Error: %s: %s\n" % (name, value)


def stderr(text):
    """Notes and goroutines' ends as the engine's test writes them; stacks are left out."""
    out, background = "", False
    for line in text.splitlines():
        if line.startswith("a goroutine ended: "):
            out += "Goroutine: %s\n" % line.removeprefix("a goroutine ended: ")
            background = True
        elif background and (line.startswith("\t") or re.match(r"^[\w\[\].]+$", line)):
            continue
        else:
            out += "Note: %s\n" % line
    return out


def play(cells):
    manager, client = start_new_kernel(kernel_name="tunelab")
    try:
        shown = []
        for code in cells:
            parts = []

            def hook(message):
                kind, content = message["msg_type"], message["content"]
                if kind == "stream" and content["name"] == "stdout":
                    parts.append(content["text"])
                elif kind == "stream":
                    parts.append(stderr(content["text"]))
                elif kind == "execute_result":
                    parts.append("Out: %s\n" % content["data"].get("text/plain"))
                elif kind in ("display_data", "update_display_data"):
                    parts.append("Display: %s\n" % content["data"].get("text/plain"))
                elif kind == "error":
                    parts.append(error(content["ename"], content["evalue"]))

            client.execute_interactive(code, output_hook=hook, timeout=60, allow_stdin=False)
            shown.append("".join(parts).rstrip("\n"))
        return shown
    finally:
        client.stop_channels()
        manager.shutdown_kernel()


def read(path):
    with open(path) as f:
        parts = ("\n" + f.read()).split("\n== ")[1:]
    for part in parts:
        name, _, body = part.partition("\n")
        codes, wants = [], []
        for cell in (body.rstrip("\n") + "\n").split("\n-- in\n"):
            code, _, want = ("\n" + cell + "\n").partition("\n-- out\n")
            codes.append(code.removeprefix("\n"))
            wants.append(want.rstrip("\n"))
        yield name, codes, wants


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    jobs = []
    with concurrent.futures.ThreadPoolExecutor(max_workers=2) as pool:
        for path in sorted(glob.glob(os.path.join(here, "snippets", "*.txt"))):
            topic = os.path.basename(path).removesuffix(".txt")
            if topic == "engine":  # shows what only the engine's own test sees
                continue
            for name, codes, wants in read(path):
                jobs.append((topic + "/" + name, codes, wants, pool.submit(play, codes)))
        failed = 0
        for name, codes, wants, job in jobs:
            for code, want, got in zip(codes, wants, job.result()):
                if want != got:
                    failed += 1
                    print("%s\n%s\nshows\n%s\nwant\n%s\n" % (name, code, got, want))
    print("%d snippets through jupyter_client, %d cells differ" % (len(jobs), failed))
    return 1 if failed or len(jobs) == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
