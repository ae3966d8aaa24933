package register

import (
	"testing"
	"time"
)

// A bare client over TCP at zero service time: what the emulator itself costs.
func BenchmarkCommand(b *testing.B) {
	c := dial(b, start(b, Config{}))
	b.ReportAllocs()
	for b.Loop() {
		c.must(b, 0, cmd(0x10)...)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "commands/s")
}

// Seven commands a receipt: 8Dh FF46h 1036 1009 1187 1084 FF45h.
func BenchmarkReceipt(b *testing.B) {
	for _, one := range []struct {
		name string
		cfg  Config
	}{
		{"memory", Config{}}, {"file", Config{Data: b.TempDir()}}, {"fsync", Config{Data: b.TempDir(), Sync: true}},
		{"service35ms", Config{Service: 35 * time.Millisecond}},
	} {
		b.Run(one.name, func(b *testing.B) {
			one.cfg.FNCapacity, one.cfg.OFD = 1<<30, true
			r := start(b, one.cfg)
			c := dial(b, r)
			if !r.dev.fn.ShiftState().Open {
				c.must(b, 0, cmd(0xE0)...)
			}
			for b.Loop() {
				c.receipt(b, 8500, "key")
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "receipts/s")
			b.ReportMetric(r.Status().RegisterMS.P50, "p50-ms")
			_ = r.Close()
		})
	}
}
