#!/usr/bin/env bats
# What is left out: patterns of all paths and of one, files of patterns, marked
# folders, other file systems.

load helpers
load irsync_helpers

setup() {
	setup_tmp
	mkdir -p "$T/a/deep/er" "$T/b/deep"
	touch "$T/a/1.o" "$T/a/deep/2.o" "$T/a/deep/er/3.o" "$T/a/keep" \
	    "$T/b/1.o" "$T/b/deep/2.o" "$T/b/top" "$T/b/deep/top"
	irsync_conf_local "$T/a" "$T/b"
}
teardown() { run_cleanup; }

# snapshot: what is in the newest, below $T.
snapshot() {
	(cd "$T/store/client.example.net.snaps/$(newest)/$T" &&
	    find a b -type f -print0 | sort -z | tr '\n\0' '_ ')
}

@test "a path's own patterns count below it alone" {
	cat >>"$CONF" <<-EOT
	path "$T/a" { exclude = { "*.o" } }
	path "$T/b" { exclude = { "/top" } }
	EOT
	irsync backup
	[ "$(snapshot)" = 'a/keep b/1.o b/deep/2.o b/deep/top ' ]
}

@test "files of patterns" {
	printf '# a comment\n+ 1.o\n*.o\n' >"$T/all.ex"
	printf '/deep/\r\n' >"$T/b.ex"
	cat >>"$CONF" <<-EOT
	exclude_from = { "$T/all.ex" }
	path "$T/b" { exclude_from = { "$T/b.ex" } }
	EOT
	irsync backup
	[ "$(snapshot)" = 'a/1.o a/keep b/1.o b/top ' ]
	rm "$T/b.ex"
	run -78 irsync backup
	[[ $output == *"$T/b.ex: No such file"* ]]
}

@test "marked folders are left out but for their mark" {
	printf 'cachedir_tag = true\nskip_marked = { ".nobackup" }\n' >>"$CONF"
	touch "$T/b/deep/.nobackup"
	printf 'Signature: 8a477f597d28d172789f06886806bc55\n# x\n' \
	    >"$T/a/deep/CACHEDIR.TAG"
	echo 'no signature' >"$T/b/CACHEDIR.TAG"
	mkdir "$T/a/"$'odd *[x]\n\\dir' && cd "$T/a/"$'odd *[x]\n\\dir'
	touch .nobackup gone
	ln -s "$T/a/deep/CACHEDIR.TAG" "$T/a/CACHEDIR.TAG"
	irsync backup
	rm -r "$T/a/"odd*
	[ "$(snapshot)" = 'a/1.o a/deep/CACHEDIR.TAG a/keep a/odd *[x]_\dir/.nobackup b/1.o b/CACHEDIR.TAG b/deep/.nobackup b/top ' ]
}

@test "one path stays on its file system, another does not" {
	mount -t tmpfs none "$T/a/deep"
	on_exit umount "$T/a/deep"
	mount -t tmpfs none "$T/b/deep"
	on_exit umount "$T/b/deep"
	touch "$T/a/deep/hidden" "$T/b/deep/seen"
	echo "path \"$T/a\" { one_file_system = true }" >>"$CONF"
	irsync backup
	[ "$(snapshot)" = 'a/1.o a/keep b/1.o b/deep/seen b/top ' ]
	[ -d "$T/store/client.example.net.snaps/$(newest)/$T/a/deep" ]
}
