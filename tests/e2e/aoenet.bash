# shellcheck shell=bash
# aoenet.bash: a small storage network for tests and the demo, on top of
# helpers.bash, whose $T and on_exit it uses.
#
#	server ---- switch ---- client 1 ... client N
#
# Each is a network namespace.  Server and clients have one interface, aoe0; the
# switch is a bridge between their other ends, p0 ... pN.  Client K's address is
# 02:00:00:00:00:K (hexadecimal), the server's 02:00:00:00:00:f0.  IPv6 is off,
# so that nothing is on the wire but what a test sends.
#
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The backshelf authors

# shellcheck disable=SC2034 # for those who load this
SERVER_MAC=02:00:00:00:00:f0

# client_mac K
client_mac() {
	printf '02:00:00:00:00:%02x' "$1"
}

# aoe_net N [MTU]: build it; 9000 unless told.
aoe_net() {
	local n=$1 mtu=${2:-9000} k
	AOE_NET=bs$$
	aoe_net_space w
	{
		echo "link add br0 type bridge stp_state 0 mcast_snooping 0"
		echo "link set br0 mtu $mtu up"
	} | ip -n "$AOE_NET-w" -batch -
	aoe_net_port s 0 "$SERVER_MAC" "$mtu"
	for ((k = 1; k <= n; k++)); do
		aoe_net_port "$k" "$k" "$(client_mac "$k")" "$mtu"
	done
	wait_until 10 aoe_net_is_up
	[ -z "${AOE_CAPTURE-}" ] || aoe_net_capture
}

# What the server sends goes to a file in $AOE_CAPTURE, until a target that is
# not ours is started.
aoe_net_capture() {
	local file
	file=$(mktemp "$AOE_CAPTURE/XXXXXX.pcap")
	ip netns exec "$AOE_NET-s" "$TOOLS/aoecapture" "$file" \
	    </dev/null >"$T/capture.log" 2>&1 3>&- &
	CAPTURE_PID=$!
	on_exit kill_wait "$CAPTURE_PID"
	wait_until 10 grep -q listening "$T/capture.log"
}

aoe_net_space() {
	ip netns add "$AOE_NET-$1"
	on_exit ip netns del "$AOE_NET-$1"
	ip netns exec "$AOE_NET-$1" sysctl -qw \
	    net.ipv6.conf.all.disable_ipv6=1 \
	    net.ipv6.conf.default.disable_ipv6=1
}

# aoe_net_port SPACE PORT MAC MTU: a namespace and its cable into the switch.
aoe_net_port() {
	aoe_net_space "$1"
	{
		echo "link add p$2 mtu $4 type veth peer name aoe0 mtu $4" \
		    "address $3 netns $AOE_NET-$1"
		echo "link set p$2 master br0"
		echo "link set p$2 up"
	} | ip -n "$AOE_NET-w" -batch -
	ip -n "$AOE_NET-$1" link set aoe0 up
}

# A port that is down or has no queue yet drops what is sent.
aoe_net_is_up() {
	! ip -n "$AOE_NET-w" -o link show type veth | grep -v 'state UP'
}

# srv COMMAND..., client K COMMAND...: run it there.
srv() {
	ip netns exec "$AOE_NET-s" "$@"
}

client() {
	local k=$1
	shift
	ip netns exec "$AOE_NET-$k" "$@"
}

# aoe K ARGUMENT...: the initiator in client K.
aoe() {
	local k=$1
	shift
	client "$k" "$TOOLS/aoeinit" -i aoe0 "$@"
}

# start_aoed TABLE [OPTION...]: the daemon in the server, on the table in that
# file; its log is $T/aoed.log.  Returns once it answers aoectl.
start_aoed() {
	local table=$1
	shift
	mkdir -p "$T/state"
	ip netns exec "$AOE_NET-s" "$BIN/aoed" -d -f "$table" \
	    -s "$T/aoed.sock" -S "$T/state" "$@" \
	    </dev/null >>"$T/aoed.log" 2>&1 3>&- &
	AOED_PID=$!
	on_exit end_aoed "$AOED_PID"
	wait_until 10 aoed_settled
	if ! aoectl status >/dev/null; then
		cat "$T/aoed.log" >&2
		return 1
	fi
}

# The tests are over; one that looks for leaks does so at an orderly end.
end_aoed() {
	if [ "${B##*/}" = san ]; then kill_wait "$1"; else kill_now "$1"; fi
}

aoed_settled() {
	aoectl status || pid_is_gone "$AOED_PID"
}

stop_aoed() {
	kill_wait "$AOED_PID"
}

aoectl() {
	"$BIN/aoectl" -s "$T/aoed.sock" "$@"
}

# state_is ALIAS STATE: does the daemon say so?
state_is() {
	aoectl --json status "$1" |
	    jq -e --arg s "$2" '.exports[0].state == $s'
}

# listen K: from here on, every advertisement that client K hears is a line of
# $T/heard.K.
listen() {
	ip netns exec "$AOE_NET-$1" python3 "$HELPERS_DIR/aoelisten.py" aoe0 \
	    </dev/null >"$T/heard.$1" 2>&1 3>&- &
	on_exit kill_now $!
	wait_until 10 grep -q listening "$T/heard.$1"
}

# start_vblade SHELF SLOT FILE [OPTION...]: Debian's target in the server, as
# the reference.
start_vblade() {
	[ -z "${CAPTURE_PID-}" ] || kill_wait "$CAPTURE_PID"
	local shelf=$1 slot=$2 file=$3
	shift 3
	ip netns exec "$AOE_NET-s" /usr/sbin/vblade "$@" "$shelf" "$slot" aoe0 \
	    "$file" </dev/null >>"$T/vblade.log" 2>&1 3>&- &
	VBLADE_PID=$!
	on_exit kill_now "$VBLADE_PID"
	wait_until 10 grep -q sectors "$T/vblade.log"
}
