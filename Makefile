# SPDX-License-Identifier: Apache-2.0
#
# A facade: every target is one or two commands that can be run by hand as well.

BINARY := build/release/sparkfit
FUZZ_RUNS ?= 1000000
FUZZ_TARGETS := $(patsubst tests/fuzz/targets/%_fuzz.cc,%,$(wildcard tests/fuzz/targets/*_fuzz.cc))

.DEFAULT_GOAL := help

##@ Start here

.PHONY: help
help: ## this text
	@awk 'BEGIN {FS = ":.*## "} \
	  /^##@/ {printf "\n%s\n", substr($$0, 5)} \
	  /^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: demo
demo: deps ## install what is needed, build, and replay seven runs each of five real Spark jobs
	cmake --preset release
	cmake --build --preset release --target sparkfit
	$(BINARY) replay examples/trials.ndjson.gz

.PHONY: test
test: deps ## install what is needed, build, and run all tests
	cmake --workflow --preset release

##@ Build

.PHONY: deps
deps: ## install the packages that building and testing need (Debian 12)
	tools/install-deps build

.PHONY: build
build: deps ## build build/release/sparkfit and its tests
	cmake --preset release
	cmake --build --preset release

.PHONY: clean
clean: ## remove everything that was built
	rm -rf build

##@ Check

.PHONY: verify
verify: ## layers, clock, places of tests, formatting, links and the chart's documents
	@for check in tools/verify-*; do $$check || exit 1; done

.PHONY: format
format: ## format the sources in place
	tools/install-deps clang
	git ls-files '*.h' '*.cc' | xargs clang-format-14 -i

.PHONY: tidy
tidy: ## clang-tidy and clang's thread-safety analysis
	tools/install-deps build clang
	cmake --preset tidy
	cmake --build --preset tidy

.PHONY: alerts
alerts: ## rules, rule tests, queries of dashboards, metrics against code and document; no cluster
	tools/install-deps chart cluster
	tests/alerts/run.py

.PHONY: examples
examples: ## examples and dashboards against the schemas of EMR, Airflow, the Spark operator, Grafana (pip, Go)
	tests/examples/run.py

.PHONY: asan
asan: deps ## tests under AddressSanitizer and UndefinedBehaviorSanitizer
	cmake --workflow --preset asan

.PHONY: tsan
tsan: deps ## tests under ThreadSanitizer
	cmake --workflow --preset tsan

.PHONY: fuzz
fuzz: ## each fuzz target FUZZ_RUNS times
	tools/install-deps build clang
	cmake --preset fuzz
	cmake --build --preset fuzz --target $(addprefix fuzz_,$(FUZZ_TARGETS))
	@for target in $(FUZZ_TARGETS); do \
	  mkdir -p build/fuzz/corpus/$$target; \
	  build/fuzz/tests/fuzz_$$target -runs=$(FUZZ_RUNS) -max_len=4096 -print_final_stats=1 -artifact_prefix=build/fuzz/ \
	    build/fuzz/corpus/$$target tests/fuzz/corpus/$$target || exit 1; \
	done

.PHONY: coverage
coverage: ## line coverage of src, as text
	tools/install-deps build coverage
	cmake --workflow --preset coverage
	gcovr --root . --filter src/ --filter include/ build/coverage

##@ Cluster

.PHONY: cluster-up
cluster-up: ## a real single-node Kubernetes with Spark, for tests (root; docs/testing.md)
	tools/install-deps cluster
	tests/cluster/cluster.sh build
	tests/cluster/cluster.sh up

.PHONY: cluster-down
cluster-down: ## take it down again
	tests/cluster/cluster.sh down

.PHONY: chart-test
chart-test: ## the chart: lint, golden renders, schemas of four Kubernetes, wrong values; no cluster
	tools/install-deps chart
	tests/cluster/cluster.sh build helm helm3 kubeconform
	tests/chart/run.py

.PHONY: e2e
e2e: build cluster-up chart-test alerts ## every end-to-end suite, about an hour; results in build/e2e
	tests/e2e/run.py

.PHONY: html
html: build ## the pages of reports in a real browser (Debian's chromium)
	tools/install-deps browser
	tests/html/run.py $(BINARY) --large

.PHONY: import-test
import-test: build ## `sparkfit import` against a real Prometheus on loopback (Debian's prometheus)
	tools/install-deps cluster
	tests/import/run.py $(BINARY) --large

.PHONY: e2e-smoke
e2e-smoke: build cluster-up chart-test alerts ## the short ones, about 6 minutes once the tools are built
	tests/e2e/run.py --smoke

.PHONY: image
image: ## the container image, built of the Dockerfile without a registry, and checked (root)
	tools/install-deps image
	tests/cluster/image.sh build

##@ Measure

.PHONY: bench
bench: deps ## benchmarks; docs/performance.md says how to read them
	cmake --preset release
	cmake --build --preset release --target sparkfit sparkfit_bench
	build/release/tests/sparkfit_bench --benchmark_repetitions=5 --benchmark_report_aggregates_only=true
	tests/bench/live/run.py $(BINARY)
	tests/bench/live/webhook.py $(BINARY)
	tests/bench/live/attack.py $(BINARY)

.PHONY: bench-scale
bench-scale: deps ## sparkfit beside VPA on a real API server with 1,000 to 20,000 pods; 90 minutes in parts that resume (root)
	tools/install-deps cluster
	cmake --preset release
	cmake --build --preset release --target sparkfit
	tests/cluster/cluster.sh build etcd kube-apiserver kubectl kwok vpa-recommender vpa-admission-controller
	tests/bench/scale/run.py
	tools/plot-scale

##@ Contribute

.PHONY: hooks
hooks: ## run the checks before every commit
	git config core.hooksPath tools/githooks
