#!/usr/bin/env bats
# A reservation is answered when nothing that others sent before can reach the
# disk any more.  The disk is a file on a frozen file system: the kernel lets no
# write through until it thaws.

load helpers
load aoenet
load aoewords

setup() {
	need fsfreeze
	setup_tmp
	mkdir "$T/slow"
	own_image "$T/slow" 64M mkfs.ext4 -q
	truncate -s 8M "$T/slow/disk"
	aoe_net 2
	echo "0 $T/slow/disk FF:FF:FF:FF:FF:FF aoe0 slow" >"$T/table"
	start_aoed "$T/table"
	on_exit fsfreeze -u "$T/slow"
}

teardown() {
	run_cleanup
}

# heard N: so many frames.
heard() {
	aoectl --json stats | jq -e "[.workers[].frames] | add >= $1"
}

waiting() {
	aoectl --json stats | jq -e '[.workers[].drops.busy] | add >= 1'
}

@test "a reservation waits for the writes of others that came before it" {
	head -c 512 /dev/urandom >"$T/before"
	fsfreeze -f "$T/slow"
	# Its first message is on its way to the disk when the next is refused.
	aoe 2 -t 600 write 0.0 0 <"$T/before" 2>"$T/write" 3>&- &
	wait_until 10 heard 2
	WAIT=0.6 run reserve 1 force 1
	[ "$status" = 1 ]
	# It holds already, for all that comes now.
	[ "$(words 2 0 410001340000000000000000"$(printf '%01024d' 0)" |
	    cut -c1-4)" = 1c06 ]
	[ "$(reserve 2 read)" = '1800:01' ]
	# Who sends it again waits as well.
	WAIT=0.4 run reserve 1 force 1
	[ "$status" = 1 ]
	wait_until 5 waiting
	fsfreeze -u "$T/slow"
	[ "$(reserve 1 force 1)" = '1800:01' ]
	aoe 1 read 0.0 0 1 | cmp - "$T/before"
}
