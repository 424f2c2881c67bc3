#!/bin/bash
# run.sh [NAME]...: measure.  Runs each tests/bench/bench_NAME.sh (all of them
# without arguments), in a temporary folder of its own, and fails if one fails.
# A benchmark measures ours and its peers in one run, by turns, and prints a
# table with the ratios: seconds of one machine say little on another.
#
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The backshelf authors
set -u
TOP=$(cd "$(dirname "$0")/../.." && pwd)
: "${B:=$TOP/build}"
export TOP B BIN="$B/bin" TOOLS="$B/tests/tools"

if [ "$(id -u)" != 0 ]; then
	echo 'make bench needs root: namespaces and accounts' >&2
	exit 1
fi
files=()
for name in "$@"; do
	files+=("$TOP/tests/bench/bench_$name.sh")
done
[ $# -gt 0 ] || files=("$TOP"/tests/bench/bench_*.sh)
echo "$(nproc) cores, Linux $(uname -r), $(rsync --version | head -n 1)"
failed=0
for f in "${files[@]}"; do
	echo
	bash "$f" || { echo "not ok ${f##*/}"; failed=1; }
done
exit $failed
