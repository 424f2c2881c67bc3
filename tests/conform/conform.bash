# shellcheck shell=bash
# conform.bash: aoeconform against a target, on top of aoenet.bash.  The target
# serves 0.0 to everybody from $T/conform, which is made.
#
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The backshelf authors

CONFORM_OTHER=02:00:00:00:00:99

conform_aoed() {
	echo "0 $T/conform FF:FF:FF:FF:FF:FF aoe0 conform" >"$T/conform.table"
	start_aoed "$T/conform.table"
	TARGET_PID=$AOED_PID
}

conform_vblade() {
	start_vblade 0 0 "$T/conform"
	TARGET_PID=$VBLADE_PID
}

# conform TARGET [SECTION ...]: every clause's line.  A target that goes down is
# started again and goes on behind the clause that brought it down.
conform() {
	local start=conform_$1 first=1 rc
	shift
	truncate -s 2M "$T/conform"
	: >"$T/conform.out"
	while :; do
		"$start" || return
		rc=0
		client 1 "$TOOLS/aoeconform" -i aoe0 -o "$CONFORM_OTHER" \
		    -f "$first" 0.0 "$@" >>"$T/conform.out" || rc=$?
		kill_wait "$TARGET_PID" >/dev/null 2>&1
		[ "$rc" = 2 ] || break
		first=$(($(tail -n 1 "$T/conform.out" | cut -f1) + 1))
	done
	cat "$T/conform.out"
	return "$rc"
}
