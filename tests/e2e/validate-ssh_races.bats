#!/usr/bin/env bats
# While one connection of a client works, everything it can reach flips between
# folders and symbolic links that lead out, as fast as it goes; nothing outside
# is read or written.

load helpers
load guard

setup() {
	guard_setup
	mkdir -p "$T/src/a/b" "$T/outside/b" "$T/back"
	echo mine >"$T/src/a/b/file"
	echo secret >"$T/outside/b/secret"
	echo secret >"$T/outside/secret"
	chown -R "$ACCOUNT_ID:$ACCOUNT_ID" "$T/outside"
	push "$T/src/" server:
	manifest "$T/outside" >"$T/before"
	as_account mkdir "$STORE/zeus.example.net.snaps"
	as_account sh -c "echo secret >'$STORE/zeus.example.net.snaps/secret'"
	first=$(snapshots)
	manifest "$SNAPS/$first" >"$T/first"
}

teardown() {
	run_cleanup
}

# flip SECONDS: the push's own folder is swapped with links, from outside, where
# the account itself could do it.
flip() {
	python3 - "$1" "$SNAPS/.push/upper" "$T/outside" \
	    "$STORE/zeus.example.net.snaps" <<-'PY'
	import os, sys, time
	end = time.time() + float(sys.argv[1])
	up, targets, n = sys.argv[2], sys.argv[3:], 0

	# Through no link: the flipping itself must not reach what is outside.
	def folder(path):
	    return os.open(path, os.O_DIRECTORY | os.O_NOFOLLOW)

	def attempt(call, *args, **fds):
	    try:
	        call(*args, **fds)
	    except OSError:
	        pass

	while time.time() < end:
	    for path, name in ((up, "a"), (os.path.join(up, "a"), "b")):
	        n += 1
	        try:
	            fd = folder(path)
	        except OSError:
	            continue
	        both = {"src_dir_fd": fd, "dst_dir_fd": fd}
	        attempt(os.rename, name, name + ".away", **both)
	        attempt(os.symlink, targets[n // 2 % len(targets)], name,
	            dir_fd=fd)
	        attempt(os.unlink, name, dir_fd=fd)
	        attempt(os.rename, name + ".away", name, **both)
	        os.close(fd)
	print(n)
	PY
}

races() {
	local seconds end
	seconds=$(for_long 6 60)
	end=$((SECONDS + seconds))
	as_account true
	(exec setpriv --reuid "$ACCOUNT_ID" --regid "$ACCOUNT_ID" \
	    --clear-groups -- bash -c "$(declare -f flip); SNAPS='$SNAPS' \
	    T='$T' STORE='$STORE' flip $seconds") >"$T/flips" 2>&1 &
	# On a slow machine none may get through until the links stand still.
	while [ "$SECONDS" -lt "$end" ] || { [ "$(snapshots | wc -l)" -lt 2 ] &&
	    [ "$SECONDS" -lt $((end + 60)) ]; }; do
		echo $RANDOM >"$T/src/a/b/file"
		ln -sfn "$T/outside" "$T/src/link"
		timeout 300 rsync -e "$RSH" -aHAX --delete "$T/src/" server: \
		    >/dev/null 2>&1 || true
		rm "$T/src/link"
		mkdir "$T/src/link"
		echo in >"$T/src/link/in"
		timeout 300 rsync -e "$RSH" -a --delete "$T/src/" server: \
		    >/dev/null 2>&1 || true
		rm -r "$T/src/link"
		timeout 300 rsync -e "$RSH" -a "server:$CLIENT.full/" \
		    "$T/back/" >/dev/null 2>&1 || true
	done
	wait
	[ "$(cat "$T/flips")" -gt 100 ]
	manifest "$T/outside" | diff "$T/before" -
	manifest "$SNAPS/$first" | cmp "$T/first" -
	[ "$(cat "$STORE/zeus.example.net.snaps/secret")" = secret ]
	run grep -rl secret "$T/back" "$SNAPS"
	[ -z "$output" ]
	[ "$(snapshots | wc -l)" -gt 1 ]
}

@test "with the overlay" {
	races
}

@test "with --link-dest and without namespaces" {
	no_namespaces
	policy 'pull = true  way = "linkdest"'
	races
}
