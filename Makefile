# tunelab: `make help` lists the targets.
GO      ?= go
PLUGINS := icl cot feature head full lora qlora sft rlhf
BINS    := bin/tunelab $(PLUGINS:%=bin/plugins/tunelab-plugin-%)
PKGS    := $(shell $(GO) list ./framework/... ./tracking/... 2>/dev/null)

.PHONY: help build demo test test-all bench clean

help: ## list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

build: ## bin/tunelab and one binary for each plugin (the first build compiles SQLite and takes minutes)
	@command -v $(GO) >/dev/null || { echo "Go 1.26 or newer is needed: https://go.dev/dl/"; exit 1; }
	@echo "building tunelab and $(words $(PLUGINS)) plugins (a first build downloads modules and compiles SQLite: a few minutes) ..."
	@mkdir -p bin/plugins
	@$(GO) build -o bin/tunelab ./framework/cmd/tunelab
	@for p in $(PLUGINS); do $(GO) build -o bin/plugins/tunelab-plugin-$$p ./plugins/$$p || exit 1; done
	@echo "built: bin/tunelab, bin/plugins/"

demo: build ## the nine methods compared on the embedded model and tasks, recorded, tabled, plotted
	@bin/tunelab demo

test: ## everything CI checks
	@gofmt -l framework plugins tracking | tee /dev/stderr | (! grep -q .) || { echo "gofmt the files above"; exit 1; }
	$(GO) vet $(PKGS)
	$(GO) test -timeout 20m $(PKGS)

test-all: test ## the longer checks: cross-compiles, the race detector, random kills
	$(GO) build -o /dev/null ./framework/compute/... && GOOS=darwin GOARCH=arm64 CGO_ENABLED=0 $(GO) vet ./framework/spec/...
	TUNELAB_LONG=1 $(GO) test -timeout 60m $(PKGS)

bench: ## benchmarks, as ratios taken in one run
	$(GO) test -run '^$$' -bench . -benchtime 1s ./framework/...

clean: ## remove what the build made (recorded runs under .tunelab stay)
	rm -rf bin
