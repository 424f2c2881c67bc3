#!/bin/bash
# bare.sh FOLDER PACKAGE...: make, once, a bare Debian of this machine's release
# in FOLDER, from the archives that this machine's apt uses, and download the
# packages into it without installing them.  A second call does nothing and
# needs no network.  Where it cannot be made: "bare: " and the reason, status 1.
#
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The backshelf authors
set -u
base=$1
shift

fail() {
	echo "bare: $1" >&2
	exit 1
}

# sources: lines for sources.list, of Debian's own archives.
sources() {
	# shellcheck disable=SC2016
	apt-get indextargets --format '$(ORIGIN) $(SITE) $(RELEASE)' \
	    'Created-By: Packages' 2>/dev/null | sort -u |
	    sed -n 's/^Debian \(.*\)/deb \1 main/p'
}

# What is there already is for the same release and packages.
is_made() {
	[ "$(cat "$base/.made-of" 2>/dev/null)" = "$release $*" ]
}

# shellcheck source=/dev/null
release=$(. /etc/os-release && echo "${VERSION_CODENAME-}")
! is_made "$@" || exit 0
command -v debootstrap >/dev/null || fail 'debootstrap is not installed'
archive=$(sources | awk -v r="$release" '$3 == r { print $2; exit }')
[ -n "$archive" ] || fail "apt has no archive of Debian's $release"
mkdir -p "${base%/*}" || exit 1
exec 9>"$base.lock"
flock 9
! is_made "$@" || exit 0
rm -rf --one-file-system "$base"
debootstrap --variant=minbase "$release" "$base" "$archive" >"$base.log" 2>&1 ||
    fail "debootstrap: $(tail -n 1 "$base.log")"
sources >"$base/etc/apt/sources.list"
cp /etc/resolv.conf "$base/etc/"
echo 'APT::Keep-Downloaded-Packages "true";' >"$base/etc/apt/apt.conf.d/keep"
# shellcheck disable=SC2016
chroot "$base" sh -c 'apt-get -q update && DEBIAN_FRONTEND=noninteractive \
    apt-get -q -y install --download-only --no-install-recommends "$@"' \
    sh "$@" >>"$base.log" 2>&1 || fail "apt-get: $(tail -n 1 "$base.log")"
echo "$release $*" >"$base/.made-of"
