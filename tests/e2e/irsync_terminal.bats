#!/usr/bin/env bats
# On a terminal a line shows progress; elsewhere it is quiet.

load helpers
load irsync_helpers

setup() {
	setup_tmp
	export TERM=xterm
	need script
	mkdir "$T/src"
	for i in 1 2 3; do
		head -c 1000000 /dev/urandom >"$T/src/$i"
	done
	irsync_conf_local "$T/src"
	echo 'bwlimit = "2M"' >>"$CONF"
}
teardown() { run_cleanup; }

@test "progress on a terminal, gone before the last line" {
	TERM=vt100 script -qec "$BIN/irsync -f $CONF backup" /dev/null \
	    </dev/null >"$T/out" 3>&-
	grep -qE '[0-9]+%  [0-9]+ files  [0-9.]+ [KM]iB  [0-9.]+[kM]B/s  ' \
	    "$T/out"
	tail -n 1 "$T/out" | grep -qP '\x1b\[Kclient.example.net to .*complete'
}

@test "comparing everything shows how far it is, and then is silent about it" {
	irsync backup
	wait_until 3 test "$(date +%s)" -gt "$(stat -c %Y "$T/src/3")"
	TERM=vt100 script -qec "$BIN/irsync -f $CONF verify --all" /dev/null \
	    </dev/null >"$T/out" 3>&-
	grep -qP ': 1 of [0-9]+ entries compared, 0 damaged' "$T/out"
	tail -n 1 "$T/out" | grep -qP '\x1b\[K[^\x1b]*3 files compared: 3 the same'
	# What is damaged has a line of its own.
	dd if=/dev/zero of="$T/store/client.example.net.full$T/src/2" bs=1 \
	    count=9 seek=500000 conv=notrunc status=none
	touch -r "$T/src/2" "$T/store/client.example.net.full$T/src/2"
	TERM=vt100 script -qec "$BIN/irsync -f $CONF verify --all" /dev/null \
	    </dev/null >"$T/out" 3>&- || [ $? = 1 ]
	grep -qP '\x1b\[Kirsync: '"$T/src/2: has another content" "$T/out"
	tail -n 1 "$T/out" | grep -q '2 the same, .* 1 damaged'
}

@test "a terminal that cannot erase gets no progress, a narrow one a narrow table" {
	TERM=dumb script -qec "$BIN/irsync -f $CONF backup" /dev/null \
	    </dev/null >"$T/out" 3>&-
	[ "$(wc -l <"$T/out")" = 1 ]
	run -1 grep -q $'\e' "$T/out"
	script -qec "stty cols 80; $BIN/irsync -f $CONF list" /dev/null \
	    </dev/null >"$T/out" 3>&-
	grep -q 'CHANGED .*latest' <(tr -d '\n' <"$T/out")
	[ "$(tr -d '\r' <"$T/out" | wc -L)" -le 80 ]
}

@test "one line without a terminal, none of it on standard error" {
	run -0 --separate-stderr irsync backup
	[ "${#lines[@]}" = 1 ]
	[ -z "$stderr" ]
}

@test "Ctrl-C ends it, and rsync with it" {
	run python3 - "$BIN/irsync" -f "$CONF" backup <<-'EOT'
	import os, pty, sys, time
	os.environ["TERM"] = "vt100"
	pid, fd = pty.fork()
	if pid == 0:
	    os.execv(sys.argv[1], sys.argv[1:])
	text = b""
	while b"files" not in text:
	    text += os.read(fd, 1000)
	os.write(fd, b"\003")
	start = time.monotonic()
	try:
	    while os.read(fd, 1000):
	        pass
	except OSError:
	    pass
	_, status = os.waitpid(pid, 0)
	print(os.WTERMSIG(status), time.monotonic() - start < 3)
	EOT
	[ "$output" = "2 True" ]
	run -0 irsync list
	[ "$output" = "0 snapshots, 0 B on disk" ]
	irsync backup
}
