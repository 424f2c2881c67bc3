#!/usr/bin/env bats
# A client's own user.overlay.* attributes and whiteout devices, which rootless
# containers and Docker hosts have, come back, and never act on the store.
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The backshelf authors

# Each test sets its own SRC.
# shellcheck disable=SC2030,SC2031

load helpers
load store
teardown() { run_cleanup; }

make_source() {
	mkdir -p "$SRC/layer/opaque" "$SRC/plain"
	echo data >"$SRC/layer/file"
	echo below >"$SRC/layer/opaque/below"
	ln "$SRC/layer/file" "$SRC/layer/hard"
	echo other >"$SRC/plain/other"
	setfattr -n user.overlay.opaque -v y "$SRC/layer/opaque" "$SRC/layer"
	setfattr -n user.overlay.origin -v "$(head -c 20 /dev/zero | tr '\0' x)" \
	    "$SRC/layer/file"
	setfattr -n user.overlay.redirect -v /etc "$SRC/layer/opaque"
	setfattr -n user.overlay.whiteout -v y "$SRC/layer/opaque/below"
	setfattr -n user.overlay.overlay.opaque -v n "$SRC/layer" \
	    "$SRC/layer/file"
	age "$SRC"
}

kernel_escapes() {
	printf '6.7\n%s\n' "$(uname -r)" | sort -VC ||
	    skip 'overlayfs refuses these attributes before Linux 6.7'
}

@test 'attributes of the client are kept; the next push is linkdest' {
	only_way overlay
	kernel_escapes
	store_setup root
	make_source
	push overlay
	[ "$(field way)" = overlay ]
	[ "$(field overlay_xattrs)" = true ]
	same "$SRC" "$(full)"
	remember
	rm "$SRC/layer/opaque/below"
	echo new >"$SRC/layer/opaque/new"
	push overlay
	[ "$(field way)" = linkdest ]
	[ "$(field overlay_xattrs)" = true ]
	same "$SRC" "$(full)"
	unchanged
	# Once they are gone, so is the reason.
	rm -r "$SRC/layer"
	push overlay
	[ "$(field way)" = linkdest ]
	[ "$(field overlay_xattrs)" = false ]
	push overlay
	[ "$(field way)" = overlay ]
	same "$SRC" "$(full)"
}

@test 'attributes of the client are kept and noticed' {
	only_way linkdest btrfs
	store_setup root
	make_source
	push "$WAY"
	[ "$(field overlay_xattrs)" = true ]
	push "$WAY"
	[ "$(field overlay_xattrs)" = true ]
	same "$SRC" "$(full)"
}

@test 'a part: attributes of the client are kept and noticed' {
	only_way linkdest btrfs
	store_setup root
	make_source
	push "$WAY"
	SRC=$T/src/plain
	echo more >"$SRC/more"
	push "$WAY" -s plain
	[ "$(field overlay_xattrs)" = true ]
	SRC=$T/src
	touch -r "$(full)" "$SRC"
	same "$SRC" "$(full)"
}

@test 'a snapshot without a record is no lower layer' {
	only_way overlay
	store_setup root
	make_source
	push linkdest
	rm "$ROOT"/host.snaps/.meta/*
	push overlay
	[ "$(field way)" = linkdest ]
	[ "$(field overlay_xattrs)" = true ]
	[ "$(field bytes)" = "$(find "$SRC" -type f -printf '%s\n' |
	    awk '{ n += $1 } END { print n }')" ]
	same "$SRC" "$(full)"
}

@test 'a device that looks like a whiteout comes back' {
	only_way overlay
	only_fs ext4 xfs
	store_setup root
	mkdir "$SRC/d"
	echo x >"$SRC/d/file"
	age "$SRC"
	push overlay
	mknod "$SRC/d/gone" c 0 0
	age "$SRC"
	# The mount refuses it; the push after that goes the other way.
	fails push overlay
	[ "$(field status)" = partial ]
	[ ! -e "$(full)/d/gone" ]
	as_who "$TOOLS/storepush" "$ROOT" host -- -aHAX "$SRC/" >"$T/record"
	[ "$(field way)" = linkdest ]
	[ "$(field overlay_xattrs)" = true ]
	same "$SRC" "$(full)"
	push overlay
	[ "$(field way)" = linkdest ]
	same "$SRC" "$(full)"
	# A first push has no layers in which it could mean something.
	rm -r "$ROOT"/host.*
	push overlay
	[ "$(field way)" = overlay ]
	[ "$(field overlay_xattrs)" = true ]
	same "$SRC" "$(full)"
	push overlay
	[ "$(field way)" = linkdest ]
}
