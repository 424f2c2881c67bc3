#!/usr/bin/env bats
# Where the overlay is not to be had, rsync's --link-dest makes the snapshots.

load helpers
load guard

setup() {
	need setfacl setfattr
	guard_setup
	policy "pull = true  way = 'linkdest'"
}

teardown() {
	run_cleanup
}

@test "the same snapshots, the same sharing, the same history" {
	make_source "$T/src"
	push "$T/src/" server:
	first=$(snapshots)
	manifest "$SNAPS/$first" >"$T/before"
	chmod 0640 "$T/src/etc/one"
	chown 7:7 "$T/src/home/alice/a b"
	touch -d 2003-01-01 "$T/src/home/alice/-dash"
	rm "$T/src/etc/suid"
	touch -d 2004-01-01 "$T/src/etc"
	push --delete "$T/src/" "server:$CLIENT.full"
	snapshot_count 2
	second=$(snapshots | tail -n 1)
	[ "$SNAPS/$first/home/sparse" -ef "$SNAPS/$second/home/sparse" ]
	[ ! "$SNAPS/$first/etc/one" -ef "$SNAPS/$second/etc/one" ]
	[ ! -e "$SNAPS/$second/etc/suid" ]
	mkdir "$T/back"
	push -S "server:$CLIENT.full/" "$T/back/"
	python3 "$BATS_TEST_DIRNAME/sametree.py" "$T/src" "$T/back"
	manifest "$SNAPS/$first" | cmp "$T/before" -
	grep -q '(linkdest)$' "$GUARD_LOG"
}

@test "what would write into shared files is refused" {
	mkdir "$T/src"
	echo x >"$T/src/x"
	run push --inplace "$T/src/" server:
	[ "$status" != 0 ]
	[[ $output = *"--inplace and --append would write into"* ]]
	run push --append "$T/src/" server:
	[ "$status" != 0 ]
	snapshot_count 0
	policy "way = 'overlay'"
	push --inplace "$T/src/" server:
	snapshot_count 1
}

@test "what depends on the files that are there already is refused" {
	local opt
	mkdir "$T/src"
	echo x >"$T/src/x"
	push "$T/src/" server:
	for opt in --existing --ignore-existing --max-delete=1 -b \
	    --max-size=1 --min-size=9; do
		run push --delete "$opt" "$T/src/" server:
		[ "$status" != 0 ]
		[[ $output = *'would find an empty folder here'* ]]
	done
	snapshot_count 1
	policy "way = 'overlay'"
	push --delete --existing "$T/src/" server:
	snapshot_count 2
}

@test "no client can choose it" {
	only_fs ext4 xfs
	mkdir "$T/src"
	echo x >"$T/src/x"
	policy ''
	run push "$T/src/" server:
	[ "$status" = 0 ]
	[ -z "$output" ]
	# As rootless containers have them.  Before Linux 6.7 the overlay takes
	# none.
	setfattr -n user.overlay.opaque -v y "$T/src/x"
	run push "$T/src/" server:
	[[ $output = *'holds attributes named user.overlay.*'* ]] ||
	    [ "$status" = 23 ]
	setfattr -x user.overlay.opaque "$T/src/x"
	run push "$T/src/" server:
	if [[ $(uname -r) != [1-5].* && $(uname -r) != 6.[0-6].* ]]; then
		[ "$status" != 0 ]
		[[ $output = *"that the policy must say, by way = \"linkdest\""* ]]
		snapshot_count 2
		policy 'way = "overlay"'
		run push "$T/src/" server:
		[ "$status" != 0 ]
		policy 'way = "linkdest"'
		push "$T/src/" server:
		policy ''
		push "$T/src/" server:
	fi
	[[ $(tail -n 1 "$GUARD_LOG") = *'(overlay)' ]]
}

@test "without namespaces and with the sandbox off, it says so" {
	policy "sandbox = 'off'"
	no_namespaces
	mkdir "$T/src"
	push "$T/src/" server:
	grep -q 'no root of its own for rsync; nothing confines it' "$GUARD_LOG"
}

# no_landlock: from here on, the kernel has none for $RSH.
no_landlock() {
	mv "$RSH" "$RSH.bound"
	cat >"$RSH" <<-PY
	#!/usr/bin/env python3
	import ctypes, os, struct, sys
	# seccomp(2): landlock_create_ruleset, 444 everywhere, is not there.
	code = struct.pack("HBBIHBBIHBBIHBBI", 0x20, 0, 0, 0, 0x15, 0, 1, 444,
	    6, 0, 0, 0x50026, 6, 0, 0, 0x7fff0000)
	text = ctypes.create_string_buffer(code)
	prog = ctypes.create_string_buffer(struct.pack("HxxxxxxP", 4,
	    ctypes.addressof(text)))
	if ctypes.CDLL(None).prctl(22, 2, prog) != 0:
	    sys.exit("no seccomp")
	os.execv("$RSH.bound", ["rsh"] + sys.argv[1:])
	PY
	chmod 755 "$RSH"
}

@test "without namespaces and without Landlock nothing runs" {
	mkdir "$T/src"
	no_namespaces
	no_landlock
	policy 'pull = true'
	run push "$T/src/" server:
	[ "$status" != 0 ]
	[[ $output = *"rsync was not started"* ]]
	snapshot_count 0
	grep -q 'rsync was not started' "$GUARD_LOG"
	policy 'sandbox = "off"'
	push "$T/src/" server:
	snapshot_count 1
	grep -q 'nothing confines it' "$GUARD_LOG"
}

@test "without namespaces Landlock alone confines" {
	only_fs ext4 xfs
	mkdir "$T/src"
	echo x >"$T/src/x"
	no_namespaces
	policy 'pull = true'
	push "$T/src/" server:
	snapshot_count 1
	grep -q 'no root of its own' "$GUARD_LOG"
	push "$T/src/" server:
	snapshot_count 2
	[ "$SNAPS/$(snapshots | head -n 1)/x" -ef "$SNAPS/$(snapshots | tail -n 1)/x" ]
	push "server:$CLIENT.full/" "$T/back/"
	[ "$(cat "$T/back/x")" = x ]
	push -n "$T/src/" server:
	run guard rsync --server --sender -r . "$CLIENT.snaps/../../x"
	[ "$status" = 77 ]
}
