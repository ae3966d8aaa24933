# Chekomat. `make help` lists what there is to make.
SHELL := /bin/bash
export CGO_ENABLED := 1
export PATH := $(CURDIR)/.tools:$(PATH)

CHEKOMAT_TRACES ?= $(abspath ../shared/traces)
export CHEKOMAT_TRACES
FUZZTIME ?= 20000x
GOLANGCI := v2.15.0
LDFLAGS := -s -w
BINARIES := hub agent testbench
# Packages that keep a register's or a bus's own time: nothing runs beside them.
ALONE := /testbench/(firmware|conformance|register)(/|$$)
GO_FILES := $(shell git ls-files '*.go' '*.sql' '*.yaml' go.mod go.sum 2>/dev/null)

.DEFAULT_GOAL := help
.PHONY: help demo test check lint bench fuzz build web generate clean go-test crash browser

help: ## what each target does
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: bin/hub bin/agent bin/testbench ## machines sell, the hub makes receipts, QRs appear; ARGS='--for 20s --machines 5 --json'
	@bin/testbench demo $(ARGS)

test: web ## everything: unit, property, firmware, simulation, fuzz smoke, crash loop, browser
	@.ci/deps
	go vet ./...
	$(MAKE) --no-print-directory -C firmware test
	CHEKOMAT_NEED_POSTGRES=1 go test -timeout 20m $$(go list ./... | grep -vE '$(ALONE)')
	go test -timeout 20m -p 1 $$(go list ./... | grep -E '$(ALONE)')
	$(MAKE) --no-print-directory fuzz FUZZTIME=3000x
	$(MAKE) --no-print-directory crash browser

check: lint ## the quick one for every commit: lint and fast tests
	go test -short ./...

lint: .tools/golangci-lint
	golangci-lint run ./...

bench: bin/hub bin/agent bin/testbench ## every hot path beside its limit or peer, with the budgets of the design
	@bin/testbench bench $(ARGS)

fuzz: ## each fuzz target for FUZZTIME inputs (default 20000x; a time, '10m', does too)
	@testbench/fuzz.sh $(FUZZTIME)

crash: bin/hub bin/agent bin/testbench ## kill programs at random and at each kill point, break registers, fill disks; count receipts
	CHEKOMAT_CRASH=1 go test -count=1 -timeout 15m -p 1 ./testbench/crash/... ./testbench/drill/...

browser: bin/hub bin/agent bin/testbench ## dashboard and kiosk page in headless Chromium
	cd hub/web && npm run --silent test:browser

build: web ## release binaries for amd64, arm64 and armhf in dist/
	@.ci/cross
	@set -e; for t in amd64::gcc arm64::aarch64-linux-gnu-gcc arm:7:arm-linux-gnueabihf-gcc; do \
	  IFS=: read -r arch arm cc <<<"$$t"; name=$${arch/%arm/armhf}; \
	  for b in $(BINARIES); do echo "dist/$$name/$$b"; \
	    GOOS=linux GOARCH=$$arch GOARM=$$arm CC=$$cc go build -trimpath -ldflags '$(LDFLAGS)' -o dist/$$name/$$b ./$$b; done; done

web: hub/web/dist/index.html ## the dashboard, from TypeScript

hub/web/dist/index.html: $(shell git ls-files hub/web 2>/dev/null | grep -v '^hub/web/dist/')
	cd hub/web && npm ci --no-audit --no-fund --loglevel=error && npm run --silent build
	@touch $@

bin/hub: hub/web/dist/index.html $(GO_FILES)
	go build -o $@ ./hub
bin/agent: $(GO_FILES)
	go build -o $@ ./agent
bin/testbench: $(GO_FILES)
	go build -o $@ ./testbench

.tools/golangci-lint:
	GOBIN=$(CURDIR)/.tools go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI)

clean: ## what was built; the demo's data stays
	rm -rf bin dist .tools hub/web/node_modules
