#!/usr/bin/env bats
# A client with a valid key does what it likes for as long as it likes: every
# snapshot that is there stays as it was, other clients' pushes go on, and
# nothing outside of its store is touched.

load helpers
load guard

setup() {
	need setfacl setfattr
	guard_setup
	policy 'pull = true'
	make_source "$T/src"
	push "$T/src/" server:
	chmod 0640 "$T/src/etc/one"
	echo two >"$T/src/etc/two"
	push "$T/src/" server:
	GUARD_AS=zeus.example.net push "$T/src/" server:
	snapshot_count 2
	everything >"$T/before"
}

teardown() {
	run_cleanup
}

# everything: all of the snapshots, of all clients, that there were when it was
# asked first.
everything() {
	local s
	[ -e "$T/stamps" ] || ls -d "$STORE"/*.snaps/2* >"$T/stamps"
	while read -r s; do
		echo "$s"
		manifest "$s"
	done <"$T/stamps"
}

unharmed() {
	everything | cmp "$T/before" -
}

@test "changes of every kind, pushed one after the other" {
	chmod -R 0777 "$T/src/home"
	push "$T/src/" server:
	chown -R 7:7 "$T/src/etc"
	push "$T/src/" server:
	find "$T/src" -exec touch -h -d 1999-09-09 {} +
	push "$T/src/" server:
	find "$T/src" -type f -exec setfattr -n user.note -v other {} \;
	push "$T/src/" server:
	find "$T/src" -type f ! -name sparse -exec sh -c 'echo more >>"$1"' _ {} \;
	push --inplace "$T/src/" server:
	push --append "$T/src/" server: || true
	mkdir "$T/empty"
	push --delete "$T/empty/" server:
	push --delete --force --ignore-errors "$T/src/" "server:$CLIENT.full/etc"
	push -b --backup-dir=old --delete "$T/empty/" server: || true
	unharmed
	[ "$(snapshots | wc -l)" -ge 9 ]
}

@test "a flood of pushes drives no good snapshot out" {
	local old day
	policy 'interval = "10m"'
	for _ in 1 2 3 4 5 6 7 8; do
		run push "$T/src/etc/" server:
		[ "$status" != 0 ]
	done
	snapshot_count 2
	unharmed
	# Where no interval is set, retention counts days, not pushes.
	policy ''
	day=$(date -u -d '-3 days' +%Y-%m-%dT%H%M%SZ)
	old=$(snapshots | head -n 1)
	mv "$SNAPS/$old" "$SNAPS/$day"
	as_account sh -c "sed 's/$old/$day/' '$SNAPS/.meta/$old.json' \
	    >'$SNAPS/.meta/$day.json'"
	manifest "$SNAPS/$day" >"$T/day"
	for _ in 1 2 3 4 5 6; do
		push --delete "$T/src/etc/" server:
	done
	cat >"$T/rotate.conf" <<-CONF
	root = "$STORE"
	keep-daily = 7
	CONF
	as_account "$BIN/irsync-rotate" -f "$T/rotate.conf"
	[ "$(snapshots | wc -l)" -lt 8 ]
	manifest "$SNAPS/$day" | cmp "$T/day" -
}

@test "others go on while a client holds its own lock and fills its own pushes" {
	mkfifo "$T/hold"
	exec 9<>"$T/hold"
	"$RSH" server rsync --server -re.iLsfxCIvu . "$CLIENT.full" <&9 \
	    >/dev/null 2>&1 &
	wait_until 10 grep -q "$CLIENT: runs:.*iLsfxCIvu --fake" "$GUARD_LOG"
	GUARD_AS=zeus.example.net push "$T/src/" server:
	run push "$T/src/" server:
	[ "$status" != 0 ]
	kill %1
	wait %1 || true
	unharmed
}

@test "a disk that is full leaves the old state and says so" {
	need mkfs.ext4
	truncate -s 24M "$T/image"
	mkfs.ext4 -q -N 4096 "$T/image"
	mkdir "$T/small"
	mount -o loop "$T/image" "$T/small"
	on_exit umount "$T/small"
	chown "$ACCOUNT_ID:$ACCOUNT_ID" "$T/small"
	STORE=$T/small SNAPS=$T/small/$CLIENT.snaps policy ''
	push "$T/src/etc/" server:
	manifest "$T/small/$CLIENT.full/" >"$T/small.before"
	mkdir "$T/much"
	head -c 40000000 /dev/urandom >"$T/much/big"
	run push "$T/much/" server:
	[ "$status" != 0 ]
	[[ $output = *"the disk is full; what the push brought was freed"* ]]
	manifest "$T/small/$CLIENT.full/" | cmp "$T/small.before" -
	[ "$(df --output=pcent "$T/small" | tail -n 1 | tr -dc 0-9)" -lt 50 ]
	push "$T/src/etc/" server:
	[ "$(find "$T/small/$CLIENT.snaps" -maxdepth 1 -name '2*' | wc -l)" = 2 ]
	unharmed
}
