#!/usr/bin/env bats
# A monitor and a person are told how it went.

load helpers
load irsync_helpers

setup() {
	need curl
	setup_tmp
	mkdir -p "$T/src"
	echo x >"$T/src/file"
	irsync_conf_local "$T/src"
	# A monitor: each request's path and body.
	python3 -c '
import http.server, sys
class H(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        open(sys.argv[1] + "/pings", "ab").write(self.path.encode() + b"\n" + body)
        self.send_response(200); self.end_headers(); self.wfile.write(b"OK")
    def log_message(self, *a): pass
s = http.server.HTTPServer(("127.0.0.1", 0), H)
open(sys.argv[1] + "/port", "w").write(str(s.server_port) + "\n")
s.serve_forever()' "$T" 3>&- &
	on_exit kill_now $!
	wait_until 10 test -s "$T/port"
	cat >"$T/sendmail" <<-EOT
	#!/bin/bash
	{ printf '%s ' "\$@"; echo; cat; } >$T/mail
	EOT
	chmod 755 "$T/sendmail"
	cat >>"$CONF" <<-EOT
	ping = "http://127.0.0.1:$(cat "$T/port")/ping/secret-id"
	mail = "root@example.net"
	sendmail = "$T/sendmail"
	prometheus = "$T/prom/irsync.prom"
	EOT
	mkdir "$T/prom"
}
teardown() { run_cleanup; }

@test "start and success; metrics; no mail" {
	irsync backup
	[ "$(grep -c ^/ping "$T/pings")" = 2 ]
	[ "$(sed -n 1p "$T/pings")" = /ping/secret-id/start ]
	[ "$(sed -n 2p "$T/pings")" = /ping/secret-id ]
	grep -q 'irsync of client.example.net: complete' "$T/pings"
	[ ! -e "$T/mail" ]
	grep -qx "irsync_last_exit_status{host=\"client.example.net\",storage=\"$T/store\"} 0" \
	    "$T/prom/irsync.prom"
	[ "$(ls "$T/prom")" = irsync.prom ]
	grep -E '^irsync_last_complete_timestamp_seconds' "$T/prom/irsync.prom" |
	    grep -qE ' 1[0-9]{9}$'
	rm "$T/pings"
	irsync -n backup
	[ ! -e "$T/pings" ]
}

@test "failure, with the cause first and the end of the log" {
	cat >"$T/rsync" <<-'EOT'
	#!/bin/bash
	for i in {1..300}; do
		echo "rsync: line $i with \"quotes\", a \\ and a bell"$'\a' >&2
	done
	echo 'rsync: No space left on device (28)' >&2
	exit 11
	EOT
	chmod 755 "$T/rsync"
	echo "rsync = \"$T/rsync\"" >>"$CONF"
	run -73 irsync backup
	grep -qx /ping/secret-id/fail "$T/pings"
	grep -q 'line 300 with "quotes", a \\ and a bell\\007' "$T/pings"
	run ! grep -q 'line 1 with' "$T/pings"
	[ "$(sed -n 1p "$T/mail")" = '-i -- root@example.net ' ]
	grep -qx 'To: root@example.net' "$T/mail"
	grep -q '^Subject: irsync of client.example.net: no space is left: .*No space left' "$T/mail"
	[ "$(sed -n '/^$/,$p' "$T/mail" | sed -n 2p | cut -c1-30)" = \
	    'irsync of client.example.net: ' ]
	grep -q '_status{.*} 73$' "$T/prom/irsync.prom"
	# A monitor that is down spoils no backup.
	sed -i 's|http://127.0.0.1:[0-9]*|http://127.0.0.1:1|; /^rsync/d
	    s|/prom/|/none/|' "$CONF"
	run -0 irsync backup
	[[ $output == *"ping: "* ]]
	[[ $output == *"$T/none/irsync.prom: No such file"* ]]
	[ ! -e "$T/none" ]
}

@test "a run that hangs makes the next one busy, and that is told too" {
	flock -F -x "$T/lock" sh -c "echo up >'$T/up'; exec sleep 600" 3>&- &
	on_exit kill_now $!
	wait_until 5 test -s "$T/up"
	run -75 irsync backup
	grep -qx /ping/secret-id/fail "$T/pings"
	grep -q '^Subject: .*another run is active' "$T/mail"
}

@test "the URL, which is a password, stands on no command line" {
	cat >"$T/curl" <<-EOT
	#!/bin/bash
	printf '%s\n' "\$*" >>$T/curl.args
	env >>$T/curl.args
	EOT
	chmod 755 "$T/curl"
	echo "curl = \"$T/curl\"" >>"$CONF"
	irsync backup
	[ -s "$T/curl.args" ]
	run ! grep -q secret-id "$T/curl.args"
}
