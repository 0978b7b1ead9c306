#!/bin/sh
# Makes every fixture afresh with the Python of $1, in a copy of the tree, and
# compares: what the repository holds must be what those libraries say today.
set -e
python=$(realpath -s "$1")
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
cp -r go.mod go.sum framework plugins tracking "$copy"
cd "$copy"
packages="framework/llm/model framework/llm/encoder framework/llm/embed framework/llm/tokenizer framework/llm/tokenizer/chat/jinja framework/llm/tokenizer/chat framework/train/peft framework/train/quant"
for p in $packages; do
	for script in "$p"/testdata/make_fixtures.py "$p"/testdata/make_labels.py "$p"/testdata/make_further.py "$p"/testdata/make_expressions.py "$p"/testdata/make_renderings.py; do
		if [ -f "$script" ]; then
			echo "== $script"
			"$python" "$script" >log 2>&1 || { cat log; exit 1; }
		fi
	done
done
for p in $packages; do
	"${GO:-go}" test -count=1 "./$p"
done
for p in framework/llm/model framework/train/peft; do
	echo "== what $p saves, loaded in Python"
	"$python" "$p/testdata/make_fixtures.py" --check-saved
done
echo "== tokenizers on new texts"
"$python" framework/llm/tokenizer/testdata/make_fixtures.py --more "$copy/more"
TOKENIZER_PARITY="$copy/more" "${GO:-go}" test -count=1 -run Parity ./framework/llm/tokenizer
