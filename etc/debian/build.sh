#!/bin/sh
# build.sh TARBALL DIR: build Debian packages from the source of `make dist`,
# into DIR, and have lintian look at them.  Errors and warnings are failures.
# `make deb` runs it.
#
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The backshelf authors
set -eu

tarball=$(readlink -f "$1")
dir=$2
release=$(basename "$tarball" .tar.gz)

# What is there is of an earlier build.
rm -rf "$dir"
mkdir -p "$dir"
cd "$dir"
cp "$tarball" "$(echo "$release" | tr - _).orig.tar.gz"
tar -xf "$tarball"
cp -R "$release/etc/debian" "$release/debian"
(
	cd "$release"
	export DEB_BUILD_OPTIONS=noautodbgsym
	unset MAKEFLAGS MFLAGS MAKEOVERRIDES MAKELEVEL B SAN DESTDIR PREFIX
	dpkg-buildpackage -us -uc -rfakeroot "-j$(nproc)" >../build.log 2>&1
) || {
	tail -n 40 build.log >&2
	exit 1
}
rm -rf "$release"
lintian --fail-on error,warning --allow-root ./*.changes
ls "$PWD"/*.deb
