# shellcheck shell=bash
# watch.bash: what the daemon's two processes hold, again and again.
#
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The backshelf authors

# watch_daemon: lines "PROCESS PID SECOND DESCRIPTORS KIB" in $T/held.
watch_daemon() {
	local parent
	while [ ! -e "$T/stop.aoed" ]; do
		parent=$(cat "$T/aoed.pid")
		held parent "$parent"
		held serve "$(aoed_serves)"
		sleep 2
	done >>"$T/held" 2>/dev/null
}

held() {
	local fds kib
	[ -n "$2" ] || return 0
	fds=$(find "/proc/$2/fd" -mindepth 1 | wc -l)
	kib=$(awk '$1 == "VmRSS:" { print $2 }' "/proc/$2/status")
	[ "$fds" = 0 ] || [ -z "$kib" ] ||
	    echo "$1 $2 $((SECONDS - BEGAN)) $fds $kib"
}

# watch_growth FDS KIB: of each process that lived for long enough, the least
# that it held in its first third and in its last; what it holds for a moment is
# no leak.  Prints both; fails if one has grown by more than that.
watch_growth() {
	awk -v fds="$1" -v kib="$2" '
	{
		id = $1 " " $2
		n[id]++; at[id, n[id]] = $3; f[id, n[id]] = $4; k[id, n[id]] = $5
	}
	function least(what, id, from, to,    i, m) {
		m = what[id, from]
		for (i = from + 1; i <= to; i++)
			if (what[id, i] < m)
				m = what[id, i]
		return m
	}
	END {
		for (id in n) {
			if (n[id] < 6)
				continue
			third = int(n[id] / 3)
			f0 = least(f, id, 1, third)
			k0 = least(k, id, 1, third)
			f1 = least(f, id, n[id] - third + 1, n[id])
			k1 = least(k, id, n[id] - third + 1, n[id])
			split(id, w, " ")
			printf "%s, %d s old: %d descriptors then %d, %d KiB " \
			    "then %d\n", w[1], at[id, n[id]] - at[id, 1],
			    f0, f1, k0, k1
			if (f1 - f0 > fds || k1 - k0 > kib)
				bad = 1
			any = 1
		}
		exit bad || !any
	}' "$T/held"
}
