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

# meddler: an ssh that adds to what rsync sends, as a client of one's own making
# would: before the end of the first phase, unasked, the attribute $VALUE of the
# file $NDX.
meddler() {
	cat >"$T/meddler" <<-'PY'
	#!/usr/bin/env python3
	import os, subprocess, sys, threading
	p = subprocess.Popen([os.environ["RSH"]] + sys.argv[1:],
	    stdin=subprocess.PIPE, stdout=subprocess.PIPE)
	def back():
	    while data := os.read(p.stdout.fileno(), 65536):
	        os.write(1, data)
	    os._exit(p.wait())
	def take(n):
	    data = b""
	    while len(data) < n:
	        more = os.read(0, n - len(data))
	        if not more:
	            p.stdin.close()
	            os._exit(p.wait())
	        data += more
	    return data
	def send(data):
	    os.write(p.stdin.fileno(), data)
	threading.Thread(target=back, daemon=True).start()
	value = os.environ["VALUE"].encode()
	item = bytes([int(os.environ["NDX"]) + 1, 0, 1, 1, len(value)]) + value + b"\0"
	send(take(4))                   # the protocol's version
	while True:
	    head = take(4)
	    body = take(int.from_bytes(head[:3], "little"))
	    if item and head[3] == 7 and body[:1] == b"\0" and len(body) < 4:
	        send(len(item).to_bytes(3, "little") + b"\7" + item)
	        item = None
	        open(os.environ["T"] + "/meddled", "w")
	    send(head + body)
	PY
	chmod 755 "$T/meddler"
}

@test "an attribute that the server did not ask for" {
	local long=0123456789012345678901234567890123456789
	export RSH T NDX=1 VALUE=other67890123456789012345678901234567890
	mkdir "$T/one"
	echo x >"$T/one/file"
	setfattr -n user.note -v "$long" "$T/one/file"
	push --delete "$T/one/" server:
	rm "$T/stamps"
	everything >"$T/before"
	meddler
	timeout 300 rsync -e "$T/meddler" -aHAX --numeric-ids \
	    --no-inc-recursive --checksum-choice=md5 "$T/one/" server: || true
	[ -e "$T/meddled" ]
	unharmed
	# rsync has set it, on a copy.  With --link-dest it does so on the file
	# of the older snapshot, so no client may choose that way.
	getfattr -d "$SNAPS/$(snapshots | tail -n 1)/file" | grep "$VALUE" ||
	    skip 'this rsync takes no attribute that it did not ask for'
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
