#!/usr/bin/env bats
# A server with a shell and rsync and nothing of ours: snapshots all the same.

load helpers
load irsync_helpers

setup() {
	setup_tmp
	start_sshd
	mkdir -p "$T/src"
	cat "$SSH_KEY.pub" >"$T/ssh/authorized_keys"
	irsync_conf_unmanaged "$T/st'o r\$e" "$T/src"
	chown "$ACCOUNT_ID:$ACCOUNT_ID" "$T/st'o r\$e"
}
teardown() { run_cleanup; }

@test "three states come back exactly, and what did not change is shared" {
	source_make "$T/src"
	irsync backup
	first=$(newest)
	cp -a "$T/src" "$T/one"
	source_second "$T/src"
	irsync backup
	cp -a "$T/src" "$T/two"
	second=$(newest)
	[ "$STORE/$first/$T/src/same" -ef "$STORE/$second/$T/src/same" ]
	[ ! "$STORE/$first/$T/src/owner-only" -ef "$STORE/$second/$T/src/owner-only" ]
	[ "$(readlink "$STORE/../client.example.net.full")" = "client.example.net.snaps/$second" ]
	irsync restore "$first" --to "$T/back1"
	"$SAMETREE" "$T/one" "$T/back1$T/src"
	irsync restore --to "$T/back2"
	"$SAMETREE" "$T/two" "$T/back2$T/src"
	[ "$(irsync list --json | jq -r '.snapshots[1].status')" = complete ]
	[ ! -e "$STORE/.push" ]
	# A trial changes nothing.
	echo y >"$T/src/new"
	irsync -n backup | grep -q 'src/new'
	[ "$(newest)" = "$second" ]
}

@test "what an interrupted push brought is not sent again, and is no snapshot" {
	mkdir "$T/src/d"
	head -c 8000000 /dev/urandom >"$T/src/big"
	echo y >"$T/src/d/first"
	echo 'bwlimit = "2M"' >>"$CONF"
	"$BIN/irsync" -f "$CONF" backup >"$T/said" 2>&1 3>&- &
	pid=$!
	wait_until 20 compgen -G "$STORE/.push/tree.*$T/src/.big.*"
	wait_until 20 big_enough
	kill "$pid"
	wait "$pid" || true
	[ "$(irsync list --json | jq '.snapshots | length')" = 0 ]
	sed -i 's/bwlimit.*//' "$CONF"
	run -0 irsync --json backup
	[ "$(jq .sent <<<"$output")" -lt 6000000 ]
	cmp "$T/src/big" "$STORE/$(newest)/$T/src/big"
	[ ! -e "$STORE/.push" ]
}

big_enough() {
	[ "$(cat "$STORE/.push/"tree.*"$T/src/".big.* | wc -c)" -gt 3000000 ]
}

@test "more than half gone makes no snapshot; words of a shell do nothing" {
	touch "$T/src/"{1..60} "$T/src/"$'$(touch owned)\n`touch owned`;'
	irsync backup
	rm "$T/src/"{1..60}
	run -77 irsync backup
	[[ $output == *--allow-shrink* ]]
	[ "$(irsync list --json | jq '.snapshots | length')" = 1 ]
	irsync --allow-shrink backup
	[ "$(find "$T" -name owned)" = '' ]
}
