#!/usr/bin/env bats
# Depth costs no descriptors, and width no memory.

load helpers
load rotate_helpers
setup() { rotate_setup; }
teardown() { run_cleanup; }

# fill: a snapshot that stays, and an old one, which is $OLD.
fill() {
	echo 'keep-last = 1' >"$T/rotate.conf"
	make_days web 1
	make_snapshot web "$(days_ago 20)"
	OLD=$T/root/web.snaps/$(days_ago 20)
}

gone() {
	[ "$(snapshots web)" = "$(days_ago 0)" ]
	[ "$(expired web)" = 0 ]
}

deep() {
	fill
	python3 - "$OLD" <<-'END'
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
	gone
}

# wide ENTRIES: so many in one folder.
wide() {
	fill
	python3 - "$OLD" "$1" <<-'END'
	import os, sys
	os.chdir(sys.argv[1])
	for i in range(int(sys.argv[2])):
	    os.symlink('x', 'an entry of one large folder, number %d' % i)
	END
	[ "$(find "$OLD" | wc -l)" -gt "$1" ]
	# The sanitizers' shadow does not fit under any limit.
	(
		[[ $BIN == */san/* ]] || ulimit -v 131072
		rotate -j 2
	)
	gone
}

@test "a thousand levels, and then some, with 100 descriptors" {
	on_each_disk deep
}

@test "50 000 entries in one folder, in 64 MiB" {
	on_each_disk wide "$(for_long 50000 200000)"
}
