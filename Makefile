# make check is the whole gate; make help lists the rest.
.DEFAULT_GOAL := help
.PHONY: help check format bench quickstart clean

help: ## this list
	@sed -n 's/^\([a-z]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST) | expand -t 20

check: ## format, compile without warnings, test: what must pass before a commit
	mvn -B -ntp verify

format: ## bring every Java file into the project's format
	mvn -q -B net.revelc.code.formatter:formatter-maven-plugin:format

bench: ## Weft against PyTorch, with lines for benchmarks/RESULTS.md
	benchmarks/run.sh

quickstart: ## train a small model and let it write
	./weft quickstart

clean: ## remove what was built
	mvn -q -B clean
	rm -rf target
