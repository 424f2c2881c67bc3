#!/usr/bin/env bats
# From the source tarball alone, without git, on a bare Debian: what the README
# says builds it, and the unit tests pass.  `make check LONG=1` runs README's two
# commands there, whole.

# shellcheck disable=SC2016 # what is in single quotes is for that machine

load helpers
load bare

setup() {
	setup_tmp
	make -s -C "$TOP" dist DIST="$T/data"
}

teardown() {
	run_cleanup
}

# The packages that a DEPS_ list of the Makefile names.
deps() {
	make -s -C "$TOP" print LIST="$1"
}

@test "the source is built, installed, and passes its unit tests" {
	local machine
	read -ra machine <<<"build make libcmocka-dev $(deps DEPS_BUILD)"
	bare_needs "${machine[@]}"
	bare_start "${machine[@]}"
	bare 'apt-get -q -y install --no-install-recommends make
	cd /root && tar -xf /data/backshelf-*.tar.gz && cd backshelf-*
	make -s deps-build
	make -s -j2
	make -s install
	for p in aoed aoectl irsync irsync-rotate \
	    /usr/local/libexec/validate-ssh; do
		$p --version
	done
	tests/deps.sh libcmocka-dev
	make -s -j2 unit
	tests/run.sh unit' 3>&-
}

@test "README's two commands, and the packages" {
	[ -n "$(for_long '' 1)" ] || skip 'at full length only: LONG=1'
	bare_needs -w whole make
	bare_start -w whole make
	bare 'apt-get -q update
	apt-get -q -y install --no-install-recommends make
	cd /root && tar -xf /data/backshelf-*.tar.gz && cd backshelf-*
	make demo
	make deb
	make check'
}
