# lsmprof. `make help` lists the targets.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

PREFIX  ?= /usr/local
DESTDIR ?=
# A guest's kernel: 5.10, 6.1, 6.12, newest, distro or /path/vmlinuz; 6.12-arm64, newest-arm64.
KERNEL  ?= 6.1
CMD     ?= lsmprof check
# For `make test`: the kernels of its guests, those that also count instructions, and checks to skip (lint,
# check-generate, host, e2e).
KERNELS ?= 5.10 6.1 6.12 newest newest-arm64 6.1-arm64
ICOUNT  ?= 6.1 6.12 newest
SKIP    ?=
# Of `make accuracy` and `make overhead`.
FORMAT  ?= text
# Of `make aa`: how many short benchmarks count false alarms. With AA_FILE only these run; those that it has are kept.
AA      ?= 20
AA_FILE ?=

VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
LDFLAGS := -s -w -X github.com/lsmprof/lsmprof/internal/cli.buildVersion=$(VERSION)
# The version comes from git describe, and a clone that another user owns must not fail the build.
export GOFLAGS := -buildvcs=false $(GOFLAGS)

# Where the BPF programs are.
BPF_DIRS := bpf internal/enforcer/lookalike internal/enforcer/reference/bpf
C_SOURCES := $(wildcard $(BPF_DIRS:%=%/*.[ch]) internal/unixbench/suite/*.[ch])
# The compiler of the committed objects. go:generate names it as well.
CLANG_TOOLS := clang-19 llvm-strip-19 ld.lld-19
CLANG_FORMAT := clang-format-19

.PHONY: help demo sample apparmor-or-bpf test test-busy test-fast test-arm64 build install release generate
.PHONY: check-generate
.PHONY: lint fmt vuln vm
.PHONY: baselines two-boots accuracy overhead scale measuring aa deps image dashboard
.PHONY: test-pods test-stores

help: ## list the targets
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z0-9-]+):.*## /\1\t/' | expand -t 18
	@echo
	@echo "make vm KERNEL=6.12 CMD='lsmprof check'     KERNEL: 5.10 6.1 6.12 newest distro /path/vmlinuz"
	@echo "make test KERNELS='6.1 newest' SKIP=lint    SKIP: lint check-generate host e2e"

demo: build ## profile and benchmark a live enforcer: here as root if this kernel can, else in a VM
	@internal/demo/demo.sh

test: deps ## everything CI runs: lint, generated files, host tests, kernel tests in VMs
	@go run ./internal/vmtest/cmd/testall -kernels '$(KERNELS)' -icount '$(ICOUNT)' -skip '$(SKIP)'

test-busy: ## make test with an empty build cache, beside two busy loops: as a slow machine runs it
	@cache=$$(mktemp -d); loops=(); for i in 1 2; do while :; do :; done & loops+=($$!); done; \
	trap 'kill "$${loops[@]}"; rm -rf "$$cache"' EXIT; GOCACHE=$$cache $(MAKE) test

test-arm64: deps ## the kernel tests on arm64, with accuracy and overhead
	@go run ./internal/vmtest/cmd/testall -kernels 'newest-arm64 6.12-arm64 6.1-arm64' \
		-icount 'newest-arm64 6.12-arm64' -skip 'lint check-generate host e2e'

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

# Generates in a copy: a check must not change the tree.
check-generate: clang ## fail when the committed BPF objects differ from their sources
	@copy=$$(mktemp -d) && trap 'rm -rf "$$copy"' EXIT && \
	cp -r --parents go.mod go.sum $(BPF_DIRS) "$$copy/" && rm -f $(BPF_DIRS:%="$$copy"/%/*_bpfe[lb].{go,o}) && \
	go -C "$$copy" generate $(BPF_DIRS:%=./%) >"$$copy/log" 2>&1 || { cat "$$copy/log" >&2; exit 1; }; \
	for d in $(BPF_DIRS); do \
		diff -r $$d "$$copy/$$d" || { echo "check-generate: run make generate for $$d" >&2; exit 1; }; \
	done

# Without cgo, as the tests in guests: what is compiled for them need not be compiled again.
lint: ## go vet, staticcheck, gofumpt, clang-format and line length, without changing anything
	CGO_ENABLED=0 go vet ./...
	CGO_ENABLED=0 go -C internal/e2e vet ./...
	CGO_ENABLED=0 go tool staticcheck ./...
	@bad=$$(go tool gofumpt -l .); [ -z "$$bad" ] || { echo "gofumpt: run make fmt for:" $$bad >&2; exit 1; }
	@command -v $(CLANG_FORMAT) >/dev/null || { echo "$(CLANG_FORMAT) is missing: run make deps" >&2; exit 1; }
	$(CLANG_FORMAT) --dry-run -Werror $(C_SOURCES)
	@internal/layout/lines.sh || { echo "these lines are wider than 120 columns" >&2; exit 1; }

vuln: ## known vulnerabilities in what the binary links
	go run golang.org/x/vuln/cmd/govulncheck@v1.9.0 ./...

release: ## binaries, deb and rpm packages, SBOMs and checksums for amd64 and arm64 in dist/
	@internal/release/release.sh dist

# Needs no Docker: the image holds nothing but the static binary and its SBOM. Load it with ctr, podman, skopeo or
# docker. Kubernetes finds an image by its whole name: give IMAGE=REGISTRY/lsmprof:TAG.
IMAGE ?= lsmprof:$(VERSION)
image: ## the image of lsmprof for amd64 and arm64, as an OCI layout in dist/lsmprof-image.tar
	@mkdir -p bin/image dist
	@for a in amd64 arm64; do CGO_ENABLED=0 GOARCH=$$a go build -trimpath -ldflags '$(LDFLAGS)' \
		-o bin/image/lsmprof-$$a ./cmd/lsmprof; done
	@go -C internal/release build -o ../../bin/image/ github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod
	@for a in amd64 arm64; do bin/image/cyclonedx-gomod bin -json -noserial -notimestamp -std \
		-version '$(VERSION)' -output bin/image/lsmprof-$$a.cdx.json bin/image/lsmprof-$$a; done
	@go run ./internal/ociimage/cmd/image -name '$(IMAGE)' -version '$(VERSION)' \
		-created $$(git log -1 --format=%ct) -o dist/lsmprof-image.tar \
		bin/image/lsmprof-amd64 bin/image/lsmprof-arm64
	@ls -l dist/lsmprof-image.tar

fmt: ## format Go and C
	go tool gofumpt -w .
	$(CLANG_FORMAT) -i $(C_SOURCES)

vm: ## run CMD in a VM with KERNEL, lsmprof on its PATH
	@internal/vmtest/deps.sh demo
	@CGO_ENABLED=0 go build -o bin/vm ./internal/vmtest/cmd/vm
	@CGO_ENABLED=0 GOARCH=$(if $(filter %-arm64,$(KERNEL)),arm64,amd64) \
		go build -ldflags '$(LDFLAGS)' -o bin/guest/lsmprof ./cmd/lsmprof
	@bin/vm -kernel '$(KERNEL)' -in bin/guest/lsmprof:/usr/local/bin/lsmprof $(VMFLAGS) -- \
		$(call quote,$(value CMD))

# Not part of `make test`: a boot of its own, 3 minutes.
test-pods: deps ## lsmprof's pods under AppArmor: its own profiles, those of the runtime, kubectl debug node
	@CGO_ENABLED=0 go build -o bin/vm ./internal/vmtest/cmd/vm
	@CGO_ENABLED=0 go test -c -o bin/cli.test ./internal/cli
	@bin/vm -kernel '$(KERNEL)' -smp 1 -memory 2G -append 'apparmor=1 lsm=lockdown,capability,apparmor,bpf' \
		-with apparmor_parser -with containerd -with containerd-shim-runc-v2 -with runc -with ctr \
		-exec bin/cli.test -test.v -test.timeout 8m -test.run TestContainerdAppArmor

# Not part of `make test`: it compiles much, and only a change of profiles for stores can break it.
test-stores: ## profiles for stores, in the code of Pyroscope and Alloy
	@go -C internal/storetest test ./...

sample: build ## rebuild docs/sample/ and docs/img/: a benchmark in a VM that counts instructions (some minutes)
	@internal/demo/sample.sh

# Needs npm as well, for Grafana's components.
dashboard: deps ## draw docs/img/dashboard.png anew, from a Prometheus that scrapes four pods in a VM (10 minutes)
	@rm -rf bin/dashboard && mkdir -p bin/dashboard && cp internal/e2e/dashboard/* bin/dashboard/
	@npm --prefix bin/dashboard install --no-audit --no-fund
	@CGO_ENABLED=0 go build -o bin/vm ./internal/vmtest/cmd/vm
	@CGO_ENABLED=0 go test -c -o bin/cli.test ./internal/cli
	@bin/vm -kernel 6.1 -icount -memory 2G -env LSMPROF_TEST_DASHBOARD=/prometheus \
		-out /prometheus:bin/dashboard/database -with prometheus \
		-with containerd -with containerd-shim-runc-v2 -with runc -with ctr \
		-exec bin/cli.test -test.v -test.timeout 1h -test.run TestDashboardData
	@node bin/dashboard/make.mjs bin/dashboard/database deploy/grafana/lsmprof.json docs/img/dashboard.png

apparmor-or-bpf: build ## AppArmor against BPF in a VM that counts instructions; the reports go to bin/apparmor-or-bpf/
	@internal/demo/apparmor.sh bin/apparmor-or-bpf

baselines: build ## whether the two baselines of demo and sample differ, ten runs each (an hour)
	@internal/demo/baselines.sh demo 10 bin/baselines
	@internal/demo/baselines.sh sample 10 bin/baselines

two-boots: ## what AppArmor takes, against the same kernel booted without it, in VMs that count instructions
	@internal/demo/twoboots.sh

accuracy: ## how accurate costs are, in VMs that count instructions; FORMAT=text or json
overhead: ## what measuring costs, in the same VMs; FORMAT=text, json or bench (for benchstat)
accuracy overhead:
	@internal/vmtest/deps.sh demo
	@mkdir -p bin && CGO_ENABLED=0 go build -o bin/ ./internal/vmtest/cmd/vm
	@status=0; for k in $(filter-out 6.1-arm64,$(KERNELS)); do \
		arch=amd64; case $$k in *-arm64) arch=arm64;; esac; \
		CGO_ENABLED=0 GOARCH=$$arch go build -o bin/measure-$$arch ./internal/accuracy/cmd/measure; \
		bin/vm -kernel $$k -icount -in bin/measure-$$arch:/usr/local/bin/measure $(VMFLAGS) -- \
			measure -o $(FORMAT) $@ || status=1; \
	done; exit $$status

scale: ## what large nodes, 500 workloads and 200 programs take, in VMs and without one; FORMAT=text or json
	@internal/vmtest/deps.sh demo
	@mkdir -p bin && CGO_ENABLED=0 go build -o bin/ ./internal/vmtest/cmd/vm ./internal/accuracy/cmd/measure
	go test ./tracer -run '^$$' -bench Scale -benchtime 3x -benchmem
	@status=0; for k in $(filter-out %-arm64,$(KERNELS)); do \
		bin/vm -kernel $$k -smp 1 -memory 2G -in bin/measure:/usr/local/bin/measure $(VMFLAGS) -- \
			measure -o $(FORMAT) scale || status=1; \
	done; for cpus in 2 64 192; do \
		$(node) || status=1; \
	done; exit $$status

# The tables of a large node, for 110 and 250 workloads.
node = bin/vm -kernel 6.1 -icount -append "possible_cpus=$$cpus tsc=reliable" \
	-in bin/measure:/usr/local/bin/measure $(VMFLAGS) -- measure -o $(FORMAT) -online $$cpus node

# The figures that the docs show and the tests hold.
MEASURED := internal/accuracy/testdata/measured
measuring: FORMAT = json
measuring: ## measure the tables of docs/measuring.md again, in VMs that count instructions (an hour)
	@internal/vmtest/deps.sh test
	@mkdir -p bin && CGO_ENABLED=0 go build -o bin/ ./internal/vmtest/cmd/vm ./internal/accuracy/cmd/measure
	@set -e; keep() { mv new.json "$(MEASURED)/$$1.json"; }; trap 'rm -f new.json' EXIT; \
	for cpus in 2 64 192; do $(node) >new.json; keep nodes.$$cpus; done; \
	for k in 6.1 6.12 newest 5.10 newest-arm64 6.12-arm64; do for what in overhead accuracy; do \
		$(MAKE) --no-print-directory $$what KERNELS=$$k FORMAT=json >new.json; keep $$what.$$k; \
	done; done
	go test ./internal/accuracy ./tracer -run Docs -update

aa: ## what this machine can tell apart: benchmarks of identical scenarios (15 minutes, as root, on a quiet machine)
	go test ./internal/cli -run TestAA -v -count 1 -timeout 0 -args -aa $(AA) \
		$(if $(AA_FILE),-aa-file $(abspath $(AA_FILE)))

deps: ## install what the tests need, with apt
	@internal/vmtest/deps.sh test

# Quotes a shell line so that it survives make.
quote = '$(subst ','\'',$(1))'

.PHONY: clang
clang:
	@for t in $(CLANG_TOOLS); do command -v $$t >/dev/null || { \
		echo "$$t is missing. The BPF objects come from LLVM 19; no other gives the same bytes." >&2; \
		echo "make deps installs it (Debian bookworm, Ubuntu 24.04, and later). Elsewhere add LLVM's own" >&2; \
		echo "apt repository, or use a bookworm container. Building lsmprof needs no clang, and" >&2; \
		echo "make test SKIP='lint check-generate' skips what does." >&2; \
		exit 1; }; done
	@[ -e /usr/include/bpf/bpf_helpers.h ] || { \
		echo "bpf/bpf_helpers.h is missing: install libbpf-dev (make deps)" >&2; exit 1; }
