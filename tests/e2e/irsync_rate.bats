#!/usr/bin/env bats
# A rate by tc(8) for what goes to the server alone, taken off again.

load helpers
load irsync_helpers

setup_file() {
	# Two runs at once are two runs for the lock.
	export BATS_NO_PARALLELIZE_WITHIN_FILE=true
}
setup() {
	need tc ip
	setup_tmp
	server_make
	mkdir -p "$T/src"
	head -c 1500000 /dev/urandom >"$T/src/big"
	irsync_conf "$T/src"
	echo 'rate = "1M"' >>"$CONF"
}
teardown() { run_cleanup; }

# The interface is lo, which is the machine's: so tc is only watched here, and
# what it is told is tried in a namespace of its own below.
watched_tc() {
	cat >"$T/tc" <<-EOT
	#!/bin/bash
	echo "\$*" >>$T/tc.said
	case "\$*" in
	'qdisc show')
		cat $T/queues 2>/dev/null ;;
	'qdisc show dev lo root') echo 'qdisc noqueue 0: root refcnt 2' ;;
	'qdisc add'*) echo 'qdisc htb 1b5c: dev lo root refcnt 2' >$T/queues ;;
	'qdisc del'*) rm $T/queues ;;
	esac
	EOT
	chmod 755 "$T/tc"
	echo "tc = \"$T/tc\"" >>"$CONF"
}

@test "set before the push and taken away after it, also after a failure" {
	watched_tc
	irsync backup
	grep -q "u32 match ip dst 127.0.0.1/32 match ip dport $SSH_PORT 0xffff flowid 1b5c:2" \
	    "$T/tc.said"
	grep -q 'rate 1048576bps' "$T/tc.said"
	[ ! -e "$T/queues" ]
	: >"$T/ssh/authorized_keys"
	run -77 irsync backup
	[ ! -e "$T/queues" ]
	# Nothing is asked of tc where no rate is set.
	sed -i '/^rate/d' "$CONF"
	rm "$T/tc.said"
	run -77 irsync backup
	[ ! -e "$T/tc.said" ]
}

@test "what a killed run left is taken away by the next" {
	watched_tc
	echo 'qdisc htb 1b5c: dev lo root refcnt 2' >"$T/queues"
	run -0 irsync backup
	[[ $output == *"took away the rate that a killed run had left"* ]]
	[ ! -e "$T/queues" ]
}

@test "the rate of a run that goes on is not taken away by another" {
	watched_tc
	echo 'qdisc htb 1b5c: dev lo root refcnt 2' >"$T/queues"
	sed -i 's/^retries.*/retries = 0/' "$CONF"
	# Locks are for a namespace: this one is the test's alone.
	# shellcheck disable=SC2016
	run -0 unshare --net bash -c 'ip link set lo up
		exec 8>"/run/irsync-rate-$(stat -Lc %i /proc/self/ns/net).lock"
		flock 8
		"$0" -f "$1" backup 8>&- || [ $? = 69 ]' "$BIN/irsync" "$CONF"
	[[ $output == *"no rate by tc(8)"*"another run has set one"* ]]
	[ -e "$T/queues" ]
	[ ! -e "$T/tc.said" ]
}

@test "the real tc, in a network of its own: the rate holds, others are not slowed" {
	cat >"$T/inside" <<-'EOT'
	set -eu
	CONF=$1 BIN=$2 PORT=$3 T=$4
	ip link set lo up
	tc qdisc show dev lo | grep -q htb && exit 9
	# In place of the server, somebody who swallows what comes.
	python3 - "$PORT" <<-'PY' &
	import socketserver, sys
	class Swallow(socketserver.BaseRequestHandler):
	    def handle(self):
	        while self.request.recv(65536): pass
	socketserver.ThreadingTCPServer(("127.0.0.1", int(sys.argv[1])),
	    Swallow).serve_forever()
	PY
	trap 'kill -9 %1' EXIT
	until (: <"/dev/tcp/127.0.0.1/$PORT") 2>/dev/null; do
		kill -0 %1
		sleep 0.05
	done
	"$BIN/irsync" -f "$CONF" backup >"$T/said" 2>&1 &
	pid=$!
	for i in $(seq 1200); do
		tc -s class show dev lo | grep -q '1b5c:2' && break
		sleep 0.05
	done
	tc class show dev lo >"$T/classes"
	tc filter show dev lo >"$T/filters"
	python3 - "$PORT" >"$T/times" <<-'PY'
	import socket, sys, time
	def send(port, size):
	    s = socket.create_connection(("127.0.0.1", port))
	    t = time.time(); s.sendall(b"x" * size); s.shutdown(1)
	    s.recv(1); return time.time() - t
	print(send(int(sys.argv[1]), 1500000))
	PY
	kill -9 "$pid"
	tc qdisc show dev lo | grep -q 'htb 1b5c:'
	"$BIN/irsync" -f "$CONF" backup >"$T/again" 2>&1 &
	pid=$!
	for i in $(seq 1200); do
		grep -q 'a killed run had left' "$T/again" &&
		    tc -s class show dev lo | grep -q '1b5c:2' && break
		sleep 0.05
	done
	kill "$pid"
	wait "$pid" || true
	tc qdisc show dev lo >"$T/left"
	EOT
	sed -i 's/^timeout.*//' "$CONF"
	unshare --net bash "$T/inside" "$CONF" "$BIN" "$SSH_PORT" "$T" 3>&-
	grep -q 'htb 1b5c:2 .*rate 8' "$T/classes"
	grep -q 'flowid 1b5c:2' "$T/filters"
	# 1.5 MB at 1 MiB a second.
	python3 -c "import sys; t = float(open('$T/times').read()); sys.exit(not 0.8 < t < 60)"
	run ! grep -q htb "$T/left"
}
