# backshelf.  `make help` lists what can be typed.
#
#   SAN=1       AddressSanitizer and UndefinedBehaviorSanitizer, in build/san
#   CC=clang    another compiler
#   PREFIX, DESTDIR   where `install` puts things

PREFIX	?= /usr/local
DESTDIR	?=

# What each step needs beyond git, make and root: Debian's package names.
DEPS_BUILD = gcc libc6-dev pkg-config libbsd-dev liburing-dev libconfuse-dev \
	libjansson-dev libseccomp-dev libxxhash-dev
DEPS_RUN   = rsync openssh-server openssh-client iproute2 procps acl attr \
	e2fsprogs python3-minimal util-linux
DEPS_VM    = qemu-system-x86 busybox-static cpio kmod xz-utils
DEPS_DEMO  = $(DEPS_BUILD) $(DEPS_RUN) $(DEPS_VM) aoetools
DEPS_CHECK = $(DEPS_DEMO) libcmocka-dev bats parallel vblade tshark xfsprogs fio jq nbdkit strace \
	mariadb-server postgresql rsnapshot curl zstd libnbd-bin systemd btrfs-progs debootstrap \
	systemd-container fuse3 $(DEPS_DEB)
DEPS_BENCH = gnuplot-nox rdiff-backup borgbackup restic
DEPS_LINT  = clang clang-tidy mandoc shellcheck cppcheck
DEPS_FUZZ  = clang libclang-rt-14-dev
DEPS_DEB   = build-essential debhelper fakeroot lintian

B	= build$(if $(SAN),/san)

PKGS	= libbsd-overlay liburing libconfuse jansson libseccomp libxxhash
WARN	= -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
	-Wpointer-arith -Wcast-qual -Wsign-compare -Wvla -Wwrite-strings \
	-Wformat=2 -Wno-psabi $(WERROR)
HARDEN	= -fPIE -fstack-protector-strong -fno-common \
	$(if $(SAN),,-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2)
SANFLAGS = -fsanitize=address,undefined -fno-sanitize-recover=all \
	-fno-omit-frame-pointer
CFLAGS	?= -O2 -g
CPPFLAGS += -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -D_TIME_BITS=64 \
	-DLIBBSD_OPENBSD_VIS -Ilib -I. \
	$(shell pkg-config --cflags $(PKGS) 2>/dev/null)
ALL_CFLAGS = -std=c17 $(CFLAGS) $(WARN) $(HARDEN) $(if $(SAN),$(SANFLAGS)) \
	-pthread -MMD -MP
ALL_LDFLAGS = $(LDFLAGS) -pie -Wl,-z,relro,-z,now -pthread \
	$(if $(SAN),$(SANFLAGS))
LIBS	= $(shell pkg-config --libs $(PKGS) 2>/dev/null)

# Every .c of a program's folder belongs to it.  main.c is left out of the
# folder's archive, so that tests and fuzzers can link the rest.
obj	= $(patsubst %.c,$(B)/%.o,$(filter-out $(2),$(wildcard $(1)/*.c)))
AOECTL_SRC = $(wildcard aoe/aoectl*.c)
ARCHIVES = $(B)/libmigrate.a $(B)/libaoe.a $(B)/libirsync.a \
	$(B)/libsshguard.a $(B)/librotate.a $(B)/libbackshelf.a
PROGRAMS = $(addprefix $(B)/bin/,aoed aoectl irsync validate-ssh irsync-rotate \
	backshelf-migrate)

all: $(PROGRAMS)

$(B)/libbackshelf.a: $(call obj,lib)
$(B)/libaoe.a: $(call obj,aoe,aoe/main.c $(AOECTL_SRC))
$(B)/libirsync.a: $(call obj,irsync,irsync/main.c)
$(B)/libsshguard.a: $(call obj,sshguard,sshguard/main.c)
$(B)/librotate.a: $(call obj,rotate,rotate/main.c)
$(B)/libmigrate.a: $(call obj,etc/migrate,etc/migrate/main.c)

$(B)/bin/aoed: $(B)/aoe/main.o $(B)/libaoe.a $(B)/libbackshelf.a
$(B)/bin/aoectl: $(AOECTL_SRC:%.c=$(B)/%.o) $(B)/libaoe.a $(B)/libbackshelf.a
$(B)/bin/irsync: $(B)/irsync/main.o $(B)/libirsync.a $(B)/libbackshelf.a
$(B)/bin/validate-ssh: $(B)/sshguard/main.o $(B)/libsshguard.a \
	$(B)/libbackshelf.a
$(B)/bin/irsync-rotate: $(B)/rotate/main.o $(B)/librotate.a $(B)/libbackshelf.a
$(B)/bin/backshelf-migrate: $(B)/etc/migrate/main.o $(B)/libmigrate.a \
	$(B)/libaoe.a $(B)/libirsync.a $(B)/libsshguard.a $(B)/libbackshelf.a

$(PROGRAMS):
	@mkdir -p $(@D)
	$(CC) $(ALL_LDFLAGS) -o $@ $^ $(LIBS)

%.a:
	@mkdir -p $(@D)
	@rm -f $@
	$(AR) rcs $@ $^

$(B)/%.o: %.c Makefile
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(ALL_CFLAGS) -c -o $@ $<

# Tests.  Each tests/unit/test_X.c is a program of its own, linked with all of
# the project's code; each tests/tools/X.c is a helper that end-to-end tests
# run.
UNIT	= $(patsubst tests/unit/%.c,$(B)/tests/unit/%,$(wildcard tests/unit/test_*.c))
TOOLS	= $(patsubst tests/tools/%.c,$(B)/tests/tools/%,$(wildcard tests/tools/*.c))

$(B)/tests/unit/%: $(B)/tests/unit/%.o $(ARCHIVES)
	$(CC) $(ALL_LDFLAGS) -o $@ $^ $(LIBS) -lcmocka

# tests/initiator is a client's view of AoE, for the tools whose names say aoe.
$(B)/libinitiator.a: $(call obj,tests/initiator)

$(B)/tests/tools/aoe%: $(B)/tests/tools/aoe%.o $(B)/libinitiator.a
	$(CC) $(ALL_LDFLAGS) -o $@ $^ $(LIBS)

$(B)/tests/tools/%: $(B)/tests/tools/%.o $(ARCHIVES)
	$(CC) $(ALL_LDFLAGS) -o $@ $^ $(LIBS)

# tests/conform asks a target clause by clause.
$(B)/tests/tools/aoeconform: $(call obj,tests/conform) $(B)/libinitiator.a
	@mkdir -p $(@D)
	$(CC) $(ALL_LDFLAGS) -o $@ $^ $(LIBS)

# What the benches load others with.
BENCHES	= $(addprefix $(B)/tests/bench/,aoeload aoenull)

$(BENCHES): $(B)/tests/bench/aoemeter.o $(B)/libinitiator.a
$(BENCHES): %: %.o
	$(CC) $(ALL_LDFLAGS) -o $@ $^ $(LIBS)

# The clock that soak makes jump: a library that is loaded before a program's.
$(B)/tests/soak/clock.so: tests/soak/clock.c Makefile
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) -std=c17 $(CFLAGS) $(WARN) -fPIC -shared -o $@ $<

# It runs where a sanitizer cannot: without /proc, with little memory.
$(B)/tests/tools/standin $(B)/tests/tools/standin.o: private SANFLAGS =

# Without root nothing is tried: one line says why root is needed.
need_root = $(if $(filter-out 0,$(shell id -u)),$(error make $@ needs root: \
	for namespaces, accounts and raw sockets of its own, and for apt-get))

# A sub-make builds, on all cores, so that it finds the packages that the first step put in.
SUBMAKE	= $(MAKE) --no-print-directory -s -j$(shell nproc)

# What a list of this file holds, for tests: make print LIST=DEPS_BUILD.
print:
	@echo $($(LIST))

deps-build:
	@tests/deps.sh $(DEPS_BUILD)

deps:
	@tests/deps.sh $(DEPS_CHECK) $(DEPS_LINT) $(DEPS_FUZZ)

demo:
	$(need_root)
	@tests/deps.sh $(DEPS_DEMO)
	@$(SUBMAKE) all tools
	@BIN=$(abspath $(B))/bin TOOLS=$(abspath $(B))/tests/tools tests/demo.sh

check:
	$(need_root)
	@tests/deps.sh $(DEPS_CHECK)
	@$(SUBMAKE) all tools unit
	@B=$(abspath $(B)) tests/run.sh $(T)

check-stores:
	@$(MAKE) --no-print-directory check T=stores

unit: $(UNIT)
tools: $(TOOLS) $(B)/tests/tools/aoeconform $(BENCHES) $(B)/tests/soak/clock.so

# Fuzzers are built from the sources, with the sanitizers, by clang.
FUZZ	= $(patsubst tests/fuzz/%.c,build/fuzz/%,$(wildcard tests/fuzz/fuzz_*.c))
FUZZ_TIME ?= 60
FUZZ_FLAGS = -g -O1 -fsanitize=fuzzer,address,undefined \
	-fno-sanitize-recover=all -pthread
fuzzobj	= $(patsubst $(B)/%,build/fuzz/%,$(call obj,$(1),$(2)))
FUZZ_ARCHIVES = $(ARCHIVES:$(B)/%=build/fuzz/%)

build/fuzz/libbackshelf.a: $(call fuzzobj,lib)
build/fuzz/libaoe.a: $(call fuzzobj,aoe,aoe/main.c $(AOECTL_SRC))
build/fuzz/libirsync.a: $(call fuzzobj,irsync,irsync/main.c)
build/fuzz/libsshguard.a: $(call fuzzobj,sshguard,sshguard/main.c)
build/fuzz/librotate.a: $(call fuzzobj,rotate,rotate/main.c)
build/fuzz/libmigrate.a: $(call fuzzobj,etc/migrate,etc/migrate/main.c)

build/fuzz/%.o: %.c Makefile
	@mkdir -p $(@D)
	clang $(CPPFLAGS) -std=c17 $(FUZZ_FLAGS) -MMD -MP -c -o $@ $<

build/fuzz/fuzz_%: build/fuzz/tests/fuzz/fuzz_%.o $(FUZZ_ARCHIVES)
	clang $(FUZZ_FLAGS) -o $@ $^ $(LIBS)

fuzz:
	@tests/deps.sh $(DEPS_BUILD) $(DEPS_FUZZ)
	@$(SUBMAKE) $(FUZZ)
	@FUZZ_TIME=$(FUZZ_TIME) tests/fuzz.sh $(FUZZ)

bench:
	$(need_root)
	@tests/deps.sh $(DEPS_CHECK) $(DEPS_BENCH)
	@$(SUBMAKE) all tools
	@B=$(abspath $(B)) tests/bench/run.sh $(T)

# A night with everything going wrong that can; SOAK_MINUTES=20, SOAK_SEED=N.
soak:
	$(need_root)
	@tests/deps.sh $(DEPS_CHECK)
	@$(SUBMAKE) all tools
	@B=$(abspath $(B)) tests/soak/run.sh

conform:
	$(need_root)
	@tests/deps.sh $(DEPS_CHECK)
	@$(SUBMAKE) all tools
	@B=$(abspath $(B)) tests/conform/table.sh

bench-%:
	@$(MAKE) --no-print-directory bench T=$*

lint:
	@tests/deps.sh $(DEPS_BUILD) $(DEPS_LINT)
	@CC=$(CC) tests/lint.sh

# Installing.  What names a program by its path names it where PREFIX puts it.
ROOT	= $(DESTDIR)$(PREFIX)
COMPDIR	= $(ROOT)/share/bash-completion/completions
DOCDIR	= $(ROOT)/share/doc/backshelf
EXAMPLES = $(filter-out etc/debian% etc/migrate%,$(shell find etc -type f))
PLACED	= sed -E 's,/usr/local/((s?bin|libexec)/(aoe|backshelf|irsync|validate-ssh)),$(PREFIX)/\1,g'
place	= mkdir -p "$$(dirname "$(2)")" && $(PLACED) $(1) >"$(2)" && \
	chmod $$([ -x $(1) ] && echo 755 || echo 644) "$(2)"

install: all
	install -d $(ROOT)/sbin $(ROOT)/bin $(ROOT)/libexec $(COMPDIR) $(DOCDIR)
	install -m 755 $(addprefix $(B)/bin/,aoed aoectl irsync-rotate \
	    backshelf-migrate) \
	    $(ROOT)/sbin
	install -m 755 $(B)/bin/irsync $(ROOT)/bin
	install -m 755 $(B)/bin/validate-ssh $(ROOT)/libexec
	ln -sfn ../libexec/validate-ssh $(ROOT)/sbin/validate-ssh
	install -m 644 README.md ARCHITECTURE.md LICENSE $(DOCDIR)
	install -m 644 etc/completion/* $(COMPDIR)
	@for f in */*.[158] etc/*/*.[1578]; do \
		$(call place,$$f,$(ROOT)/share/man/man$${f##*.}/$${f##*/}) || \
		    exit 1; \
	done
	@for f in etc/systemd/*; do \
		$(call place,$$f,$(ROOT)/lib/systemd/system/$${f##*/}) || \
		    exit 1; \
	done
	@for f in etc/sysusers.d/* etc/tmpfiles.d/*; do \
		$(call place,$$f,$(ROOT)/lib/$${f#etc/}) || exit 1; \
	done
	@for f in $(EXAMPLES); do \
		$(call place,$$f,$(DOCDIR)/examples/$${f#etc/}) || exit 1; \
	done

# The source as one file, with what is not committed yet, or, from such a file's
# own tree, all of that tree.
VERSION	= $(shell sed -n 's/.*"backshelf \(.*\)"$$/\1/p' lib/version.h)
RELEASE	= backshelf-$(VERSION)
DIST	= build
SOURCES	= if [ -e .git ]; then git ls-files; else find . -name build -prune -o \
	-type f -print | sed 's,^\./,,'; fi | LC_ALL=C sort

dist:
	@mkdir -p $(DIST)
	@$(SOURCES) | tar -cz --owner=0 --group=0 --numeric-owner \
	    --transform 's,^,$(RELEASE)/,' -f $(DIST)/$(RELEASE).tar.gz -T -
	@echo $(DIST)/$(RELEASE).tar.gz

# Debian packages, and the complaints of lintian.
deb:
	@tests/deps.sh $(DEPS_BUILD) $(DEPS_DEB)
	@$(MAKE) --no-print-directory -s dist
	@etc/debian/build.sh $(DIST)/$(RELEASE).tar.gz build/deb

clean:
	rm -rf build

help:
	@echo 'make all      build the programs into build/bin (the default)'
	@echo 'make demo     a whole backup day, told as it happens (root)'
	@echo 'make check    unit, end-to-end and virtual-machine tests (root)'
	@echo '              T="unit e2e vm" or T=tests/e2e/x.bats: only these'
	@echo '              STORE_FS=xfs STORE_WAY=linkdest T=tests/e2e/store_x.bats:'
	@echo '              on ext4, xfs or btrfs; overlay, linkdest or btrfs'
	@echo 'make check-stores  all tests of the store, on each, in each way'
	@echo '              LONG=1: at the length for a release, not for each change'
	@echo 'make bench    measure against peers; bench-push: only that one'
	@echo 'make soak     a night in 20 minutes, with faults thrown in (root)'
	@echo '              SOAK_MINUTES=2, SOAK_SEED=N: shorter, the same again'
	@echo 'make conform  AoEr11 clause by clause: aoed beside vblade (root)'
	@echo 'make lint     compilers, linters, manual pages, links'
	@echo 'make fuzz     every parser, FUZZ_TIME=60 seconds each'
	@echo 'make deps     install what all of these need (root)'
	@echo 'make deps-build  only what `make` itself needs (root)'
	@echo 'make install  DESTDIR= PREFIX=/usr/local'
	@echo 'make deb      Debian packages, into build/deb'
	@echo 'make dist     the source as build/backshelf-VERSION.tar.gz'
	@echo 'make clean    remove build/'

-include $(shell find build -name '*.d' 2>/dev/null)

.PHONY: all deb deps deps-build print demo dist check check-stores soak conform unit tools \
	bench lint fuzz install clean help
.SECONDARY:
