package mdb

import "testing"

func pollTraffic() []Word {
	var ws []Word
	var t int64
	for _, a := range []Device{Changer, Validator, Cashless1, Cashless2} {
		t += 20_000
		ws, t = AppendWords(ws, Master, t, EncodeCommand(a, Poll{}, Dialect{}), 0)
		ws, t = AppendWords(ws, Slave, t+300, []byte{0}, 0)
	}
	return ws
}

func BenchmarkFramerPolls(b *testing.B) {
	ws := pollTraffic()
	span := ws[len(ws)-1].T + 20_000
	var f Framer
	b.ReportAllocs()
	var off int64
	n, i := 0, 0
	for b.Loop() {
		w := ws[i]
		w.T += off
		n += len(f.Push(w))
		if i++; i == len(ws) {
			i, off = 0, off+span
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "words/s")
	if n == 0 {
		b.Fatal("no blocks")
	}
}
