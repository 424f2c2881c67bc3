# schedule.awk: which fault is thrown when.  Nothing but its variables goes in:
#
#	awk -v seed=N -v seconds=N -v every=N -v clients=N -f schedule.awk
#
# prints lines "SECOND FAULT CLIENT DICE": about one fault in `every` seconds; a
# client for those that are about one; a number from 0 to 999 for whatever else
# the fault leaves open.  The faults are dealt from a shuffled pack, so that all
# come before any comes again.  The daemon is left alive in the last third, so
# that there is one that has grown old.
#
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The backshelf authors

# The same numbers with every awk.
function dice(n) {
	state = (state * 16807) % 2147483647
	return int(state / 2147483647 * n)
}

function shuffle(    i, j, keep) {
	for (i = n; i > 1; i--) {
		j = 1 + dice(i)
		keep = pack[i]; pack[i] = pack[j]; pack[j] = keep
	}
	at = 0
}

BEGIN {
	state = (seed * 7919 + 104729) % 2147483646 + 1
	for (i = 0; i < 10; i++)
		dice(2)
	n = split("kill_aoed_parent kill_aoed_serve kill_aoed_helper " \
	    "kill_initiator kill_sshd kill_guard kill_guard_child " \
	    "kill_rsync_server kill_rsync_client kill_ssh kill_irsync " \
	    "kill_rotate stop_aoed full_disks full_store slow_disks " \
	    "slow_store hang_disks hang_store unplug_server unplug_switch " \
	    "unplug_client remake_server remake_client clock_server " \
	    "clock_clients table_changes export_stops", pack, " ")
	shuffle()
	for (t = 2 + dice(every); t < seconds; t += 1 + dice(2 * every - 1)) {
		do {
			if (++at > n) {
				shuffle()
				at = 1
			}
		} while (t > seconds * 2 / 3 &&
		    pack[at] ~ /^kill_aoed_(parent|serve)$|^stop_aoed$/)
		print t, pack[at], 1 + dice(clients), dice(1000)
	}
}
