#!/usr/bin/env bats
# The store's account has been taken over, and works against root's rotation:
# what is outside of the expired snapshot is not touched.

load helpers
load rotate_helpers
setup() {
	rotate_setup
	echo 'keep-last = 1' >"$T/rotate.conf"
	make_days web 1
	mkdir "$T/mine"
	for i in {1..50}; do
		echo precious >"$T/mine/$i"
	done
	chmod 755 "$T/mine"
}
teardown() { run_cleanup; }

# fill_old: an old snapshot of 300 folders with 20 files each.
fill_old() {
	make_snapshot web "$(days_ago 20)"
	python3 - "$T/root/web.snaps/$(days_ago 20)" <<-'END'
	import os, sys
	os.chdir(sys.argv[1])
	for d in range(300):
	    os.mkdir('d%d' % d)
	    for f in range(20):
	        open('d%d/%d' % (d, f), 'w').close()
	END
	chown -R "$ACCOUNT_ID:$ACCOUNT_ID" "$T/root"
}

picture() {
	find "$T/mine" "$T/root/web.snaps/$(days_ago 0)" \
	    -printf '%p %y %i %m %U %s %T@\n' | sort
}

# swap: exchange folders with symlinks to what should stay, as fast as it goes.
swap() {
	setpriv --reuid "$ACCOUNT_ID" --regid "$ACCOUNT_ID" --clear-groups \
	    /usr/bin/python3 - "$T/root/web.snaps" "$(days_ago 20)" "$T/mine" \
	    "$T/root/web.snaps/$(days_ago 0)" 3>&- <<-'END' &
	import ctypes, os, random, sys
	libc = ctypes.CDLL(None, use_errno=True)
	snaps, stamp, *targets = sys.argv[1:]
	AT_FDCWD, EXCHANGE = -100, 2
	while True:
	    for name in (stamp, '.expired.' + stamp):
	        d = '%s/%s/d%d' % (snaps, name, random.randrange(300))
	        link = d + '.link'
	        try:
	            if not os.path.lexists(link):
	                os.symlink(random.choice(targets), link)
	        except OSError:
	            pass
	        libc.renameat2(AT_FDCWD, d.encode(), AT_FDCWD, link.encode(),
	            EXCHANGE)
	END
	# Not by as_account: this must be the process itself.
	SWAPPING=$!
	on_exit kill_now $SWAPPING
}

@test "folders that turn into symlinks while they are deleted" {
	local before rc
	for _ in {1..4}; do
		fill_old
		before=$(picture)
		swap
		rc=0
		rotate >"$T/out" 2>&1 || rc=$?
		[ $rc = 0 ] || [ $rc = 2 ]
		kill_now $SWAPPING || true
		diff <(echo "$before") <(picture)
		rotate
		[ "$(expired web)" = 0 ]
		[ "$(snapshots web)" = "$(days_ago 0)" ]
	done
}

@test "HOST.snaps, .meta, .expired and HOST.full that are symlinks" {
	fill_old
	local snaps=$T/root/web.snaps before
	before=$(picture)
	ln -s "$T/mine" "$T/root/evil.snaps"
	ln -s "$T/mine" "$snaps/.expired.2020-01-01T000000Z"
	ln -sfn "$T/mine" "$T/root/web.full"
	rotate
	[ ! -L "$snaps/.expired.2020-01-01T000000Z" ]
	[ "$(picture)" = "$before" ]
	[ "$(snapshots web)" = "$(days_ago 0)" ]

	# Records are only looked for in a folder.
	fill_old
	mkdir "$T/mine/.meta"
	touch "$T/mine/$(days_ago 20).json"
	before=$(picture)
	mv "$snaps/.meta" "$snaps/.meta.old"
	ln -s "$T/mine" "$snaps/.meta"
	run rotate
	[ "$(picture)" = "$before" ]
	[ -d "$snaps/$(days_ago 20)" ]
}
