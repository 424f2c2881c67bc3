#!/usr/bin/env bats
# A real MariaDB server, dumped without a lock, and a table of last Tuesday got
# back.

# shellcheck disable=SC2030,SC2031

load helpers
load irsync_helpers

# The kernel's asynchronous I/O is counted over the whole machine, and others may
# have used it up; these small tables do not need it.
PLAIN=(--no-defaults --innodb-use-native-aio=0 --innodb-buffer-pool-size=8M
    --innodb-log-file-size=4M)

# One empty server is made, and copied for each test.
setup_file() {
	command -v mariadb-install-db >/dev/null || return 0
	id mysql >/dev/null 2>&1 || return 0
	FRESH=$(mktemp -d "$(roomy_tmp)/backshelf.XXXXXX")
	export FRESH
	chown mysql "$FRESH"
	if ! mariadb-install-db "${PLAIN[@]}" --user=mysql \
	    --datadir="$FRESH/data" --auth-root-authentication-method=normal \
	    --skip-test-db >"$FRESH/log" 2>&1; then
		cat "$FRESH/log" "$FRESH/data/"*.err >&2
		return 1
	fi
}
teardown_file() { [ -z "${FRESH-}" ] || rm -rf "$FRESH"; }

setup() {
	need mariadbd mariadb-install-db mysqldump
	id mysql >/dev/null 2>&1 || skip 'there is no account mysql'
	setup_tmp
	mkdir "$T/src" "$T/db"
	echo x >"$T/src/file"
	chown mysql "$T/db"
	cp -a "$FRESH/data" "$T/db/data"
	# Not mysqld_safe: it would not end with us.
	setpriv --reuid mysql --regid mysql --clear-groups mariadbd \
	    "${PLAIN[@]}" --datadir="$T/db/data" --socket="$T/db/s" \
	    --skip-networking --pid-file="$T/db/pid" \
	    >"$T/db.log" 2>&1 3>&- &
	DB_PID=$!
	on_exit kill_now "$DB_PID"
	(umask 077 && printf '[client]\nuser=root\nsocket=%s\n' "$T/db/s" \
	    >"$T/my.cnf")
	wait_until 30 sql -e 'SELECT 1' || { cat "$T/db.log" >&2; return 1; }
	sql -e "CREATE USER backup@localhost IDENTIFIED BY 'hidden word';
	    GRANT SELECT, SHOW VIEW, TRIGGER, EVENT, LOCK TABLES, PROCESS
	    ON *.* TO backup@localhost; FLUSH PRIVILEGES"
	shop_make
	(umask 077 && printf '[client]\nuser=backup\npassword="hidden word"\nsocket=%s\n' \
	    "$T/db/s" >"$T/backup.cnf")
	irsync_conf_local "$T/src"
	printf 'mysql {\n\toption_file = "%s"\n\tskip = { "mysql" }\n}\n' \
	    "$T/backup.cnf" >>"$CONF"
	DUMPS=$T/state/client.example.net.dumps/mysql
}
teardown() { run_cleanup; }

sql() { mysql --defaults-file="$T/my.cnf" -N "$@"; }

shop_make() {
	sql <<-'EOT'
	CREATE DATABASE shop; USE shop;
	CREATE TABLE orders (id INT PRIMARY KEY AUTO_INCREMENT, what TEXT, b BLOB);
	INSERT INTO orders (what, b) VALUES ('tea\n-- Table structure for table `x`', x'00ff27'),
	    ('caf\u00e9 "\\''', NULL);
	CREATE TABLE stock (id INT PRIMARY KEY, n INT);
	INSERT INTO stock VALUES (1, 10), (2, 20);
	CREATE TABLE log (t TEXT) ENGINE=MyISAM;
	CREATE TABLE `odd/na``me` (id INT);
	CREATE VIEW few AS SELECT * FROM stock WHERE n < 15;
	DELIMITER //
	CREATE TRIGGER count AFTER INSERT ON orders FOR EACH ROW BEGIN
	-- Table structure for table `trap`
	  UPDATE stock SET n = n - 1 WHERE id = 1;
	END//
	CREATE PROCEDURE p() BEGIN SELECT 1; END//
	CREATE EVENT e ON SCHEDULE EVERY 1 YEAR DO SELECT 1//
	DELIMITER ;
	EOT
}

# state DATABASE: all that is in it.
state() {
	mysqldump --defaults-file="$T/my.cnf" --skip-dump-date --routines \
	    --events --triggers --skip-comments --hex-blob "$1"
}

@test "a file for each table; what has not changed costs nothing" {
	run irsync backup
	echo "$output"
	[ "$status" = 0 ]
	[[ $output == *"table shop.log is of the engine MyISAM"* ]]
	[ "$(cd "$DUMPS/shop" && ls)" = "$(printf '%s\n' +database.sql \
	    +events.sql +routines.sql +views.sql log.sql odd%2Fna%60me.sql \
	    orders.sql stock.sql)" ]
	for f in "$DUMPS/shop/"[a-z]*; do
		[ "$(tail -n 1 "$f")" = '-- Dump completed' ]
	done
	first=$(newest)
	# No pattern of the user's leaves them out, and no link in the way.
	mv "$T/state" "$T/real" && ln -s real "$T/state"
	DUMPS=$T/real/client.example.net.dumps/mysql
	printf 'exclude = { "%s/*", "*.sql", "shop" }\n' "$T/real" >>"$CONF"
	mkdir "$DUMPS/../.new"
	irsync --allow-shrink backup
	[ -f "$T/store/client.example.net.full/$DUMPS/shop/orders.sql" ]
	[ ! -e "$DUMPS/../.new" ]
	first=$(newest)
	sql shop -e 'INSERT INTO stock VALUES (3, 30)'
	irsync backup
	cd "$T/store/client.example.net.snaps"
	second=$(newest)
	for f in log orders +routines; do
		[ "$first/$DUMPS/shop/$f.sql" -ef "$second/$DUMPS/shop/$f.sql" ]
	done
	run ! cmp -s "$first/$DUMPS/shop/stock.sql" "$second/$DUMPS/shop/stock.sql"
	# No password stood on a command line: it is in none of the programs'.
	run irsync -v backup
	[[ $output != *'hidden word'* ]]
}

@test "a table of last Tuesday is got back, beside the live one" {
	irsync backup
	tuesday=$(newest)
	state shop >"$T/before"
	sql shop -e "DELETE FROM orders; INSERT INTO orders (what) VALUES ('bad')"
	irsync backup
	# As the manual has it:
	irsync restore "$tuesday" "$DUMPS/shop/orders.sql" --to "$T/back"
	sql -e 'CREATE DATABASE tuesday'
	sql tuesday <"$T/back$DUMPS/shop/orders.sql"
	[ "$(sql tuesday -e 'SELECT COUNT(*) FROM orders')" = 2 ]
	[ "$(sql tuesday -e 'SELECT HEX(b) FROM orders WHERE id = 1')" = 00FF27 ]
	[ "$(sql shop -e 'SELECT what FROM orders')" = bad ]
	# And the whole database, as it was.
	irsync restore "$tuesday" "$DUMPS/shop" --to "$T/all"
	sql -e 'DROP DATABASE shop'
	cd "$T/all$DUMPS/shop"
	sql <+database.sql
	cat [!+]*.sql +[!d]*.sql | sql shop
	state shop >"$T/after"
	diff "$T/before" "$T/after"
}

# conf_dumper NAME: $T/NAME is what dumps.
conf_dumper() {
	sed -i "/dump = /d; s|option_file|dump = \"$T/$1\"\n\t&|" "$CONF"
}

# dump_is_missing WHY: the newest snapshot has nothing of the database, and says
# so; the files are there.
dump_is_missing() {
	local snap
	snap=$T/store/client.example.net.snaps/$(newest)
	[ ! -e "$snap/$DUMPS/shop" ]
	[ ! -e "$snap/$DUMPS/../.new" ]
	grep -qx "mysql shop: $1" "$snap/$DUMPS/../MISSING"
	[ -f "$snap/$T/src/file" ]
}

@test "a database that cannot be dumped is missing, and the snapshot says so" {
	irsync backup
	[ -f "$DUMPS/shop/orders.sql" ]
	# One that ends well but too early.
	printf '#!/bin/bash\nmysqldump "$@" | head -c 2000\n' >"$T/early"
	# The server is killed in the middle of a table, half of which is here.
	cat >"$T/killed" <<-EOT
	#!/bin/bash
	set -o pipefail
	mysqldump "\$@" | {
		head -c 300000
		until [ -s "$DUMPS/../.new/big.sql" ]; do sleep 0.02; done
		touch "$T/was-half"
		kill -9 $DB_PID
		cat
	}
	EOT
	chmod 755 "$T/early" "$T/killed"
	conf_dumper early
	run -23 irsync backup
	[[ $output == *"mysql shop: not dumped: it ended before its end"* ]]
	dump_is_missing 'it ended before its end'
	conf_dumper killed
	sql shop -e 'CREATE TABLE big AS
	    SELECT seq, REPEAT(MD5(seq), 64) FROM seq_1_to_5000'
	run -23 irsync backup
	[ -e "$T/was-half" ]
	[[ $output == *"mysql shop: not dumped: "*"Lost connection "*"\`big\`"* ]]
	dump_is_missing '.*Lost connection .*.big.*'
	# No server at all.
	run -23 irsync backup
	[[ $output == *"mysql all: not dumped: "*"Can't connect"* ]]
}

@test "compressed so that unchanged tables stay the same; a file for a database" {
	sed -i 's/skip =/compress = "gzip"\n\t&/' "$CONF"
	irsync backup
	first=$(newest)
	irsync backup
	cd "$T/store/client.example.net.snaps"
	[ "$first/$DUMPS/shop/orders.sql.gz" -ef \
	    "$(newest)/$DUMPS/shop/orders.sql.gz" ]
	sql -e 'CREATE DATABASE copy'
	gzip -dc "$DUMPS/shop/orders.sql.gz" | sql copy
	[ "$(sql copy -e 'SELECT COUNT(*) FROM orders')" = 2 ]
	sed -i 's/"gzip"/"zstd"\n\tper = "database"/' "$CONF"
	irsync backup
	[ "$(ls "$DUMPS/shop")" = "$(printf '+database.sql.zst\ndump.sql.zst')" ]
	zstd -dcq "$DUMPS/shop/dump.sql.zst" | tail -n 1 |
	    grep -qx -- '-- Dump completed'
	sql -e 'DROP DATABASE copy'
	irsync backup
	[ ! -e "$DUMPS/copy" ]
}
