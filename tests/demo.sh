#!/bin/bash
# demo.sh [ACT]...: a whole backup day, told as it happens.
#
# What runs lives in mount, process and network namespaces of its own, and what
# it writes lies in one temporary folder.  The outer half of this script makes
# both and takes them away again, whatever becomes of the inner half.  So nothing
# is left behind by Ctrl-C or by a failure either.
#
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The backshelf authors
set -euE
TOP=$(cd "$(dirname "$0")/.." && pwd)
: "${B:=$TOP/build}"
: "${BIN:=$B/bin}"
: "${TOOLS:=$B/tests/tools}"
export B BIN TOOLS
# shellcheck source=tests/e2e/helpers.bash
. "$TOP/tests/e2e/helpers.bash"

# The outer half.

main() {
	if [ "$(id -u)" != 0 ]; then
		echo 'make demo needs root: it makes namespaces and accounts' \
		    'of its own, and raw network sockets' >&2
		exit 1
	fi
	DEMO_TMP=$(mktemp -d "$(roomy_tmp)/backshelf-demo.XXXXXX")
	chmod 711 "$DEMO_TMP"
	export DEMO_TMP
	inner=
	trap undo EXIT
	trap 'interrupted INT 130' INT
	trap 'interrupted TERM 143' TERM
	trap 'interrupted HUP 129' HUP
	fetch_kernel
	# aoeping ends itself by SIGALRM, which whoever runs us may ignore.
	setpriv --pdeathsig KILL -- env --default-signal=ALRM \
	    unshare --mount --propagation private --net --ipc --uts \
	    --pid --fork --kill-child --mount-proc \
	    bash "$TOP/tests/demo.sh" --inside "$@" </dev/null &
	inner=$!
	wait "$inner"
}

# The virtual machine's kernel is downloaded (once) while there is a network.  If
# it cannot be had, the reason is in $DEMO_TMP/vm-is-missing.
fetch_kernel() (
	skip() {
		echo "$1" >"$DEMO_TMP/vm-is-missing"
		exit 0
	}
	# shellcheck source=tests/vm/vm.bash
	. "$TOP/tests/vm/vm.bash"
	vm_build </dev/null
)

interrupted() {
	undo
	printf '\ninterrupted by SIG%s; nothing is left behind\n' "$1" >&2
	exit "$2"
}

undo() {
	trap '' INT TERM HUP
	trap - EXIT
	[ -z "$inner" ] || kill_namespace "$inner" || true
	rm -rf --one-file-system "$DEMO_TMP"
}

# The inner half.

inside() {
	local n
	# shellcheck source=tests/demo/story.bash
	. "$TOP/tests/demo/story.bash"
	# shellcheck source=tests/demo/stage.bash
	. "$TOP/tests/demo/stage.bash"
	trap 'fail "a command failed: $BASH_COMMAND"' ERR
	stage_enter
	export TMPDIR=$DEMO_TMP PATH=$BIN:$TOOLS:$TOP/tests/e2e:$PATH
	setup_tmp
	cd "$T"
	START=$SECONDS
	for n in "$TOP"/tests/demo/act?_*.bash; do
		# shellcheck source=/dev/null
		. "$n"
	done
	[ $# -gt 0 ] || mapfile -t < <(compgen -A function -X '!act[0-9]')
	for n in "${@:-${MAPFILE[@]#act}}"; do
		"act$n"
	done
	act_ends
	table
	printf '\n%d checks held, %d seconds, nothing left behind.\n' \
	    "$CHECKS" $((SECONDS - START))
}

if [ "${1:-}" = --inside ]; then
	shift
	inside "$@"
else
	main "$@"
fi
