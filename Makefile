# The appliance on a virtual Pi; `make help` lists the targets. The work is done in tests/virtual/pi.
SHELL := /bin/bash
HTTPS_PORT ?= 8443
BIN := .venv/bin
PI := tests/virtual/pi/run.sh

.DEFAULT_GOAL := help
.PHONY: help up down shell load test lint format fuzz benchmark lock contract wifi arm64 first-boot fleet power-cuts restore clean .venv

help: ## list these targets
	@grep -hE '^[a-z0-9-]+:.*##' Makefile | sed -E 's/^([a-z0-9-]+):[^#]*## /make \1|/' | column -t -s '|'

up: ## bring up the virtual Pi with a simulated meter, until its reading is in InfluxDB [HTTPS_PORT=8443 D2L=1 TIC=1]
	@$(PI) up --https-port $(HTTPS_PORT) $(if $(D2L),--d2l) $(if $(TIC),--tic)

down: ## remove the virtual Pi and everything it left on this machine, except caches
	@$(PI) down

shell: ## root's shell on the virtual Pi; one command with CMD='…'
	@$(PI) shell pi $(if $(value CMD),'$(subst ','\'',$(value CMD))')

load: ## let the simulated meter's household draw WATTS=1500, or WATTS=profile (a day's course)
	@$(PI) load $(or $(WATTS),profile)

test: ## lint, unit tests, the repository's rules and the whole appliance; only the tests of PART=zigbee [PIS=4]
	@$(PI) test $(if $(PART),--part '$(PART)') $(if $(PIS),--pis '$(PIS)')

lint: .venv ## yamllint, ansible-lint, ruff, mypy --strict, shellcheck
	@PATH="$(CURDIR)/$(BIN):$$PATH" tests/virtual/pi/lint.sh

format: .venv ## lay out the Python code as `make lint` wants it
	@$(BIN)/ruff check --fix . ; $(BIN)/ruff format .

fuzz: .venv ## damaged input for every parser of what comes from outside [INPUTS=1000000 SEED=…]
	@PYTHONPATH=files/hems/src $(BIN)/python -m tests.fuzz --inputs $(or $(INPUTS),1000000) $(if $(SEED),--seed $(SEED))

benchmark: .venv ## how many D2L dongles one daemon carries, on this machine; PART=start: how soon the hems command is there; PART=history: ten million readings compared; PART=history_kills: the backfill killed 20 times
	@PYTHONPATH=files/hems/src $(BIN)/python -m tests.benchmark.$(or $(PART),d2l) $(ARGUMENTS)

lock: .venv ## write every lock file anew [UPGRADE=1: with newer versions]
	@PATH="$(CURDIR)/$(BIN):$$PATH" UPGRADE=$(UPGRADE) tests/virtual/pi/lock.sh

first-boot: ## a new site's card makes a virtual Pi that nobody has touched the site's box
	@$(PI) first-boot

fleet: ## the fleet's releases on virtual Pis: taken, refused, undone, ring by ring, the power cut meanwhile [CUTS=3 SEED=…]
	@CUTS='$(or $(CUTS),3)' SEED='$(SEED)' $(PI) fleet

power-cuts: ## a release of the whole playbook, and the power cut at N=100 random moments of updates on a virtual Pi [SEED=…]
	@CUTS='$(or $(N),100)' SEED='$(SEED)' $(PI) power-cuts

restore: ## a virtual Pi is lost, and its backup makes a blank one the site again
	@$(PI) restore

wifi: .venv ## `hems wifi` and the hotspot over simulated radios, in a virtual machine (QEMU)
	@$(BIN)/python -m pytest -rs --durations=15 tests/wifi

arm64: .venv ## the appliance on 64-bit ARM: a whole machine emulated by QEMU, played, read, rebooted; goes on where it stopped (hours)
	@$(BIN)/python -B -m tests.virtual.arm64

contract: .venv ## the InfluxDB contract tests against a real server [INFLUXDB_URL=http://…:8086]
	@$(BIN)/python -m pytest tests/contract --influxdb-url '$(INFLUXDB_URL)'

clean: ## down, and the image, download caches, logs, keys and .venv
	@$(PI) clean

.venv:
	@$(PI) tooling
