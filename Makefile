# actord: every rule of the project. `make help` lists the targets.
#
#   MODE=release|debug              how to build; release is the default
#   SANITIZE=address|undefined|thread   a mode of its own (address includes undefined)
#   CC CFLAGS CPPFLAGS LDFLAGS DESTDIR PREFIX   as usual
#   PROBES=0                        without the probes for tracers (docs/tracing.md)
#   WERROR=1                        warnings are errors (CI)
#   T=text                          `make test`: only the programs whose name contains it
#   STRICT=1                        `make scenarios`: open ones are failures too
#   V=1                             show the commands

VERSION   := 0.1.0
SOVERSION := 0

# --- What is built from what -------------------------------------------------
# One source a line. A group may use the groups above it, never those below.

LIBACTOR_SRC := \
    libactor/ask.c \
    libactor/barrier.c \
    libactor/blocks.c \
    libactor/call.c \
    libactor/clock.c \
    libactor/dead.c \
    libactor/epoch.c \
    libactor/error.c \
    libactor/ext.c \
    libactor/futex.c \
    libactor/lanes.c \
    libactor/lifecycle.c \
    libactor/mailbox.c \
    libactor/memory.c \
    libactor/msg.c \
    libactor/names.c \
    libactor/notice.c \
    libactor/pool.c \
    libactor/room.c \
    libactor/run.c \
    libactor/runq.c \
    libactor/self.c \
    libactor/send.c \
    libactor/sim.c \
    libactor/slot.c \
    libactor/spawn.c \
    libactor/system.c \
    libactor/table.c \
    libactor/thread.c \
    libactor/timer.c \
    libactor/trim.c \
    libactor/watch.c \
    libactor/wheel.c \
    libactor/worker.c \

SUPERVISORS_SRC := \
	supervisors/backoff.c \
	supervisors/breaker.c \
	supervisors/budget.c \
	supervisors/calls.c \
	supervisors/change.c \
	supervisors/look.c \
	supervisors/decide.c \
	supervisors/errors.c \
	supervisors/hedge.c \
	supervisors/limiter.c \
	supervisors/map.c \
	supervisors/march.c \
	supervisors/prng.c \
	supervisors/request.c \
	supervisors/retry.c \
	supervisors/pool.c \
	supervisors/slot.c \
	supervisors/spec.c \
	supervisors/supervisor.c \
	supervisors/within.c \

CONFIG_SRC := \
  config/check.c \
  config/children.c \
  config/document.c \
  config/errors.c \
  config/expand.c \
  config/fallbacks.c \
  config/file.c \
  config/load.c \
  config/lookup.c \
  config/names.c \
  config/node.c \
  config/plan.c \
  config/plan_text.c \
  config/read.c \
  config/rules.c \
  config/schema.c \
  config/suggest.c \
  config/text.c \
  config/types.c \
  config/types_own.c \
  config/units.c \

DAEMON_SRC := \
	daemon/account.c \
	daemon/alarm.c \
	daemon/attempt.c \
	daemon/call.c \
	daemon/child.c \
	daemon/clock.c \
	daemon/daemon.c \
	daemon/deadletter.c \
	daemon/delivery.c \
	daemon/demo.c \
	daemon/directory.c \
	daemon/fallback.c \
	daemon/front.c \
	daemon/front_client.c \
	daemon/front_nng.c \
	daemon/front_nng_client.c \
	daemon/front_nng_slot.c \
	daemon/front_path.c \
	daemon/front_request.c \
	daemon/front_sp.c \
	daemon/front_sp_conn.c \
	daemon/front_sp_out.c \
	daemon/front_tcp.c \
	daemon/heap.c \
	daemon/json.c \
	daemon/json_number.c \
	daemon/json_out.c \
	daemon/json_text.c \
	daemon/kind.c \
	daemon/kind_exec.c \
	daemon/kind_trial.c \
	daemon/kind_worker.c \
	daemon/ledger.c \
	daemon/listen.c \
	daemon/log.c \
	daemon/log_out.c \
	daemon/loop.c \
	daemon/main.c \
	daemon/message.c \
	daemon/method_actor.c \
	daemon/method_breaker.c \
	daemon/method_config.c \
	daemon/method_deadletter.c \
	daemon/method_message.c \
	daemon/method_spawn.c \
	daemon/method_steer.c \
	daemon/method_system.c \
	daemon/methods.c \
	daemon/node_json.c \
	daemon/notify.c \
	daemon/plan_json.c \
	daemon/policy.c \
	daemon/policy_breaker.c \
	daemon/policy_limiter.c \
	daemon/process.c \
	daemon/process_io.c \
	daemon/quiet.c \
	daemon/reload.c \
	daemon/reload_change.c \
	daemon/reload_plan.c \
	daemon/rfc3339.c \
	daemon/rpc.c \
	daemon/rpc_params.c \
	daemon/runner.c \
	daemon/session.c \
	daemon/spawn_env.c \
	daemon/spawn_request.c \
	daemon/spawner.c \
	daemon/loaded.c \
	daemon/table.c \
	daemon/tree.c \
	daemon/unit.c \
	daemon/unit_message.c \
	daemon/unit_place.c \
	daemon/unit_put.c \
	daemon/unit_submit.c \
	daemon/utf8.c \
	daemon/worker_line.c \

ACTORCTL_SRC := \
	actorctl/buf.c \
	actorctl/client.c \
	actorctl/completion.c \
	actorctl/ctl.c \
	actorctl/help.c \
	actorctl/human.c \
	actorctl/jsontext.c \
	actorctl/main.c \
	actorctl/options.c \
	actorctl/out.c \
	actorctl/protocol.c \
	actorctl/setting.c \
	actorctl/verb.c \
	actorctl/verbs_actor.c \
	actorctl/verbs_breaker.c \
	actorctl/verbs_config.c \
	actorctl/verbs_deadletter.c \
	actorctl/verbs_local.c \
	actorctl/verbs_message.c \
	actorctl/view.c \
	actorctl/view_inspect.c \
	actorctl/view_ls.c \
	actorctl/view_status.c \
	actorctl/view_tree.c \
	actorctl/watch.c \

# What actorctl takes from other folders.
ACTORCTL_SHARED_SRC := \
	config/suggest.c \
	config/units.c \

# The static helper that sets limits, user and death signal of a child.
CHILD_SRC := \
	daemon/child/actord-child.c \

# The benchmark of the daemon.
BENCH_DAEMON_SRC := \
	bench/daemon.c \
	bench/load_nng.c \
	bench/load_plain.c \
	bench/series.c \
	bench/server.c \

# The benchmarks of the runtime; all but main() are linked into their test too.
BENCH_RUNTIME_SRC := \
	bench/runtime/actors.c \
	bench/runtime/bench.c \
	bench/runtime/crowds.c \
	bench/runtime/memory.c \
	bench/runtime/messages.c \
	bench/runtime/shares.c \
	bench/runtime/waits.c \

# What the policies cost; all but main() is linked into its test too.
BENCH_POLICIES_SRC := \
	bench/policies.c \
	bench/series.c \

# --- Modes -------------------------------------------------------------------

MODE     ?= release
SANITIZE ?=

ifneq ($(SANITIZE),)
  ifeq ($(filter address undefined thread,$(SANITIZE)),)
    $(error SANITIZE=$(SANITIZE) is unknown: use address, undefined or thread)
  endif
  override MODE := $(SANITIZE)
endif
ifeq ($(filter release debug address undefined thread,$(MODE)),)
  $(error MODE=$(MODE) is unknown: use release, debug, or SANITIZE=address, undefined or thread)
endif
ifneq ($(filter address undefined thread,$(MODE)),)
  SANITIZE := $(MODE)
endif

OUT := build/$(MODE)
OBJ := $(OUT)/obj
# Only a release build may touch build/actord, so that modes never mix.
BIN := $(if $(filter release,$(MODE)),build,$(OUT))

# --- Flags -------------------------------------------------------------------

PREFIX     ?= /usr/local
BINDIR     ?= $(PREFIX)/bin
LIBDIR     ?= $(PREFIX)/lib
LIBEXECDIR ?= $(PREFIX)/libexec/actord
INCLUDEDIR ?= $(PREFIX)/include
DATADIR    ?= $(PREFIX)/share
SYSCONFDIR ?= /etc

CFLAGS_release   := -O2 -g -D_FORTIFY_SOURCE=2 -fstack-protector-strong
CFLAGS_debug     := -Og -g
CFLAGS_address   := -O1 -g
CFLAGS_undefined := -O1 -g
CFLAGS_thread    := -O1 -g
CFLAGS           ?= $(CFLAGS_$(MODE))
LDFLAGS          ?= -Wl,-z,relro,-z,now

WARNINGS := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wformat=2
# ACTOR_DEBUG: the runtime's own checks (poisoned messages, owner of an actor's state).
DEBUG_DEFS  := $(if $(filter release,$(MODE)),,-DACTOR_DEBUG=1)
SAN_address   := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
SAN_undefined := -fsanitize=undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
SAN_thread    := -fsanitize=thread -fno-omit-frame-pointer
SAN           := $(SAN_$(SANITIZE))

BASE_CFLAGS := -std=c11 -D_GNU_SOURCE -I. $(WARNINGS) -pthread $(if $(WERROR),-Werror) \
    $(if $(filter 0,$(PROBES)),-DACTOR_PROBES=0)
COMPILE = $(CC) $(BASE_CFLAGS) -fvisibility=hidden $(DEBUG_DEFS) $(CPPFLAGS) $(CFLAGS) $(SAN)
LINK    = $(CC) $(CFLAGS) $(SAN) -pthread $(LDFLAGS)
DEPGEN  = -MMD -MP -MF $(@:.o=.d)

# What only the programs know: their version and where actord-child is installed.
DEFS = -DACTORD_VERSION='"$(VERSION)"' -DACTORD_LIBEXECDIR='"$(LIBEXECDIR)"'

DAEMON_LIBS   := -levent_core -levent_pthreads -lnng -lcjson -lyaml -lsystemd -lm
ACTORCTL_LIBS := -lnng -lcjson
CHECK_LIBS    := -lcheck_pic -lsubunit -lrt -lm

Q := $(if $(V),,@)
say = $(if $(V),,@printf '  %-5s %s\n' '$(1)' '$(2)')

# --- Files -------------------------------------------------------------------

objs = $(patsubst %.c,$(OBJ)/%.o,$(1))

LIBACTOR_OBJ    := $(call objs,$(LIBACTOR_SRC))
LIBACTOR_PIC    := $(patsubst %.c,$(OBJ)/pic/%.o,$(LIBACTOR_SRC))
SUPERVISORS_OBJ := $(call objs,$(SUPERVISORS_SRC))
CONFIG_OBJ      := $(call objs,$(CONFIG_SRC))
DAEMON_OBJ      := $(call objs,$(DAEMON_SRC))
ACTORCTL_OBJ    := $(call objs,$(ACTORCTL_SRC))
ACTORCTL_SHARED := $(call objs,$(ACTORCTL_SHARED_SRC))
CHILD_OBJ       := $(call objs,$(CHILD_SRC))

LIBACTOR_A  := $(BIN)/libactor.a
LIBACTOR_SO := $(BIN)/libactor.so
# All of the daemon but main(), so that unit tests can link it.
LIBACTORD_A := $(OUT)/libactord.a
# Likewise of actorctl.
LIBACTORCTL_A := $(OUT)/libactorctl.a
SUPPORT_A   := $(OUT)/libsupport.a

LIBRARIES := $(if $(LIBACTOR_SRC),$(LIBACTOR_A) $(if $(SANITIZE),,$(LIBACTOR_SO) $(BIN)/libactor.pc))
PROGRAMS  := $(if $(filter daemon/main.c,$(DAEMON_SRC)),$(BIN)/actord) \
             $(if $(filter actorctl/main.c,$(ACTORCTL_SRC)),$(BIN)/actorctl) \
             $(if $(CHILD_SRC),$(BIN)/actord-child)

matching = $(if $(T),$(foreach f,$(1),$(if $(findstring $(T),$(f)),$(f))),$(1))
UNIT_SRC    := $(wildcard tests/unit/test_*.c)
E2E_SRC     := $(wildcard tests/e2e/test_*.c)
SUPPORT_SRC := $(wildcard tests/support/*.c)
HARNESS_SRC := $(wildcard tests/e2e/harness*.c)
SUPPORT_OBJ := $(call objs,$(SUPPORT_SRC))
HARNESS_OBJ := $(call objs,$(HARNESS_SRC))
UNIT_BIN    := $(patsubst %.c,$(OUT)/%,$(call matching,$(UNIT_SRC)))
E2E_BIN     := $(patsubst %.c,$(OUT)/%,$(call matching,$(E2E_SRC)))
# They take the number of seeds from SEEDS, one seed from SEED.
SIMULATIONS := test_actor_sim test_actor_room_sim test_supervisor_sim test_delivery_sim
BENCH_DAEMON_OBJ := $(call objs,$(BENCH_DAEMON_SRC))
BENCH_DAEMON     := $(OUT)/bench/daemon
BENCH_RUNTIME_OBJ := $(call objs,$(BENCH_RUNTIME_SRC))
BENCH_RUNTIME     := $(OUT)/bench/runtime
LIBBENCH_A        := $(OUT)/libbench.a
BENCH_POLICIES_OBJ := $(call objs,$(BENCH_POLICIES_SRC))
BENCH_POLICIES     := $(OUT)/bench/policies
BENCH_PEERS       := build/bench/peers
TEST_OBJ    := $(call objs,$(UNIT_SRC) $(E2E_SRC)) $(SUPPORT_OBJ) $(HARNESS_OBJ) $(BENCH_RUNTIME_OBJ) $(call objs,bench/policies.c)

PRODUCT_OBJ := $(sort $(LIBACTOR_OBJ) $(SUPERVISORS_OBJ) $(CONFIG_OBJ) $(DAEMON_OBJ) \
               $(ACTORCTL_OBJ) $(ACTORCTL_SHARED))

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.SUFFIXES:
.SECONDARY:

# --- Targets for people ------------------------------------------------------

.PHONY: all run test bench bench-daemon bench-policies bench-runtime bench-tree bench-peers asan tsan scenarios valgrind simulate model lint install uninstall deps format clean help

all: $(LIBRARIES) $(PROGRAMS) ## build the programs and libactor (the default)

run: all ## build, then run the demo
	$(BIN)/actord demo

test: all $(UNIT_BIN) $(E2E_BIN) ## build and run all tests; T=text runs some
	@tests/run $(BIN) $(UNIT_BIN) $(E2E_BIN)

bench: ## measure the runtime, then the daemon
	@$(MAKE) --no-print-directory bench-runtime
	@$(MAKE) --no-print-directory bench-daemon

bench-daemon: all $(BENCH_DAEMON) ## measure the daemon against NNG itself; fails if a goal is missed
	@$(BENCH_DAEMON) $(BIN)/actord

bench-policies: $(BENCH_POLICIES) ## measure what retry, breaker, limiter and timeout cost a message
	@$(BENCH_POLICIES)

bench-runtime: $(BENCH_RUNTIME) ## measure the runtime; T=program measures one
	@bench/table --out build/bench-runtime.md $(BENCH_RUNTIME) $(T)

bench-tree: $(OUT)/tests/unit/test_supervisor_scale ## measure 10,000 and 100,000 children; fails if a goal is missed
	@CHILDREN=10000 $<

bench-peers: $(BENCH_RUNTIME) bench-peers-built ## measure the runtime beside CAF, Erlang and Go
	@bench/table --peers $(BENCH_PEERS) --out build/bench-peers.md $(BENCH_RUNTIME) $(T)

asan: ## the tests under AddressSanitizer and UBSan
	@$(MAKE) --no-print-directory test SANITIZE=address

tsan: ## the tests under ThreadSanitizer
	@$(MAKE) --no-print-directory test SANITIZE=thread

scenarios: all ## the catalogue of behaviours and whether each holds; STRICT=1
	@$(MAKE) --no-print-directory $$(tests/scenarios programs $(OUT))
	@tests/scenarios run $(if $(STRICT),--strict) $(BIN) $(OUT)

valgrind: all $(UNIT_BIN) ## the unit tests under valgrind
	@scripts/deps ensure valgrind
	@TEST_TIMEOUT=1200 VALGRIND=1 tests/run $(BIN) $(UNIT_BIN)

simulate: all $(patsubst %,$(OUT)/tests/unit/%,$(SIMULATIONS)) ## the simulations with many seeds; SEEDS=n
	@SEEDS=$(or $(SEEDS),1000) CK_TIMEOUT_MULTIPLIER=60 TEST_TIMEOUT=3600 \
	    tests/run $(BIN) $(filter $(OUT)/tests/%,$^)

model: ## check the lock-free parts as models, with spin; T=text checks some
	@scripts/deps ensure model
	@tests/model/run build/model $(T)

lint: lint-sources lint-format lint-clang lint-tidy lint-cppcheck lint-shell lint-unit ## formatter, analyzers, thread safety, unit

install: install-lib install-bin install-docs install-etc ## install below DESTDIR and PREFIX (/usr/local)

uninstall: uninstall-files ## remove what install put there, but not the configuration

deps: ## install the Debian packages needed to build and test
	@scripts/deps install build test

format: | need-lint ## format all C sources in place
	@$(if $(C_FILES),clang-format -i $(C_FILES))

clean: ## remove build/
	rm -rf build

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1\t\2/p' Makefile | while IFS="$$(printf '\t')" read -r t h; \
	    do printf '  %-14s %s\n' "$$t" "$$h"; done

# --- Prerequisites -----------------------------------------------------------
# Order-only, so that they run before the first compiler call and rebuild nothing; in a
# chain, for two apt-get at a time lock each other out.

.PHONY: need-build need-test need-lint FORCE
need-build:
	@scripts/deps ensure build
need-test: | need-build
	@scripts/deps ensure test
need-lint: | need-test
	@scripts/deps ensure lint

# Objects are rebuilt when the flags they were built with change.
quote = '$(subst ','\'',$(1))'
define stamp
@mkdir -p $(@D)
@printf '%s\n' $(call quote,$(1)) | cmp -s - $@ || printf '%s\n' $(call quote,$(1)) >$@
endef

$(OUT)/flags: FORCE
	$(call stamp,$(COMPILE) $(LDFLAGS))
$(OUT)/defs: FORCE
	$(call stamp,$(DEFS))
# Archives are made anew when a list of sources changes, also by an object that exists already.
$(OUT)/sources: FORCE
	$(call stamp,$(LIBACTOR_SRC) $(SUPERVISORS_SRC) $(CONFIG_SRC) $(DAEMON_SRC) $(ACTORCTL_SRC) \
	    $(ACTORCTL_SHARED_SRC) $(SUPPORT_SRC))

# The templates (*.in) name the directories and the version as @NAME@.
fill = sed $(foreach v,VERSION PREFIX BINDIR LIBDIR LIBEXECDIR INCLUDEDIR SYSCONFDIR,\
    -e 's|@$(v)@|$($(v))|g') $(1)

# --- Objects -----------------------------------------------------------------

$(PRODUCT_OBJ): $(OBJ)/%.o: %.c $(OUT)/flags | need-build
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(COMPILE) $(EXTRA) $(DEPGEN) -c -o $@ $<

$(LIBACTOR_PIC): $(OBJ)/pic/%.o: %.c $(OUT)/flags | need-build
	$(call say,CC,$< (pic))
	@mkdir -p $(@D)
	$(Q)$(COMPILE) -fPIC $(DEPGEN) -c -o $@ $<

$(TEST_OBJ) $(BENCH_DAEMON_OBJ): $(OBJ)/%.o: %.c $(OUT)/flags | need-test
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(COMPILE) $(EXTRA) $(DEPGEN) -c -o $@ $<

# Without a sanitizer in every mode: none of them works in a static program.
$(CHILD_OBJ): $(OBJ)/%.o: %.c $(OUT)/flags | need-build
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(BASE_CFLAGS) $(CPPFLAGS) $(CFLAGS) $(DEPGEN) -c -o $@ $<

$(DAEMON_OBJ) $(ACTORCTL_OBJ): $(OUT)/defs
$(DAEMON_OBJ) $(ACTORCTL_OBJ): EXTRA = $(DEFS)

# --- Libraries and programs --------------------------------------------------

define archive
$(call say,AR,$@)
@mkdir -p $(@D)
@rm -f $@
$(Q)$(AR) rcs $@ $(filter %.o,$^)
endef

$(LIBACTOR_A) $(LIBACTORD_A) $(SUPPORT_A) $(LIBACTORCTL_A) $(LIBACTOR_SO): $(OUT)/sources

$(LIBACTOR_A): $(LIBACTOR_OBJ) | need-build
	$(archive)

$(LIBACTORD_A): $(SUPERVISORS_OBJ) $(CONFIG_OBJ) $(filter-out $(OBJ)/daemon/main.o,$(DAEMON_OBJ)) | need-build
	$(archive)

$(SUPPORT_A): $(SUPPORT_OBJ) | need-test
	$(archive)

$(LIBACTORCTL_A): $(filter-out $(OBJ)/actorctl/main.o,$(ACTORCTL_OBJ)) $(ACTORCTL_SHARED) | need-build
	$(archive)

$(LIBACTOR_SO): $(LIBACTOR_PIC)
	$(call say,LD,$@)
	$(Q)$(LINK) -shared -Wl,-soname,$(LIBACTOR_SONAME) -o $@.$(VERSION) $(filter %.o,$^)
	@ln -sf libactor.so.$(VERSION) $@.$(SOVERSION)
	@ln -sf libactor.so.$(VERSION) $@

# Written for the PREFIX at hand; `make install` writes its own.
$(BIN)/libactor.pc: scripts/libactor.pc.in FORCE
	@mkdir -p $(@D)
	@$(call fill,$<) | cmp -s - $@ || $(call fill,$<) >$@

$(BIN)/actord: $(OBJ)/daemon/main.o $(LIBACTORD_A) $(LIBACTOR_A)
	$(call say,LD,$@)
	$(Q)$(LINK) -o $@ $^ $(DAEMON_LIBS)

$(BIN)/actorctl: $(OBJ)/actorctl/main.o $(LIBACTORCTL_A)
	$(call say,LD,$@)
	$(Q)$(LINK) -o $@ $^ $(ACTORCTL_LIBS)

$(BIN)/actord-child: $(CHILD_OBJ)
	$(call say,LD,$@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -static -o $@ $^

# --- Tests -------------------------------------------------------------------

$(patsubst %.c,$(OUT)/%,$(UNIT_SRC)): $(OUT)/%: $(OBJ)/%.o $(LIBBENCH_A) $(SUPPORT_A) $(LIBACTORD_A) $(LIBACTORCTL_A) $(LIBACTOR_A)
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(LINK) -o $@ $^ $(CHECK_LIBS) $(DAEMON_LIBS)

$(patsubst %.c,$(OUT)/%,$(E2E_SRC)): $(OUT)/%: $(OBJ)/%.o $(HARNESS_OBJ) $(SUPPORT_A) | need-test
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(LINK) -o $@ $^ $(CHECK_LIBS) $(ACTORCTL_LIBS)

# --- Benchmarks --------------------------------------------------------------

$(BENCH_DAEMON): $(BENCH_DAEMON_OBJ) | need-build
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(LINK) -o $@ $^ -lnng -lsystemd -lm

# --- Benchmarks of the runtime -----------------------------------------------

$(LIBBENCH_A): $(BENCH_RUNTIME_OBJ) $(BENCH_POLICIES_OBJ)
	$(archive)

$(BENCH_POLICIES): $(OBJ)/bench/policies_main.o $(LIBBENCH_A) $(SUPPORT_A) $(LIBACTORD_A) $(LIBACTOR_A)
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(LINK) -o $@ $^ $(DAEMON_LIBS) $(CHECK_LIBS)

$(BENCH_RUNTIME): $(OBJ)/bench/runtime/main.o $(LIBBENCH_A) $(LIBACTOR_A)
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(LINK) -o $@ $^

# As the peers' programs are built; libactor is as users get it.
$(BENCH_RUNTIME_OBJ): EXTRA = $(if $(filter release,$(MODE)),-O3)

$(OBJ)/bench/runtime/main.o $(OBJ)/bench/policies_main.o: $(OBJ)/%.o: %.c $(OUT)/flags | need-build
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(COMPILE) $(DEPGEN) -c -o $@ $<

.PHONY: bench-peers-built
bench-peers-built: $(BENCH_PEERS)/caf $(BENCH_PEERS)/bench.beam $(BENCH_PEERS)/go

.PHONY: need-bench
need-bench: | need-build
	@scripts/deps ensure bench

$(BENCH_PEERS)/caf: bench/peers/caf.cpp | need-bench
	$(call say,CXX,$<)
	@mkdir -p $(@D)
	$(Q)g++ -O3 -DNDEBUG -std=c++17 -o $@ $< -lcaf_core -pthread

$(BENCH_PEERS)/bench.beam: bench/peers/bench.erl | need-bench
	$(call say,ERLC,$<)
	@mkdir -p $(@D)
	$(Q)erlc -o $(@D) $<

$(BENCH_PEERS)/go: bench/peers/main.go | need-bench
	$(call say,GO,$<)
	@mkdir -p $(@D)
	$(Q)go build -o $@ $<

# --- Lint --------------------------------------------------------------------
# Every step fails by itself: `make lint-tidy` and so on.

.PHONY: lint-sources lint-format lint-clang lint-tidy lint-cppcheck lint-shell lint-unit
C_DIRS   := $(wildcard libactor supervisors config daemon actorctl tests bench examples)
C_FILES   = $(sort $(shell find $(C_DIRS) -name '*.[ch]'))
C_SOURCES = $(filter %.c,$(C_FILES))
# A step over files does nothing while there are none.
# One file a process: clang-tidy 14 carries what it knows of a va_list into the next file.
each = $(if $(C_SOURCES),printf '%s\n' $(C_SOURCES) | xargs -P2 -n1)

LINT_CFLAGS = $(BASE_CFLAGS) -DACTOR_DEBUG=1 $(DEFS)

# A source that is in no list is never built; a public header stands by itself.
UNLISTED = $(filter-out $(LIBACTOR_SRC) $(SUPERVISORS_SRC) $(CONFIG_SRC) $(DAEMON_SRC) \
    $(ACTORCTL_SRC) $(CHILD_SRC) tests/% bench/% examples/%,$(C_SOURCES))
lint-sources: | need-lint
	@echo '  sources'
	@$(if $(UNLISTED),echo "In no list of the Makefile: $(UNLISTED)" >&2; exit 1)
	@echo '#include "libactor/actor.h"' | clang -std=c11 -I. -Wall -Wextra -Werror -fsyntax-only -x c -

lint-format: | need-lint
	@echo '  clang-format'
	@$(if $(C_FILES),clang-format --dry-run -Werror $(C_FILES))

# clang's own opinion, and the locks: every field names its lock.
lint-clang: | need-lint
	@echo '  clang -Wthread-safety'
	@$(each) clang $(LINT_CFLAGS) -Wthread-safety -Werror -fsyntax-only

lint-tidy: | need-lint
	@echo '  clang-tidy'
	@mkdir -p build/lint
	@printf '%s\n' -I$(CURDIR) $(LINT_CFLAGS) >build/lint/compile_flags.txt
	@$(each) clang-tidy --quiet -p build/lint 2>build/lint/stderr || \
	    { grep -v 'generated\.$$' build/lint/stderr; exit 1; }

# It looks into no system header; the loops that are macros it must see.
lint-cppcheck: | need-lint
	@echo '  cppcheck'
	@$(if $(C_SOURCES),cppcheck --quiet --std=c11 --enable=warning --enable=performance --enable=portability \
	    --inline-suppr --suppressions-list=tests/cppcheck.supp --error-exitcode=1 -j2 -I. \
	    --library=posix --library=gnu --include=$$(dpkg -L libc6-dev | grep /sys/queue.h) \
	    --include=$$(dpkg -L libcjson-dev | grep /cJSON.h) \
	    -D_GNU_SOURCE -DACTOR_DEBUG=1 $(DEFS) '-DSTART_TEST(n)=static void n(int _i)' -DEND_TEST= \
	    $(C_SOURCES))

lint-shell: | need-lint
	@echo '  shellcheck'
	@grep -rlIE --exclude-dir=build --exclude-dir=.git '^#!/(usr/)?bin/(env )?(ba)?sh' . | xargs -r shellcheck

# 36: at most 3.6 of 10. `verify` wants a program that exists, hence /bin/true; it only
# warns of unknown keys, hence the test for silence.
lint-unit: build/lint/actord.service | need-lint
	@echo '  systemd-analyze'
	@systemd-analyze security --offline=yes --threshold=36 --no-pager $< >build/lint/security || \
	    { cat build/lint/security; exit 1; }
	@sed -i 's|^ExecStart=.*|ExecStart=/bin/true|' $<
	@systemd-analyze verify $< 2>&1 | { ! grep .; }

build/lint/actord.service: systemd/actord.service.in FORCE
	@mkdir -p $(@D)
	@$(call fill,$<) >$@

# --- Install -----------------------------------------------------------------

.PHONY: install-lib install-bin install-docs install-etc uninstall-files
UNITDIR     ?= $(PREFIX)/lib/systemd/system
SYSUSERSDIR ?= $(PREFIX)/lib/sysusers.d
TMPFILESDIR ?= $(PREFIX)/lib/tmpfiles.d
D            = $(DESTDIR)
LIBACTOR_SONAME := libactor.so.$(SOVERSION)
CONFIG_FILE := $(D)$(SYSCONFDIR)/actord/actord.yaml

install-lib: all
	install -d $(D)$(LIBDIR)/pkgconfig $(D)$(INCLUDEDIR)
	install -m 644 libactor/actor.h $(D)$(INCLUDEDIR)/actor.h
	install -m 644 $(BIN)/libactor.a $(D)$(LIBDIR)/libactor.a
	install -m 644 $(BIN)/libactor.so.$(VERSION) $(D)$(LIBDIR)/libactor.so.$(VERSION)
	ln -sf libactor.so.$(VERSION) $(D)$(LIBDIR)/$(LIBACTOR_SONAME)
	ln -sf libactor.so.$(VERSION) $(D)$(LIBDIR)/libactor.so
	$(if $(DESTDIR),,-ldconfig)
	$(call fill,scripts/libactor.pc.in) | install -m 644 /dev/stdin $(D)$(LIBDIR)/pkgconfig/libactor.pc

install-bin: all
	install -d $(D)$(BINDIR) $(D)$(LIBEXECDIR) $(D)$(UNITDIR) $(D)$(SYSUSERSDIR) $(D)$(TMPFILESDIR)
	install -m 755 $(BIN)/actord $(BIN)/actorctl $(D)$(BINDIR)
	install -m 755 $(BIN)/actord-child $(D)$(LIBEXECDIR)/actord-child
	$(call fill,systemd/actord.service.in) | install -m 644 /dev/stdin $(D)$(UNITDIR)/actord.service
	install -m 644 systemd/actord.sysusers $(D)$(SYSUSERSDIR)/actord.conf
	install -m 644 systemd/actord.tmpfiles $(D)$(TMPFILESDIR)/actord.conf

BASH_COMPLETION := $(D)$(DATADIR)/bash-completion/completions/actorctl
ZSH_COMPLETION  := $(D)$(DATADIR)/zsh/site-functions/_actorctl
FISH_COMPLETION := $(D)$(DATADIR)/fish/vendor_completions.d/actorctl.fish

install-docs:
	install -D -m 644 docs/actorctl.1 $(D)$(DATADIR)/man/man1/actorctl.1
	install -D -m 644 docs/actord.8 $(D)$(DATADIR)/man/man8/actord.8
	install -D -m 644 actorctl/completions/actorctl.bash $(BASH_COMPLETION)
	install -D -m 644 actorctl/completions/_actorctl $(ZSH_COMPLETION)
	install -D -m 644 actorctl/completions/actorctl.fish $(FISH_COMPLETION)

# A configuration that is there is somebody's work.
install-etc:
	install -d $(D)$(SYSCONFDIR)/actord
	[ -e $(CONFIG_FILE) ] || install -m 644 config/actord.yaml $(CONFIG_FILE)

uninstall-files:
	rm -f $(D)$(INCLUDEDIR)/actor.h $(D)$(LIBDIR)/libactor.a $(D)$(LIBDIR)/libactor.so \
	    $(D)$(LIBDIR)/$(LIBACTOR_SONAME) $(D)$(LIBDIR)/libactor.so.$(VERSION) \
	    $(D)$(LIBDIR)/pkgconfig/libactor.pc $(D)$(BINDIR)/actord $(D)$(BINDIR)/actorctl \
	    $(D)$(LIBEXECDIR)/actord-child $(D)$(UNITDIR)/actord.service \
	    $(D)$(SYSUSERSDIR)/actord.conf $(D)$(TMPFILESDIR)/actord.conf \
	    $(D)$(DATADIR)/man/man1/actorctl.1 $(D)$(DATADIR)/man/man8/actord.8 $(BASH_COMPLETION) $(ZSH_COMPLETION) \
	    $(FISH_COMPLETION)
	-rmdir $(D)$(LIBEXECDIR)

-include $(patsubst %.o,%.d,$(PRODUCT_OBJ) $(LIBACTOR_PIC) $(CHILD_OBJ) $(TEST_OBJ) $(BENCH_DAEMON_OBJ))
