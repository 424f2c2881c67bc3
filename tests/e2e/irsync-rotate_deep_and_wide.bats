#!/usr/bin/env bats
# Depth costs no descriptors, and width no memory.

load helpers
load rotate_helpers
setup() {
	rotate_setup
	echo 'keep-last = 1' >"$T/rotate.conf"
	make_days web 1
	make_snapshot web "$(days_ago 20)"
}
teardown() { run_cleanup; }

@test "a thousand levels, and then some, with 100 descriptors" {
	python3 - "$T/root/web.snaps/$(days_ago 20)" <<-'END'
	import os, sys
	fd = os.open(sys.argv[1], os.O_RDONLY)
	for i in range(3000):
	    name = 'a long name of a folder %d' % i
	    os.mkdir(name, 0o700, dir_fd=fd)
	    next = os.open(name, os.O_RDONLY, dir_fd=fd)
	    os.close(os.open('file', os.O_CREAT | os.O_WRONLY, dir_fd=next))
	    os.close(fd)
	    fd = next
	END
	(ulimit -n 100 && rotate -j 4)
	[ "$(snapshots web)" = "$(days_ago 0)" ]
	[ "$(expired web)" = 0 ]
}

@test "50 000 entries in one folder, in 64 MiB" {
	python3 - "$T/root/web.snaps/$(days_ago 20)" <<-'END'
	import os, sys
	os.chdir(sys.argv[1])
	for i in range(50000):
	    os.symlink('x', 'an entry of one large folder, number %d' % i)
	END
	[ "$(find "$T/root/web.snaps/$(days_ago 20)" | wc -l)" -gt 50000 ]
	# The sanitizers' shadow does not fit under any limit.
	[[ $BIN == */san/* ]] || ulimit -v 131072
	rotate -j 2
	[ "$(snapshots web)" = "$(days_ago 0)" ]
	[ "$(expired web)" = 0 ]
}
