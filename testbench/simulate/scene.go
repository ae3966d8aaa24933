package simulate

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/chekomat/chekomat/hub/store"
	"github.com/chekomat/chekomat/testbench/powercut"
)

// templates are hubs' databases with the scene in them, by how many lanes there
// are and by the operator's limit of an ordinary receipt, made once a program.
var templates = func() (all [most + 1][mostMinutes + 1]func() (*powercut.Disk, error)) {
	for lanes := range all {
		for minutes := range all[lanes] {
			all[lanes][minutes] = sync.OnceValues(func() (*powercut.Disk, error) { return template(lanes, minutes) })
		}
	}
	return all
}()

func template(lanes, minutes int) (*powercut.Disk, error) {
	dir, err := os.MkdirTemp(scratch(), "chekomat-simulate-template-")
	if err != nil {
		return nil, err
	}
	disk, err := powercut.Mount(dir)
	if err != nil {
		return nil, err
	}
	disk.Volatile(false)
	ctx := context.Background()
	s, err := store.Open(ctx, filepath.Join(disk.Folder(), database), func() time.Time { return start })
	if err != nil {
		return nil, err
	}
	if err := s.Write(ctx, func(tx *sql.Tx) error { return scene(tx, lanes, minutes) }); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return disk, errors.Join(s.Close(), os.RemoveAll(dir)) // its files are in memory
}

// most is how many machines and lanes a schedule may have, mostMinutes the
// operator's longest limit.
const most, mostMinutes = 2, 2

// scene is an operator with a seller, machines and lanes.
func scene(tx *sql.Tx, lanes, minutes int) (err error) {
	do := func(query string, args ...any) {
		if err == nil {
			if _, err = tx.Exec(query, args...); err != nil {
				err = fmt.Errorf("%s: %w", query, err)
			}
		}
	}
	do(`INSERT INTO operator(id,name,c_policy,correct_after_m,created_at) VALUES (?,'Оператор','job',?,1)`, operator, minutes)
	do(`INSERT INTO seller(id,operator_id,name,inn,created_at) VALUES ('s',?,'ООО «Кофе»',?,1)`, operator, sellerINN)
	do(`INSERT INTO seller_tax(seller_id,valid_from,tax_system,vat) VALUES ('s',1,1,'standard')`)
	for n := range most {
		m, a := fmt.Sprintf("m%d", n+1), fmt.Sprintf("agent%d", n+1)
		do(`INSERT INTO machine(id,operator_id,created_at) VALUES (?,?,1)`, m, operator)
		do(`INSERT INTO machine_period(machine_id,valid_from,seller_id,serial,address,place,zone) VALUES (?,1,'s',?,?,?,'Europe/Moscow')`,
			m, fmt.Sprintf("VM-%04d", n+1), addressOf(n), placeOf(n))
		for _, source := range []string{"cash", "reader1", "reader2"} {
			do(`INSERT INTO fiscalizer(machine_id,source,valid_from,who) VALUES (?,?,1,'us')`, m, source)
		}
		for c, price := range prices {
			do(`INSERT INTO plan_column(machine_id,col,valid_from,name,price) VALUES (?,?,1,?,?)`, m, c+1, names[c], price)
		}
		do(`INSERT INTO machine_rule(machine_id,currency) VALUES (?,'643')`, m)
		do(`INSERT INTO agent(id,operator_id,secret_hash,created_at) VALUES (?,?,?,1)`, a, operator, store.HashSecret("x"))
		do(`INSERT INTO binding(operator_id,agent_id,machine_id,valid_from) VALUES (?,?,?,1)`, operator, a, m)
		if n >= lanes {
			continue
		}
		do(`INSERT INTO lane(id,operator_id,seller_id,name,url,ffd,tax_systems,zone,test,created_at) VALUES (?,?,'s',?,?,'1.2',1,'Europe/Moscow',1,1)`,
			fmt.Sprintf("l%d", n+1), operator, fmt.Sprintf("Касса %d", n+1), fmt.Sprintf("sim:%d", n))
	}
	return err
}

func addressOf(n int) string { return fmt.Sprintf("Москва, Ленина %d", n+1) }
func placeOf(n int) string   { return fmt.Sprintf("холл %d", n+1) }

// scratch is where data folders are made: in memory where there is such a place.
func scratch() string {
	if st, err := os.Stat("/dev/shm"); err == nil && st.IsDir() {
		return "/dev/shm"
	}
	return os.TempDir()
}
