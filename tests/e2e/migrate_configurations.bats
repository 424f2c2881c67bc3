#!/usr/bin/env bats
# backshelf-migrate vbladed, vblade, keys, irsync-conf: old configurations become
# new ones that our programs, and a real sshd, read; what is not understood is
# named with its place; nothing of them is run.
# shellcheck disable=SC2154 # stderr is run's

bats_require_minimum_version 1.5.0
load helpers
load guard
load migrate

setup() {
	need jq ssh-keygen
	guard_setup
}

teardown() {
	run_cleanup
}

@test "vbladed.conf: what aoed reads, and each row that is wrong" {
	cat >"$T/vbladed.conf" <<-'END'
	##
	# vbladed export configuration file
	##
	SHELF="7"     # must be numeric 0-254, default 0
	# AOESLOT FILE MAC IFACE ALIAS
	0 /home/apollo.img 00:16:E6:D3:ED:E5 eth1 apollo
	0 /home/my\040zeus.img 00:16:E6:D3:ED:E6 eth1 zeus
	END
	run -0 migrate vbladed "$T/vbladed.conf"
	diff - <(grep -v '^#' <<<"$output") <<-'END'
	7.0  /home/apollo.img  00:16:e6:d3:ed:e5  eth1  apollo
	7.0  /home/my\040zeus.img  00:16:e6:d3:ed:e6  eth1  zeus
	END
	# As the article has it.
	echo '0 /home/hera.img 00:16:E6:D3:ED:E51 eth1 hera' >>"$T/vbladed.conf"
	echo "1 \$(touch $T/evil) FF:FF:FF:FF:FF:FF eth1 evil" >>"$T/vbladed.conf"
	run -1 --separate-stderr migrate vbladed "$T/vbladed.conf"
	[[ $stderr == *"$T/vbladed.conf:8:18: "* ]]
	[[ $stderr == *"$T/vbladed.conf:9:"* ]]
	[[ $output == *'eth1  zeus' ]]
	[ ! -e "$T/evil" ]
	sed -i 8,9d "$T/vbladed.conf"
	run -0 migrate -n vbladed "$T/vbladed.conf"
	[ -z "$output" ]
}

@test "vblade-persist: as Debian's own vblade-persist-convert reads it" {
	convert=/usr/share/vblade/vblade-persist-convert
	[ -x "$convert" ] || skip "$convert is not installed"
	for n in 1 2; do
		mkdir -p "$T/persist/e3.$n/env" "$T/persist/e3.$n/macs"
		echo 3 >"$T/persist/e3.$n/env/SHELF"
		echo $n >"$T/persist/e3.$n/env/SLOT"
		echo eth$n >"$T/persist/e3.$n/env/NETIF"
		echo /dev/disk$n >"$T/persist/e3.$n/env/SOURCE"
	done
	: >"$T/persist/e3.1/macs/001122334455"
	sh "$convert" "$T/conf.d" "$T/persist"
	migrate vblade "$T/persist" | sed 's/  [^ ]*$//' >"$T/direct"
	migrate vblade "$T/conf.d" | sed 's/  [^ ]*$//' >"$T/converted"
	grep -q '^3.1  /dev/disk1  00:11:22:33:44:55  eth1$' "$T/direct"
	diff "$T/direct" "$T/converted"
	run -1 migrate vblade "$T/nothing"
	[[ $output == *"$T/nothing: No such file"* ]]
}

# key NAME: print a new public key with this comment.
key() {
	ssh-keygen -q -t ed25519 -N '' -C "$1" -f "$T/key-$1" <<<y >/dev/null
	cat "$T/key-$1.pub"
}

@test "authorized_keys: a real sshd takes the new lines, the policy lets them in" {
	need ssh
	start_sshd
	cat >"$T/old_keys" <<-END
	# the clients
	command="/data/irsync/validate-ssh.sh" $(key "irsync@$CLIENT")
	from="127.0.0.0/8",no-pty,command="/usr/bin/rrsync -wo $STORE/zeus.example.net" $(cat "$SSH_KEY.pub")
	$(key admin@desk)
	END
	run -0 migrate -n keys "$T/old_keys"
	[ -z "$output" ]
	migrate --policy keys "$T/old_keys" >"$T/sshguard.conf"
	diff - <(tr -d '\t' <"$T/sshguard.conf") <<-END
	# Made of authorized_keys by backshelf-migrate.
	root = "$STORE"

	client "$CLIENT" {
		push = true
		pull = false
	}

	client "zeus.example.net" {
		push = true
		pull = false
		from = { "127.0.0.0/8" }
	}
	END
	chmod 644 "$T/sshguard.conf"
	migrate -f "$T/sshguard.conf" keys "$T/old_keys" >"$T/ssh/authorized_keys"
	[ "$(grep -c restrict "$T/ssh/authorized_keys")" = 2 ]
	grep -qxF "$(cat "$T/key-admin@desk.pub")" "$T/ssh/authorized_keys"
	mkdir "$T/src"
	echo x >"$T/src/x"
	rsync -e "ssh -F $SSH_CONF" -a "$T/src/" server:
	[ -f "$STORE/zeus.example.net.full/x" ]
	run ssh -F "$SSH_CONF" server ls
	[ "$status" = 77 ]
}

@test "authorized_keys: each line that leaves a doubt stops it, with its number" {
	cat >"$T/old_keys" <<-END
	command="/data/irsync/validate-ssh.sh" $(key irsync@irsync)
	command="/data/irsync/validate-ssh.sh" ssh-dss AAAAB3NzaC1kc3MAAAC irsync@a
	command="rrsync -ro \$HOME" $(key b)
	command="rrsync -bogus /data/c",restrict $(key c)
	command="/x/validate-ssh.sh",cert-authority $(key irsync@d)
	command="/x/validate-ssh.sh" $(cat "$T/key-irsync@d.pub")
	command="/x/validate-ssh.sh" $(cat "$T/key-irsync@d.pub")
	command="/x/validate-ssh.sh $(key irsync@e)
	command="/usr/bin/other" $(key f)
	END
	run -1 --separate-stderr migrate keys "$T/old_keys"
	[ -z "$output" ]
	cut -d: -f2- <<<"$stderr" | diff - <(cat <<-'END'
	1: nothing says whose key this is; say 1=CLIENT
	2: a DSA key, which sshd takes no more: the client needs a new one
	3: the command is not understood: a shell would do more than read it
	4: rrsync: -bogus is not known
	5: option cert-authority: nothing like it in the new line
	7: the same key as in line 6: each client needs its own, or sshd cannot tell them apart
	8: no key, or a quotation mark that does not end
	END
	)
	sed -i '3,5d;7,8d;2d' "$T/old_keys"
	run -1 migrate keys "$T/old_keys"
	run -0 migrate keys "$T/old_keys" 1=apollo.example.net
	[[ $output == *'validate-ssh apollo.example.net",restrict ssh-ed25519 '* ]]
	[[ $output == *'command="/usr/bin/other" '* ]]
	run -64 migrate keys "$T/old_keys" 99=apollo
	run -64 migrate keys "$T/old_keys" 1=..
	run -1 migrate keys "$T/old_keys" 3=apollo
	[[ $output == *':3: no line of validate-ssh.sh or rrsync'* ]]
}

# irsync 1.1's conf.irsync as it was installed, and its two lists.
make_conf_irsync() {
	mkdir "$T/irsync"
	sed "s|=/usr/local/irsync|=$T/irsync|" >"$T/irsync/conf.irsync" <<-'END'
	#!/bin/bash
	## INSTALLATION PATH
	install_path=/usr/local/irsync
	backup_host=backup5
	backup_storage=/data/irsync
	backup_file="$install_path/paths.irsync"
	exclude_file="${install_path}/excludes.irsync"
	backup_snapdays="14"
	ssh_user=irsync
	ssh_port=2222
	ssh_key="$install_path/ssh/id_dsa"
	timeout=10800
	mysql_hotcopy=0
	mysql_dump=1
	mysql_dump_gz=1
	mysql_flush=1
	mysql_pass=""
	mysql_tmpdir=/home/.tmp
	rate_before_rsync=1
	rate_dev=eth0
	rate_host=$backup_host
	rate_limit="512kbit"
	END
	printf '/etc\n/home\n/usr/local\n\n' >"$T/irsync/paths.irsync"
	# shellcheck disable=SC2016
	printf '# not\n/home/tmp\n*.o\n- core\n"q"\\$x\n' \
	    >"$T/irsync/excludes.irsync"
}

@test "conf.irsync: what irsync reads without loss" {
	make_conf_irsync
	run -0 migrate -H apollo irsync-conf "$T/irsync/conf.irsync"
	diff - <(tr -d '\t' <<<"$output") <<-END
	# Made of conf.irsync by backshelf-migrate.
	# backup_snapdays: for the server's rotate.conf: age = 14
	storage = "irsync@backup5:/data/irsync"
	port = 2222
	# sshd takes no DSA keys any more: if this is one, make another by irsync init
	identity = "$T/irsync/ssh/id_dsa"
	host = "apollo"
	# HOST.full/local is HOST.full/usr/local from now on, and comes anew once.
	paths = {
		"/etc",
		"/home",
		"/usr/local"
	}
	exclude = {
		"/home/tmp",
		"*.o",
		"core",
		"\\"q\\"\\\\\\\$x"
	}
	one_file_system = true
	nice = 19
	rate = "64000"
	mysql {
		option_file = "/root/.my.cnf"
		per = "database"
		compress = "gzip"
	}
	END
}

@test "conf.irsync: nothing of it is run, and each doubt has its line" {
	make_conf_irsync
	cat >>"$T/irsync/conf.irsync" <<-END
	mysql_pass=secret
	mysql_hotcopy=1
	rate_limit=fast
	ssh_port='22 before = "rm"'
	END
	printf '/a b\nrelative\n' >"$T/irsync/paths.irsync"
	echo '!' >"$T/irsync/excludes.irsync"
	run -1 --separate-stderr migrate irsync-conf "$T/irsync/conf.irsync"
	[ -z "$output" ]
	[[ $stderr == *'paths.irsync:1: a blank'*'paths.irsync:2: not a plain'* ]]
	[[ $stderr == *"excludes.irsync:1: '!' has no counterpart"* ]]
	[[ $stderr == *'conf.irsync:23: a password belongs into'* ]]
	[[ $stderr == *'conf.irsync:24: mysqlhotcopy has no counterpart'* ]]
	[[ $stderr == *'conf.irsync:25: rate_limit: '* ]]
	[[ $stderr == *'conf.irsync:26: ssh_port: no port'* ]]
	[[ $stderr != *secret* ]]
	cat >>"$T/irsync/conf.irsync" <<-END
	ssh_user=\$(touch $T/evil)
	ssh_user=\`touch $T/evil\`
	touch $T/evil
	ssh_port="\$unknown"
	what=1
	END
	run -1 migrate irsync-conf "$T/irsync/conf.irsync"
	[ ! -e "$T/evil" ]
	[[ $output == *'conf.irsync:27:10: not understood'*':28:10: '*':29:1: '*':30:10: '*":31:1: irsync knows no variable 'what'"* ]]
}
