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

# watch_growth FDS KIB: of each process that lived for long enough, the most
# that it held in its last third against the most in its first.  Prints both;
# fails if one has grown by more than that.
watch_growth() {
	awk -v fds="$1" -v kib="$2" '
	{
		id = $1 " " $2
		n[id]++; at[id, n[id]] = $3; f[id, n[id]] = $4; k[id, n[id]] = $5
	}
	END {
		for (id in n) {
			if (n[id] < 6)
				continue
			split(id, w, " ")
			f0 = k0 = f1 = k1 = 0
			for (i = 1; i <= n[id]; i++)
				if (i <= n[id] / 3) {
					if (f[id, i] > f0) f0 = f[id, i]
					if (k[id, i] > k0) k0 = k[id, i]
				} else if (i > n[id] * 2 / 3) {
					if (f[id, i] > f1) f1 = f[id, i]
					if (k[id, i] > k1) k1 = k[id, i]
				}
			age = at[id, n[id]] - at[id, 1]
			printf "%s, %d s old: %d descriptors then %d, %d KiB " \
			    "then %d\n", w[1], age, f0, f1, k0, k1
			if (f1 - f0 > fds || k1 - k0 > kib)
				bad = 1
			any = 1
		}
		exit bad || !any
	}' "$T/held"
}
