# shellcheck shell=bash
# verdict.bash: what must hold in the morning, and the table of the night.
#
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The backshelf authors

FAILED=0
GROW_FDS=8			# more than that is a leak
GROW_KIB=8192
case $B in
*/san) GROW_KIB=65536 ;;	# a sanitizer keeps what was freed
esac

# check TEXT COMMAND...: it holds, or the run has failed.
check() {
	local text=$1
	shift
	if "$@" >"$T/check" 2>&1; then
		echo "[ok] $text"
	else
		echo "[FAILED] $text"
		head -n 20 "$T/check" | sed 's/^/	/'
		FAILED=$((FAILED + 1))
	fi
}

# nothing_in FILE...: it is empty, or not there.
nothing_in() {
	cat "$@" 2>/dev/null >"$T/found" || true
	cat "$T/found"
	[ ! -s "$T/found" ]
}

# each_client FUNCTION: it is called with each client's number and name, a few at
# once; fails if it does for any.
each_client() {
	local k pid rc=0 pids=()
	for ((k = 1; k <= SOAK_CLIENTS; k++)); do
		"$1" "$k" "${HOSTNAMES[k]}" &
		pids+=($!)
		[ $((k % 4)) = 0 ] || [ "$k" = "$SOAK_CLIENTS" ] || continue
		for pid in "${pids[@]}"; do
			wait "$pid" || rc=1
		done
		pids=()
	done
	return $rc
}

# The servers, when nothing disturbs them any more.

pushes_now() {
	local rc=0
	push_once "$1" || rc=$?
	[ $rc = 0 ] || echo "$2: $rc: $(tail -n 3 "$T/c/$2/err")"
	return $rc
}

# A listing removes what one that was killed has left, a minute later.
lists_now() {
	touch -d '-61 sec' "$T/c/$2/listed"
	client_irsync "$1" list | grep -q 'complete'
}

# A silent client's session ends by its timeout.
sessions_ended() {
	[ -z "$(processes 'validate-ssh|rsync|irsync-rotate' account)" ]
}

rotates_now() {
	local rc=0
	rotate_once - || rc=$?
	tail -n 3 "$T/rotate.log"
	[ $rc = 0 ] || [ $rc = 1 ] || return
	python3 "$SOAK/retain.py" -f "$KEEP" "$(date +%s)" "$T/rotate.after"
}

reads_back() {
	ip netns exec "$AOE_NET-$1" "$TOOLS/aoesoak" -r -i aoe0 \
	    -d "$SERVER_MAC" -a 0.0 -e "$1" -l "$T/c/$2/ledger"
}

aoed_ends_well() {
	local pid
	pid=$(cat "$T/aoed.pid")
	: >"$T/stop.aoed"
	kill "$pid"
	wait_until 40 pid_is_gone "$pid"
	wait_until 5 eval "[ \$(wc -l <'$T/aoed.ends') -gt $(cat "$T/aoed.restarts") ]"
	[ "$(tail -n 1 "$T/aoed.ends")" = 0 ]
}

# It ended as often as somebody ended it, and each time a new one came.
aoed_ended_by_us() {
	local ends thrown
	ends=$(wc -l <"$T/aoed.ends")
	thrown=$(grep -Ec '^(kill_aoed_(parent|serve)|stop_aoed)$' "$T/thrown")
	echo "$ends" >"$T/aoed.restarts"
	echo "ended $ends times, by us $thrown times"
	[ "$ends" = "$thrown" ]
}

# The disks, read past every cache.

image_is_right() {
	"$TOOLS/aoesoak" -c "$T/disks/$2.img" -e "$1" -l "$T/c/$2/ledger"
}

initiators_saw_nothing_wrong() {
	local rc=0
	cat "$T"/c/*/aoesoak.log
	each_client ledger_is_clean || rc=1
	return $rc
}

ledger_is_clean() {
	"$TOOLS/aoesoak" -t "$T/c/$2/ledger" | grep -q ' wrong 0$'
}

# What a commit that outlived its client, or the last rotation, has made.
see_all() {
	snapshots_see "$2"
}

snapshots_unchanged() {
	local dir name rc=0 n=0
	for dir in "$T"/store/root/*.snaps/2*; do
		name=$(basename "${dir%/*}" .snaps)/seen/${dir##*/}
		python3 "$SOAK/tree.py" stored "$dir" >"$T/now"
		if ! cmp "$T/c/$name" "$T/now"; then
			diff "$T/c/$name" "$T/now" | head -n 5
			rc=1
		fi
		n=$((n + 1))
	done
	echo "$n snapshots"
	[ $n -gt 0 ] && return $rc
}

# What was seen is still there, or went by a rotation.
snapshots_are_there() {
	local seen rc=0 stamp
	for seen in "$T/c/$2"/seen/2*Z; do
		stamp=${seen##*/}
		[ -d "$T/store/root/$2.snaps/$stamp" ] ||
		    grep -qx "$2 $stamp" "$T/removed" ||
		    { echo "$2 $stamp is gone"; rc=1; }
	done
	return $rc
}

# Names that may be in a client's store, and in the folders of state.
store_is_tidy() {
	local snaps=$T/store/root/$2.snaps left
	left=$(cd "$snaps" && {
		find . -mindepth 1 -maxdepth 1 ! -name '2*Z' ! -name .meta \
		    ! -name .push ! -name .lock ! -name .pins ! -name .noverlay \
		    ! -name .usage ! -name .usage.json \
		    ! -name '.session.[0-9]*'
		[ ! -d .push ] || find .push -mindepth 1
		find .meta -type f ! -name sums ! -name '2*Z.json'
	} | head)
	for meta in "$snaps"/.meta/2*.json; do
		[ -d "$snaps/$(basename "$meta" .json)" ] ||
		    left+=" $meta without a snapshot"
	done
	left+=$(cd "$T/c/$2" && find state -type f \
	    ! -name "$2.json" ! -name "$2.facts.json")
	left+=$(cd "$T/c/$2" && find tmp -mindepth 1 ! -newer listed)
	[ -z "$left" ] || { echo "$2: $left"; return 1; }
}

state_is_tidy() {
	local left
	left=$(find "$T/disks/state" -type f ! -name '*.json')
	left+=$(find "$T/store/root" -mindepth 1 -maxdepth 1 \
	    ! -name '*.snaps' ! -name '*.full')
	echo "$left"
	[ -z "$left" ]
}

no_process_left() {
	local found
	# shellcheck disable=SC2009 # pgrep has no such list
	found=$(ps -e -o pid=,comm= |
	    grep -E ' (aoe.*|irsync.*|validate-ssh|rsync|ssh.*|nbd.*)$')
	echo "$found"
	[ -z "$found" ]
}

# What may never stand in a log, whatever was thrown.
logs_are_clean() {
	! grep -rhE \
	    -e '(ERROR|SUMMARY): .*Sanitizer|runtime error:' \
	    -e 'refused by the sandbox|ALARM|a worker is stuck|damaged' \
	    -e 'refused to the serving|[Aa]ssertion' \
	    "$T"/*.log "$T/syslog" "$T"/c/*/log "$T"/c/*/err \
	    "$T/home/$ACCOUNT/guard.log"
}

# Would the checks have noticed?  A block that was acknowledged is set back, a
# byte of a snapshot altered, the newest snapshot removed.
checks_would_notice() {
	local h=${HOSTNAMES[1]} dir
	cp "$T/disks/$h.img" "$T/try.img"
	cp "$T/c/$h/ledger" "$T/try.ledger"
	"$TOOLS/aoesoak" -c "$T/try.img" -e 1 -l "$T/try.ledger" || return
	python3 "$SOAK/spoil.py" "$T/try.ledger"
	! "$TOOLS/aoesoak" -c "$T/try.img" -e 1 -l "$T/try.ledger" || return
	dir=$(readlink -f "$T/store/root/$h.full")
	cp -a "$dir" "$T/try.snapshot"
	printf 9 | dd of="$T/try.snapshot$T/c/$h/src/GENERATION" conv=notrunc
	touch -r "$dir$T/c/$h/src/GENERATION" \
	    "$T/try.snapshot$T/c/$h/src/GENERATION"
	diff <(python3 "$SOAK/tree.py" meant "$dir$T/c/$h/src") \
	    <(python3 "$SOAK/tree.py" meant "$T/try.snapshot$T/c/$h/src") &&
	    return 1
	sed "/^$h ${dir##*/} /d" "$T/rotate.after" >"$T/try.after"
	! python3 "$SOAK/retain.py" "$KEEP" "$(date +%s)" "$T/rotate.after" \
	    "$T/try.after" "$T/try.removed"
}

verdict() {
	wait_until 60 sessions_ended || true
	check 'no session of the account is left' sessions_ended
	aoectl start >/dev/null 2>&1 || true
	check 'aoed serves all exports' wait_until 10 aoed_serves_all
	check 'every client can push' each_client pushes_now
	check 'and list' each_client lists_now
	check 'a rotation leaves what the rules keep, and no more' rotates_now
	each_client see_all
	check 'every acknowledged block is read back over AoE' \
	    each_client reads_back
	check 'aoed never ended but by our hand' aoed_ended_by_us
	check 'it ends well' aoed_ends_well
	check 'it leaked neither descriptors nor memory' \
	    watch_growth "$GROW_FDS" "$GROW_KIB"
	watch_growth "$GROW_FDS" "$GROW_KIB" >"$T/growth" || true
	server_ends
	check 'the file systems can be unmounted' disks_again
	check 'every acknowledged block is in its image' \
	    each_client image_is_right
	check 'nothing wrong was ever read, and no initiator gave up' \
	    nothing_in "$T"/c/*/aoesoak.log "$T/wrong.initiators"
	check 'and the ledgers say so' each_client ledger_is_clean
	check 'each push that was reported made its snapshot' \
	    nothing_in "$T/wrong.pushes"
	check 'each snapshot is one whole state of its client' \
	    nothing_in "$T/wrong.snapshots"
	check 'none has changed since it was first seen' snapshots_unchanged
	check 'each is there, or was rotated away' \
	    each_client snapshots_are_there
	check 'rotation removed nothing that the rules keep' \
	    nothing_in "$T/wrong.rotate"
	check 'no stray file is in the stores' each_client store_is_tidy
	check 'nor in the folders of state' state_is_tidy
	check 'no process is left' no_process_left
	check 'no log has what it may not have' logs_are_clean
	check 'these checks notice a lost block, a changed byte, a lost snapshot' \
	    checks_would_notice
}

# tally FILE: "N WORD" for each word, on one line.
tally() {
	sort "$1" 2>/dev/null | uniq -c | sort -rn |
	    awk '{ printf "%s%d × %s", (NR > 1 ? ", " : ""), $1, $2 }'
}

table() {
	local k sums
	sums=$(for ((k = 1; k <= SOAK_CLIENTS; k++)); do
		"$TOOLS/aoesoak" -t "$T/c/${HOSTNAMES[k]}/ledger"
	done | awk '{ for (i = 1; i < NF; i += 2) n[$i] += $(i + 1) } END {
		printf "%d acknowledged, %d reads, %d sent again, %d refused, " \
		    "%d interfaces gone\n", n["acked"], n["reads"],
		    n["again"], n["refused"], n["gone"] }')
	cut -d' ' -f2 "$T"/c/*/pushes >"$T/statuses"
	echo
	echo "writes      $sums"
	echo "pushes      by exit status: $(tally "$T/statuses")"
	echo "snapshots   $(cat "$T"/c/*/seen/*.generation | wc -l) made," \
	    "$(wc -l <"$T/removed") rotated away"
	echo "rotations   by exit status: $(tally "$T/rotations")"
	echo "daemon      started $(wc -l <"$T/aoed.ends") times;"
	sed 's/^/            /' "$T/growth"
	echo "faults      $(wc -l <"$T/thrown") thrown"
	tally "$T/thrown" | fold -s -w 66 | sed 's/^/            /'
	echo
}
