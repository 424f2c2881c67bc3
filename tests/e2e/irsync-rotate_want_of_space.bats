#!/usr/bin/env bats
# max-size, min-free and min-free-inodes let snapshots go before their time: what a
# flood brought first, then the oldest; down to a floor, and never what is pinned.

load helpers
load rotate_helpers
setup() {
	rotate_setup
	need jq mkfs.ext4
	truncate -s 64M "$T/disk"
	mkfs.ext4 -q -m 0 -N 2000 "$T/disk"
	mount -o loop "$T/disk" "$T/root"
	on_exit umount "$T/root"
}
teardown() { run_cleanup; }

# fill HOST DAYS KIB: daily snapshots, each with so many KiB of its own and a
# file that all of them share.
fill() {
	local i dir first=
	for ((i = $2 - 1; i >= 0; i--)); do
		make_snapshot "$1" "$(days_ago "$i")"
		dir=$T/root/$1.snaps/$(days_ago "$i")
		head -c "$3K" /dev/urandom >"$dir/own"
		if [ -z "$first" ]; then
			head -c 1M /dev/urandom >"$dir/shared"
			first=$dir
		else
			ln "$first/shared" "$dir/shared"
		fi
	done
	ln -sfn "$1.snaps/$(days_ago 0)" "$T/root/$1.full"
}

conf() {
	printf '%s\n' "root = \"$T/root\"" 'age = 30' "$@" >"$T/rotate.conf"
}

@test "max-size: the oldest go, and no more than is needed" {
	fill web 10 1024
	fill db 10 1024
	conf 'client "web" { max-size = "6M" }'
	rotate -n --json >"$T/plan"
	rotate --json >"$T/run"
	# Six of about a MiB, and what the file system had to say of them.
	jq -e '.clients[] | select(.client == "web") |
	    .freed > 5900000 and .freed < 7000000' "$T/run"
	jq -e '.clients[] | select(.client == "db") | .freed == 0' "$T/run"
	# A shared MiB and four of their own.
	[ "$(snapshots web)" = "$(for i in 3 2 1 0; do days_ago $i; done)" ]
	[ "$(du -s --block-size=1 "$T/root/web.snaps" | cut -f 1)" -le 6400000 ]
	[ "$(snapshots db | wc -l)" = 10 ]
	[ "$(jq -r '.clients[] | select(.client == "web") | .snapshots[] |
	    select(.keep) | .stamp' "$T/plan")" = "$(snapshots web)" ]
	jq -e '[.clients[].snapshots[] | select(.keep | not) | .reason] |
	    unique == ["max-size 6.0 MiB"]' "$T/plan"
}

@test "the floor holds, whatever is asked for, and the run says so" {
	fill web 10 1024
	conf 'max-size = "1M"' 'floor = 4'
	"$BIN/irsync-rotate" pin -f "$T/rotate.conf" web "$(days_ago 8)" why
	run rotate
	[ "$status" = 1 ]
	[[ $output == *"web: still takes "*", which is more than max-size 1.0 MiB"* ]]
	[ "$(snapshots web)" = "$(for i in 8 3 2 1 0; do days_ago $i; done)" ]
}

@test "a flood pays first" {
	fill web 6 64
	local i
	for i in 1 2 3 4 5 6 7 8; do
		make_snapshot web "$(stamp "$THIS_HOUR 1 day ago -$i minutes")"
		head -c 1M /dev/urandom >"$T/root/web.snaps/$(stamp \
		    "$THIS_HOUR 1 day ago -$i minutes")/own"
	done
	conf 'max-size = "3M"'
	rotate
	for i in 5 4 3 2 1 0; do
		snapshots web | grep -qx "$(days_ago $i)"
	done
}

@test "min-free: all give, the longest history first, until there is room" {
	fill web 16 1024
	fill db 8 1024
	conf 'min-free = "75%"'
	rotate -n --json >"$T/plan"
	rotate --json >"$T/run"
	[ "$(stat -f -c %a "$T/root")" -ge \
	    "$(($(stat -f -c %b "$T/root") * 3 / 4))" ]
	web=$(snapshots web | wc -l)
	db=$(snapshots db | wc -l)
	[ $((web - db)) -ge -1 ] && [ $((web - db)) -le 1 ]
	[ $((web + db)) -ge 10 ]
	for f in plan run; do
		jq '[.clients[].snapshots[] | [.stamp, .keep, .reason]]' \
		    "$T/$f" >"$T/$f.why"
	done
	cmp "$T/plan.why" "$T/run.why"
	# Enough is enough.
	rotate --json | jq -e '[.clients[].dropped] | add == 0'
}

@test "min-free-inodes: many small files go too" {
	local i
	fill web 8 4
	for i in 7 6 5 4 3 2 1; do
		(cd "$T/root/web.snaps/$(days_ago $i)" && seq 200 | xargs touch)
	done
	conf 'min-free-inodes = "50%"'
	rotate
	[ "$(stat -f -c %d "$T/root")" -ge "$(($(stat -f -c %c "$T/root") / 2))" ]
	[ "$(snapshots web | wc -l)" -ge 3 ]
	snapshots web | grep -qx "$(days_ago 0)"
}

@test "where there is room, nobody is measured and nothing goes" {
	fill web 5 64
	conf 'min-free = "1M"' 'min-free-inodes = 10' 'max-size = "40M"'
	rotate
	[ "$(snapshots web | wc -l)" = 5 ]
}
