package bench

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Benchmarks of the packages. The patterns are anchored: a benchmark that is
// renamed is missed, not mistaken.
var (
	benchFramer   = goBench{pkg: "./mdb", pattern: "^BenchmarkFramerPolls$", time: "500ms", quick: "100ms", count: 3}
	benchRecover  = goBench{pkg: "./testbench/bench", pattern: "^BenchmarkRecover(Polls|Sales|EXEPolls|EXESales)$", time: "500ms", quick: "100ms", count: 3}
	benchIngest   = goBench{pkg: "./hub/ingest", pattern: "^BenchmarkIngest$", time: "20000x", quick: "5000x", count: 1}
	benchTill     = goBench{pkg: "./hub/till", pattern: "^BenchmarkJobs$/^lanes=(1|64)$", time: "600x", quick: "200x", count: 3}
	benchPool     = goBench{pkg: "./hub/till", pattern: "^BenchmarkPool$", time: "60x", quick: "15x", count: 1}
	benchLatency  = goBench{pkg: "./hub/till", pattern: "^BenchmarkLatency$", time: "5000x", quick: "1000x", count: 1}
	benchStores   = goBench{pkg: "./hub/store", pattern: "^BenchmarkStores$", time: "3000x", quick: "500x", count: 1}
	benchTLV      = goBench{pkg: "./fiscal/ffd", pattern: "^Benchmark(ParseDocument|AppendDocument|ComposeReceipt)$", time: "200ms", quick: "50ms", count: 3}
	benchRender   = goBench{pkg: "./display", pattern: "^BenchmarkRender$/^(" + renderPattern + ")$/^receipt$", time: "200ms", quick: "50ms", count: 3}
	benchEmulator = goBench{pkg: "./testbench/register", pattern: "^BenchmarkReceipt$/^memory$", time: "500ms", quick: "100ms", count: 3}
	benchDriver   = goBench{pkg: "./testbench/register", pattern: "^BenchmarkDriverReceipt$", time: "500ms", quick: "100ms", count: 3}
	allBenches    = []goBench{benchFramer, benchRecover, benchIngest, benchTill, benchPool, benchLatency, benchStores, benchTLV, benchRender, benchEmulator, benchDriver}
	renderSizes   = []string{"128x64x1bit", "240x240", "320x240", "480x800", "800x480", "1280x800"}
	renderPattern = "128x64x1bit|240x240|320x240|480x800|800x480|1280x800"
)

const (
	budgetWords  = 10e6 // a second a core
	lineWords    = 873  // a second: 9600 baud, 11 bits a word
	budgetIngest = 0.6  // of the bare broker
	fleetSales   = 500  // a second, over 64 registers
	budgetShare  = 20   // ms at p99, the hub's own share of vend to receipt at that load
	poolService  = 0.35 // seconds a register of BenchmarkPool takes for a document
	realRegister = 1 / 0.35
)

func (b *bench) decoding(ctx context.Context) ([]Row, error) {
	framer, err := b.run(ctx, benchFramer)
	if err != nil {
		return nil, err
	}
	recovery, err := b.run(ctx, benchRecover)
	if err != nil {
		return nil, err
	}
	var rows []Row
	for _, one := range []struct {
		key, name string
		from      results
		allocs    *Budget
	}{
		{"framer", "FramerPolls", framer, atMost(0)},
		{"recover_polls", "RecoverPolls", recovery, atMost(0)},
		{"recover_sales", "RecoverSales", recovery, atMost(0)},
		{"recover_exe_polls", "RecoverEXEPolls", recovery, atMost(0)},
		{"recover_exe_sales", "RecoverEXESales", recovery, atMost(0)},
	} {
		rate, err := one.from.perSecond(one.name)
		if err != nil {
			return rows, err
		}
		allocs, err := one.from.get(one.name, "allocs/op")
		if err != nil {
			return rows, err
		}
		speed := b.row(one.key, "words/s", rate)
		speed.Budget, speed.Peer = atLeast(budgetWords), b.peer("line", lineWords)
		memory := b.row(one.key+"_allocs", "allocs", allocs)
		memory.Budget = one.allocs
		rows = append(rows, speed, memory)
	}
	return rows, nil
}

func (b *bench) ingest(ctx context.Context) ([]Row, error) {
	r, err := b.run(ctx, benchIngest)
	if err != nil {
		return nil, err
	}
	inserts, err := r.get("Ingest/inserts", "records/s")
	if err != nil {
		return nil, err
	}
	var rows []Row
	for _, load := range []string{"pipelined", "agents", "paho"} {
		acked, err1 := r.get("Ingest/"+load+"/durable", "records/s")
		settled, err2 := r.get("Ingest/"+load+"/durable", "settled/s")
		broker, err3 := r.get("Ingest/"+load+"/broker", "records/s")
		if err := errors.Join(err1, err2, err3); err != nil {
			return rows, err
		}
		row := b.row("ingest_"+load, "records/s", acked)
		row.Budget, row.Peer = atLeastRatio(budgetIngest), b.peer("broker", broker)
		jobs := b.row("ingest_jobs", "records/s", settled)
		jobs.Key, jobs.Peer = "ingest_"+load+"_jobs", b.peer("inserts", inserts)
		rows = append(rows, row, jobs)
	}
	return rows, nil
}

func (b *bench) till(ctx context.Context) ([]Row, error) {
	r, err := b.run(ctx, benchTill)
	if err != nil {
		return nil, err
	}
	var rows []Row
	for _, lanes := range []string{"1", "64"} {
		rate, err := r.perSecond("Jobs/lanes=" + lanes)
		if err != nil {
			return rows, err
		}
		row := b.row("till_"+lanes, "jobs/s", rate)
		if row.Peer = b.peer("fleet", fleetSales); lanes == "1" {
			row.Peer = b.peer("real", realRegister)
		}
		rows = append(rows, row)
	}
	if r, err = b.run(ctx, benchPool); err != nil {
		return rows, err
	}
	for _, lanes := range []int{1, 4, 16, 64} {
		rate, err := r.get(fmt.Sprintf("Pool/lanes=%d", lanes), "jobs/s")
		if err != nil {
			return rows, err
		}
		row := b.row("pool", "jobs/s", rate, strconv.Itoa(lanes))
		row.Key = fmt.Sprintf("pool_%d", lanes)
		row.Peer = b.peer("registers", float64(lanes)/poolService)
		rows = append(rows, row)
	}
	if r, err = b.run(ctx, benchLatency); err != nil {
		return rows, err
	}
	for _, c := range []string{"sellers", "pool"} {
		for _, p := range []string{"p50", "p99"} {
			ms, err := r.get("Latency/"+c, p+"-ms")
			if err != nil {
				return rows, err
			}
			row := b.row("share_"+c+"_"+p, "ms", ms)
			if p == "p99" {
				row.Budget = atMost(budgetShare)
			}
			row.Note = b.words.notes["share"]
			rows = append(rows, row)
		}
	}
	return rows, nil
}

// stores measures both databases under the same writes, one writer and 64.
func (b *bench) stores(ctx context.Context) ([]Row, error) {
	r, err := b.run(ctx, benchStores)
	if err != nil {
		return nil, err
	}
	var rows []Row
	for _, what := range []string{"sales", "documents"} {
		for _, beside := range []string{"1", "64"} {
			file, err1 := r.get("Stores/sqlite/beside="+beside, what+"/s")
			server, err2 := r.get("Stores/postgres/beside="+beside, what+"/s")
			if err := errors.Join(err1, err2); err != nil {
				return rows, err
			}
			unit := "records/s"
			if what == "documents" {
				unit = "receipts/s"
			}
			row := b.row("store_"+what, unit, server, beside)
			row.Key += "_" + beside
			row.Peer = b.peer("sqlite", file)
			rows = append(rows, row)
		}
	}
	return rows, nil
}

func (b *bench) tlv(ctx context.Context) ([]Row, error) {
	r, err := b.run(ctx, benchTLV)
	if err != nil {
		return nil, err
	}
	var rows []Row
	for _, one := range [][2]string{{"tlv_parse", "ParseDocument"}, {"tlv_append", "AppendDocument"}, {"compose", "ComposeReceipt"}} {
		rate, err := r.perSecond(one[1])
		if err != nil {
			return rows, err
		}
		row := b.row(one[0], "docs/s", rate)
		if row.Note, err = b.memory(r, one[1]); err != nil {
			return rows, err
		}
		rows = append(rows, row)
	}
	return rows, nil
}

// memory says what an operation allocates.
func (b *bench) memory(r results, name string) (string, error) {
	allocs, err := r.get(name, "allocs/op")
	if err != nil {
		return "", err
	}
	bytes, err := r.get(name, "B/op")
	return fmt.Sprintf(b.words.notes["allocs"], number(allocs, b.words.comma), number(bytes, b.words.comma)), err
}

func (b *bench) render(ctx context.Context) ([]Row, error) {
	r, err := b.run(ctx, benchRender)
	if err != nil {
		return nil, err
	}
	var rows []Row
	for _, size := range renderSizes {
		name := "Render/" + size + "/receipt"
		ns, err := r.get(name, "ns/op")
		if err != nil {
			return rows, err
		}
		row := b.row("render", "ms", ns/1e6, strings.ReplaceAll(size, "x", "×"))
		row.Key = "render_" + size
		if row.Note, err = b.memory(r, name); err != nil {
			return rows, err
		}
		rows = append(rows, row)
	}
	return rows, nil
}

func (b *bench) emulator(ctx context.Context) ([]Row, error) {
	bare, err := b.run(ctx, benchEmulator)
	if err != nil {
		return nil, err
	}
	driven, err := b.run(ctx, benchDriver)
	if err != nil {
		return nil, err
	}
	one, err := bare.perSecond("Receipt/memory")
	if err != nil {
		return nil, err
	}
	two, err := driven.perSecond("DriverReceipt")
	if err != nil {
		return nil, err
	}
	first := b.row("emulator", "receipts/s", one)
	first.Peer = b.peer("real", realRegister)
	second := b.row("emulator_driver", "receipts/s", two)
	second.Peer = b.peer("bare", one)
	return []Row{first, second}, nil
}
