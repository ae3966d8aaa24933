package powercut

import (
	"database/sql"
	"testing"
)

func TestSmoke(t *testing.T) {
	dir := t.TempDir()
	d, err := Mount(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Unmount()
	db, err := sql.Open("sqlite3", "file:"+dir+"/a.db?_journal_mode=WAL&_synchronous=FULL")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec("CREATE TABLE t(x)"); err != nil {
		t.Fatal(err)
	}
	for i := range 100 {
		if _, err := db.Exec("INSERT INTO t VALUES(?)", i); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%+v", d.Counts())
	d.Cut(1)
	for _, n := range []string{"a.db", "a.db-wal"} {
		b, err := d.ReadFile(n)
		t.Log(n, len(b), err)
	}
	db.Close()
	db, _ = sql.Open("sqlite3", "file:"+dir+"/a.db?_journal_mode=WAL&_synchronous=FULL")
	defer db.Close()
	var n int
	if err := db.QueryRow("SELECT count(*) FROM t").Scan(&n); err != nil || n != 100 {
		t.Fatal(n, err)
	}
}
