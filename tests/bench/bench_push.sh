#!/bin/bash
# bench_push.sh: one night's push of 100 000 files through a real sshd: the first
# one, one in which nothing has changed, one in which one file in a hundred has:
#
#	backshelf	a push through validate-ssh, which becomes a snapshot
#	link-dest	rsync --link-dest into a new folder
#	cp -al		rsync over the one full tree, then cp -al of it, as the old
#			irsync did and rsnapshot does; a chmod changes history
#	rsync -n	nothing but the scan: the floor, and no backup
#
# All into the same file system, as the same account without rights, with
# --fake-super.  By turns, so that a slow minute of the machine meets all of
# them; what counts are the ratios of the medians.  The peers do not sync to
# disk; backshelf does, and its time is counted.
#
# Then the commit alone: all linking done after rsync has ended, against cp -al
# of the same files.
#
# FILES, BYTES, ROUNDS in the environment: 100000, 1.5 GB and 5.  The table goes
# to standard output, figures to build/bench/push.json, and a plot beside it if
# there is gnuplot.
#
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The backshelf authors
set -euE
# shellcheck source=tests/e2e/helpers.bash
. "$TOP/tests/e2e/helpers.bash"
FILES=${FILES:-100000}
BYTES=${BYTES:-1500000000}
ROUNDS=${ROUNDS:-5}
OUT=$B/bench
WAYS=(backshelf linkdest copy scan)
PHASES=(first unchanged changed)
OPTIONS=(-aHAX --numeric-ids --delete)

trap 'echo "bench_push.sh:$LINENO: $BASH_COMMAND failed" >&2' ERR
setup_tmp
trap run_cleanup EXIT
STORE=$T/home/$ACCOUNT/store
PEERS=$T/home/$ACCOUNT/peers

# A second key, of an account with a shell: what the peers need.
make_ends() {
	as_account mkdir "$STORE" "$PEERS"
	as_account mkdir "$PEERS/full" "$PEERS/snaps"
	cat >"$T/sshguard.conf" <<-CONF
	root = "$STORE"
	client "client" {}
	CONF
	start_sshd
	authorize client
	ssh-keygen -q -t ed25519 -N '' -C bare -f "$T/ssh/bare_key"
	cat "$T/ssh/bare_key.pub" >>"$T/ssh/authorized_keys"
	sed "s,$SSH_KEY,$T/ssh/bare_key," "$SSH_CONF" >"$T/ssh/bare"
}

bare() {
	rsync "${OPTIONS[@]}" -M--fake-super -e "ssh -F $T/ssh/bare" "$@"
}

# with_WAY N: the Nth push.
with_backshelf() {
	rsync "${OPTIONS[@]}" -e "ssh -F $SSH_CONF" "$T/source/" server:
}

with_linkdest() {
	bare --link-dest="$PEERS/link.$(($1 - 1))" "$T/source/" \
	    "server:$PEERS/link.$1/"
}

with_copy() {
	bare "$T/source/" "server:$PEERS/full/"
	as_account cp -al "$PEERS/full" "$PEERS/snaps/$1"
}

with_scan() {
	bare -n "$T/source/" "server:$PEERS/full/"
}

# timed WAY PHASE N: microseconds, appended to $T/PHASE.WAY.
timed() {
	local start end
	sync
	start=${EPOCHREALTIME/./}
	"with_$1" "$3"
	end=${EPOCHREALTIME/./}
	echo $((end - start)) >>"$T/$2.$1"
}

# all_ways PHASE N: one push each.  The scan comes first: its folder is what
# the copy brings up to date.
all_ways() {
	timed scan "$1" "$2"
	timed copy "$1" "$2"
	timed backshelf "$1" "$2"
	timed linkdest "$1" "$2"
}

# The most memory that each process of a push had, seen from outside: a push of
# which nothing is timed.
measure_memory() {
	with_backshelf 0 &
	python3 "$TOP/tests/bench/memory.py" $! "$ACCOUNT_ID" validate-ssh \
	    >"$T/memory"
	wait $!
}

# The commit alone: a push whose rsync brings nothing and takes no time.
with_commit() {
	as_account env TMPDIR="$T/tmp" "$TOOLS/storepush" -w overlay \
	    -r /bin/true "$STORE" client -- -a "$T/source/" >/dev/null 2>&1
}

with_cpal() {
	as_account cp -al "$PEERS/full" "$PEERS/snaps/commit.$1"
}

median() {
	sort -n "$1" | awk '{ v[NR] = $1 }
	    END { print NR % 2 ? v[(NR + 1) / 2] :
	        int((v[NR / 2] + v[NR / 2 + 1]) / 2) }'
}

name_of() {
	case $1 in
	backshelf) echo 'backshelf, validate-ssh' ;;
	linkdest) echo 'rsync --link-dest' ;;
	copy) echo 'rsync, then cp -al' ;;
	scan) echo 'rsync -n (the scan alone)' ;;
	esac
}

title_of() {
	case $1 in
	first) echo "first push of $FILES files" ;;
	unchanged) echo 'nothing has changed' ;;
	changed) echo 'one file in a hundred has changed' ;;
	esac
}

table() {
	local phase way ours
	for phase in "${PHASES[@]}"; do
		ours=$(median "$T/$phase.backshelf")
		printf '%-36s %10s %7s\n' "$(title_of "$phase")" time ratio
		for way in "${WAYS[@]}"; do
			awk -v name="  $(name_of "$way")" -v ours="$ours" \
			    -v us="$(median "$T/$phase.$way")" 'BEGIN {
			    printf "%-36s %8.2f s %7.2f\n", name, us / 1e6,
			        us / ours }'
		done
	done
	awk -v c="$(median "$T/commit.commit")" -v p="$(median "$T/commit.cpal")" \
	    'BEGIN { printf "%-36s %10s %7s\n%-36s %8.2f s %7.2f\n" \
	    "%-36s %8.2f s %7.2f\n", "the commit alone", "time", "ratio",
	    "  backshelf", c / 1e6, 1, "  cp -al", p / 1e6, p / c }'
	awk '{ printf "memory of validate-ssh: %.1f MiB\n", $1 / 1024 }' \
	    "$T/memory"
}

json() {
	local f
	for f in "$T"/{first,unchanged,changed,commit}.*; do
		jq -n --arg f "${f##*/}" --argjson us "$(median "$f")" \
		    --slurpfile all "$f" '($f / ".") as [$phase, $way] |
		    {($phase): {($way): {median_s: ($us / 1e6),
		    s: ($all | map(. / 1e6))}}}'
	done | jq -s --argjson files "$FILES" --argjson bytes "$BYTES" \
	    --argjson cores "$(nproc)" --slurpfile kib "$T/memory" \
	    --arg kernel "$(uname -r)" \
	    'reduce .[] as $x ({}; . * $x) | {files: $files, bytes: $bytes,
	    cores: $cores, kernel: $kernel, memory_kib: $kib[0]} + .'
}

plot() {
	local phase way
	for phase in unchanged changed; do
		printf '"%s"' "$(title_of "$phase")"
		for way in "${WAYS[@]}"; do
			awk -v us="$(median "$T/$phase.$way")" \
			    'BEGIN { printf " %.3f", us / 1e6 }'
		done
		echo
	done >"$T/plot.data"
	gnuplot <<-PLOT
	set terminal svg size 640,360 font "sans-serif,12" background "white"
	set output "$OUT/push.svg"
	set title "a push of $FILES files through sshd, seconds (less is better)"
	set style data histogram
	set style histogram clustered gap 1
	set style fill solid 0.8 noborder
	set yrange [0:*]
	set grid ytics
	set key outside bottom center horizontal
	plot "$T/plot.data" using 2:xtic(1) title "backshelf" lc rgb "#1b6ca8", \
	    "" using 3 title "rsync --link-dest" lc rgb "#e08e45", \
	    "" using 4 title "rsync, then cp -al (unsafe)" lc rgb "#b04a5a", \
	    "" using 5 title "rsync -n (the floor)" lc rgb "#999999"
	PLOT
}

mkdir -p "$OUT" "$T/source" "$T/tmp"
chmod 1777 "$T/tmp"
"$TOP/tests/bench/source.py" "$T/source" "$FILES" "$BYTES"
make_ends
as_account mkdir "$PEERS/link.-1"
all_ways first 0
n=0
for ((round = 1; round <= ROUNDS; round++)); do
	all_ways unchanged $((n += 1))
	"$TOP/tests/bench/source.py" --change "$T/source" "$round"
	all_ways changed $((n += 1))
done
measure_memory
for ((round = 1; round <= ROUNDS; round++)); do
	timed cpal commit "$round"
	timed commit commit "$round"
done
made=$(find "$STORE/client.snaps" -maxdepth 1 -name '2*' | wc -l)
if [ "$made" != $((3 * ROUNDS + 2)) ]; then
	echo "there are $made snapshots" >&2
	exit 1
fi
table
json >"$OUT/push.json"
if command -v gnuplot >/dev/null; then
	plot
	echo "figures: $OUT/push.json, $OUT/push.svg"
fi
