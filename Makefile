# lsmprof. `make help` lists the targets.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

PREFIX  ?= /usr/local
DESTDIR ?=
# A guest's kernel: 5.10, 6.1, 6.12, newest, distro or /path/vmlinuz.
KERNEL  ?= 6.1
CMD     ?= lsmprof check
# For `make test`: the guests' kernels, those that also count instructions, and checks to leave out (lint check-generate host e2e).
KERNELS ?= 5.10 6.1 6.12 newest
ICOUNT  ?= 6.1 6.12 newest
SKIP    ?=
# Of `make accuracy` and `make overhead`.
FORMAT  ?= text

VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
LDFLAGS := -s -w -X github.com/lsmprof/lsmprof/internal/cli.buildVersion=$(VERSION)
# A clone in a folder of another user is no reason to fail; the version comes from git describe.
export GOFLAGS := -buildvcs=false $(GOFLAGS)

# Where the BPF programs are.
BPF_DIRS := bpf internal/enforcer/lookalike internal/enforcer/reference/bpf
C_SOURCES := $(wildcard $(BPF_DIRS:%=%/*.[ch]) internal/unixbench/suite/*.[ch])
# The compiler that the committed objects come from. go:generate names it as well.
CLANG_TOOLS := clang-19 llvm-strip-19 ld.lld-19
CLANG_FORMAT := clang-format-19

.PHONY: help demo sample test test-fast build install generate check-generate lint fmt vm accuracy overhead scale aa deps vuln release

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 18
	@echo
	@echo "make vm KERNEL=6.12 CMD='lsmprof check'     KERNEL: 5.10 6.1 6.12 newest distro /path/vmlinuz"
	@echo "make test KERNELS='6.1 newest' SKIP=lint    SKIP: lint check-generate host e2e"

demo: build ## profile a live enforcer: here if this kernel can, else in a VM
	@internal/demo/demo.sh

test: deps ## everything CI runs: lint, generated files, host tests, kernel tests in VMs
	@go run ./internal/vmtest/cmd/testall -kernels '$(KERNELS)' -icount '$(ICOUNT)' -skip '$(SKIP)'

test-fast: ## host tests, and the kernel tests on one kernel
	@internal/vmtest/deps.sh demo
	@go vet ./... && go run ./internal/vmtest/cmd/testall -fast -kernels '$(KERNEL)' -icount ''

build: ## static binary in bin/
	@mkdir -p bin
	CGO_ENABLED=0 go build -trimpath -ldflags '$(LDFLAGS)' -o bin/lsmprof ./cmd/lsmprof

install: build ## install the binary and its man pages to PREFIX (/usr/local); DESTDIR is honoured
	install -D -m 0755 bin/lsmprof '$(DESTDIR)$(PREFIX)/bin/lsmprof'
	install -d '$(DESTDIR)$(PREFIX)/share/man/man1'
	bin/lsmprof man '$(DESTDIR)$(PREFIX)/share/man/man1'

generate: clang ## compile the BPF programs (clang-19), write their Go, build the benchmark suite
	go generate $(BPF_DIRS:%=./%) ./internal/unixbench

# Only the copy is generated: a check must not change the tree.
check-generate: clang ## fail when the committed BPF objects differ from their sources
	@copy=$$(mktemp -d) && trap 'rm -rf "$$copy"' EXIT && \
	cp -r --parents go.mod go.sum $(BPF_DIRS) "$$copy/" && rm -f $(BPF_DIRS:%="$$copy"/%/*_bpfe[lb].{go,o}) && \
	go -C "$$copy" generate $(BPF_DIRS:%=./%) >"$$copy/log" 2>&1 || { cat "$$copy/log" >&2; exit 1; }; \
	for d in $(BPF_DIRS); do \
		diff -r $$d "$$copy/$$d" || { echo "check-generate: $$d is not what its sources give; run make generate and commit" >&2; exit 1; }; \
	done

lint: ## go vet, staticcheck, gofumpt and clang-format, all without changes
	go vet ./...
	go -C internal/e2e vet ./...
	go tool staticcheck ./...
	@bad=$$(go tool gofumpt -l .); [ -z "$$bad" ] || { echo "gofumpt: run make fmt for:" $$bad >&2; exit 1; }
	@command -v $(CLANG_FORMAT) >/dev/null || { echo "$(CLANG_FORMAT) is missing: make deps installs it" >&2; exit 1; }
	$(CLANG_FORMAT) --dry-run -Werror $(C_SOURCES)

vuln: ## known vulnerabilities in what the binary links
	go run golang.org/x/vuln/cmd/govulncheck@v1.9.0 ./...

release: ## binaries, deb and rpm packages, SBOMs and checksums for amd64 and arm64 in dist/
	@internal/release/release.sh dist

fmt: ## format Go and C
	go tool gofumpt -w .
	$(CLANG_FORMAT) -i $(C_SOURCES)

vm: build ## run CMD in a VM with KERNEL, lsmprof on its PATH
	@internal/vmtest/deps.sh demo
	@CGO_ENABLED=0 go build -o bin/vm ./internal/vmtest/cmd/vm
	@bin/vm -kernel '$(KERNEL)' -in bin/lsmprof:/usr/local/bin/lsmprof $(VMFLAGS) -- $(call quote,$(value CMD))

sample: build ## make docs/sample/ anew: a bench in a VM that counts instructions (some minutes), and its reports
	@internal/demo/sample.sh

accuracy: ## how true the figures are, in VMs that count instructions; FORMAT=text or json
overhead: ## what measuring costs, likewise; FORMAT=text, json or bench (for benchstat)
accuracy overhead:
	@internal/vmtest/deps.sh demo
	@mkdir -p bin && CGO_ENABLED=0 go build -o bin/ ./internal/vmtest/cmd/vm ./internal/accuracy/cmd/measure
	@status=0; for k in $(KERNELS); do \
		bin/vm -kernel $$k -icount -in bin/measure:/usr/local/bin/measure $(VMFLAGS) -- measure -o $(FORMAT) $@ || status=1; \
	done; exit $$status

scale: ## what 500 workloads and 200 programs take: in VMs, and without one; FORMAT=text or json
	@internal/vmtest/deps.sh demo
	@mkdir -p bin && CGO_ENABLED=0 go build -o bin/ ./internal/vmtest/cmd/vm ./internal/accuracy/cmd/measure
	go test ./tracer -run '^$$' -bench Scale -benchtime 3x -benchmem
	@status=0; for k in $(KERNELS); do \
		bin/vm -kernel $$k -smp 1 -memory 2G -in bin/measure:/usr/local/bin/measure $(VMFLAGS) -- measure -o $(FORMAT) scale || status=1; \
	done; exit $$status

aa: ## what this machine can tell apart: benches of scenarios that do not differ; a quarter of an hour, as root, with nothing beside it
	go test ./internal/cli -run TestAA -v -count 1 -timeout 60m -args -aa 20

deps: ## install what the tests need, with apt
	@internal/vmtest/deps.sh test

# A shell line survives make whatever it quotes.
quote = '$(subst ','\'',$(1))'

.PHONY: clang
clang:
	@for t in $(CLANG_TOOLS); do command -v $$t >/dev/null || { \
		echo "$$t is missing: the committed BPF objects come from LLVM 19 and only it gives the same bytes." >&2; \
		echo "make deps installs it where apt has it (Debian bookworm and later, Ubuntu 24.04 and later); elsewhere add LLVM's own apt" >&2; \
		echo "repository or use a bookworm container. Building lsmprof needs no clang; make test SKIP='lint check-generate' leaves this out." >&2; \
		exit 1; }; done
	@[ -e /usr/include/bpf/bpf_helpers.h ] || { echo "bpf/bpf_helpers.h is missing: install libbpf-dev (make deps)" >&2; exit 1; }
