#!/usr/bin/env bats
# A client that has taken rsync over can fill its own next snapshot with
# anything; it neither reaches the older ones, nor stops the pushes to come.
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The backshelf authors

load helpers
load store
teardown() { run_cleanup; }

# What runs in rsync's place, with the folder that it may write to last.
hostile_rsync() {
	cat >"$T/hostile" <<-'EOF'
	#!/usr/bin/python3
	import os, socket, stat, sys

	def attempt(f, *args):
	    try:
	        f(*args)
	    except OSError:
	        pass

	def write(name, text=b"x"):
	    with open(name, "wb") as f:
	        f.write(text)

	top = sys.argv[-1]
	os.chdir(top)
	for d in (".push", "tree", "upper", "2026-11-22T040201Z", ".meta"):
	    os.mkdir(d)
	    write(d + "/commit", b"{}")
	# Replaced, hidden, closed.
	attempt(os.unlink, "a/file0")
	attempt(os.mkdir, "a/file0")
	attempt(os.rename, "b", "renamed")
	attempt(os.symlink, "/etc", "b2")
	attempt(os.rename, "b2", "empty2")
	os.mkdir("closed")
	write("closed/file")
	os.mkdir("closed/closed")
	write("closed/closed/file")
	os.chmod("closed/closed/file", 0)
	os.chmod("closed/closed", 0)
	os.chmod("closed/file", 0)
	os.chmod("closed", 0)
	attempt(os.chmod, "a/file1", 0)
	attempt(os.chmod, "a", 0)
	# Attributes that mean something to overlayfs, and too many.
	os.mkdir("xattrs")
	write("xattrs/f")
	for name in ("opaque", "whiteout", "redirect", "metacopy", "origin",
	             "impure", "overlay.opaque", "backshelf.times"):
	    for f in (".", "xattrs", "xattrs/f", "a"):
	        attempt(os.setxattr, f, "user.overlay." + name, b"y")
	os.mkdir("full")
	for n in range(4000, 0, -100):
	    for i in range(9):
	        attempt(os.setxattr, "full", "user.x%d.%d" % (n, i), b"x" * n)
	write("full/f")
	os.utime("full", (1000000000, 1000000000))
	# Odd entries.
	attempt(os.mknod, "whiteout", stat.S_IFCHR | 0o600, os.makedev(0, 0))
	os.mkfifo("fifo")
	socket.socket(socket.AF_UNIX).bind("sock")
	os.symlink("loop", "loop")
	os.symlink("/", "root")
	attempt(os.symlink, "x" * 4095, "long")	# XFS: 1023
	write(b"\xff\n\x01" + b"n" * 250)
	os.mkdir(".~backshelf-partial~")
	write(".~backshelf-partial~/big")
	os.mkdir("links")
	write("links/0")
	for i in range(1, 300):
	    os.link("links/0", "links/%d" % i)
	os.mkdir("wide")
	for i in range(3000):
	    write("wide/%d" % i, b"")
	# Deeper than a path can be long.
	os.mkdir("deep")
	os.chdir("deep")
	for i in range(200):
	    os.mkdir("d" * 200)
	    write("f")
	    os.chdir("d" * 200)
	EOF
	chmod +x "$T/hostile"
}

hostile() {
	some_files "$SRC/a" 4 1000
	some_files "$SRC/b" 4 1000
	mkdir "$SRC/empty"
	push "$WAY"
	remember
	hostile_rsync
	as_who "$TOOLS/storepush" -w "$WAY" -r "$T/hostile" "$ROOT" host -- x \
	    >"$T/record"
	[ "$(stamps | wc -l)" = 2 ]
	unchanged
	[ ! -e "$(full)/.~backshelf-partial~" ]
	[ "$(stat -c %h "$(full)/links/0")" = 300 ]
	[ -f "$(full)/closed/closed/file" ]
	[ "$(stat -c %Y "$(full)/full")" = 1000000000 ]
	[ "$(find "$(full)/wide" -type f -printf x | wc -c)" = 3000 ]
	[ -d "$(full)/.push" ]
	[ -L "$(full)/root" ]
	[ -z "$(ls -A "$ROOT/host.snaps/.push")" ]
	# Cleaned up by an ordinary push, as far as rsync can.
	fails test "$(find "$(full)/deep" 2>/dev/null | wc -l)" -lt 10
	push "$WAY" -- --ignore-errors || true
	unchanged
	some_files "$SRC/c" 4 1000
	push "$WAY" || true
	unchanged
	[ "$(stamps | wc -l)" = 4 ]
	cmp "$SRC/c/file0" "$(snap "$(newest)")/c/file0"
}

@test 'a hostile push reaches no older snapshot and stops no later one' {
	store_setup account
	hostile
}

@test 'root: a hostile push reaches no older snapshot and stops no later one' {
	only_way overlay btrfs
	store_setup root
	hostile
}
