"""Runs every notebook of this folder in Jupyter, as `make notebooks` does.

    python run.py [--update] [--out DIR] [NOTEBOOK ...]

A cell that fails fails the run. The scores of every result that a notebook shows
are compared with figures.json: kernels of other processors round differently, so
a score may be off by 0.05, or by 5 % where it is above 1. --update writes the file
afresh. Executed notebooks go to DIR, with a state folder of their own.
"""

import argparse
import json
import os
import pathlib
import sys
import tempfile
import time

import nbclient
import nbformat

HERE = pathlib.Path(__file__).resolve().parent
SCORES = "application/vnd.tunelab.scores+json"


def scores(nb):
    """Scores of the results that are shown: study, row on task, metric -> mean."""
    found = {}
    for cell in nb.cells:
        for out in cell.get("outputs", []):
            shown = out.get("data", {}).get(SCORES)
            if shown:
                found[shown["study"]] = dict(sorted(shown["scores"].items()))
    return found


def differences(name, want, got):
    for study in sorted(set(want) | set(got)):
        a, b = want.get(study, {}), got.get(study, {})
        for row in sorted(set(a) | set(b)):
            if row not in a or row not in b:
                yield f"{name}, {study}: {row} is {'new' if row in b else 'gone'}"
            elif abs(a[row] - b[row]) > max(0.05, 0.05 * abs(a[row])):
                yield f"{name}, {study}: {row} was {a[row]:.4g}, is {b[row]:.4g}"


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--update", action="store_true")
    p.add_argument("--out", type=pathlib.Path)
    p.add_argument("notebooks", nargs="*", type=pathlib.Path)
    o = p.parse_args()
    file = HERE / "figures.json"
    figures = json.loads(file.read_text()) if file.exists() else {}
    files = [f.resolve() for f in o.notebooks] or sorted(HERE.glob("*.ipynb"))
    state = tempfile.TemporaryDirectory()
    os.environ["TUNELAB_DIR"] = state.name
    failed = []
    begun = time.time()
    for f in files:
        start = time.time()
        nb = nbformat.read(f, as_version=4)
        try:
            nbclient.NotebookClient(nb, timeout=600, kernel_name="tunelab", resources={"metadata": {"path": str(HERE)}}).execute()
        except nbclient.exceptions.CellExecutionError as e:
            failed.append(f"{f.name}: {e}")
        if o.out:
            o.out.mkdir(parents=True, exist_ok=True)
            nbformat.write(nb, o.out / f.name)
        got = scores(nb)
        if o.update:
            figures[f.name] = got
        else:
            failed += differences(f.name, figures.get(f.name, {}), got)
        print(f"   {f.name}: {sum(map(len, got.values()))} scores, {time.time() - start:.0f} s", flush=True)
    state.cleanup()
    if o.update:
        file.write_text(json.dumps(figures, indent=1, sort_keys=True) + "\n")
    for line in failed:
        print(line, file=sys.stderr)
    print(f"   {len(files)} notebooks in {time.time() - begun:.0f} s")
    return 1 if failed else 0


sys.exit(main())
