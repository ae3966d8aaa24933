package evadts

import "testing"

func benchmarkParse(b *testing.B, name string) {
	raw := known(b, name)
	b.SetBytes(int64(len(raw)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Parse(raw); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkParse(b *testing.B)     { benchmarkParse(b, "jofemar-g250-20160113-1430.eva") }
func BenchmarkParseLong(b *testing.B) { benchmarkParse(b, "mei-cf8000-executive-20171027.eva") }

func BenchmarkRead(b *testing.B) {
	raw := known(b, "jofemar-g250-20160113-1430.eva")
	b.SetBytes(int64(len(raw)))
	b.ReportAllocs()
	for b.Loop() {
		rs, err := Parse(raw)
		if err != nil {
			b.Fatal(err)
		}
		Read(rs[0])
	}
}

func BenchmarkDiff(b *testing.B) {
	known(b, "jofemar-g250-20160113-1545.eva")
	o, n := readOne(b, "jofemar-g250-20160113-1430.eva"), readOne(b, "jofemar-g250-20160113-1545.eva")
	b.ReportAllocs()
	for b.Loop() {
		Diff(o, n, Conditions{})
	}
}

func BenchmarkCRC16(b *testing.B) {
	raw := known(b, "mei-cf8000-executive-20171027.eva")
	b.SetBytes(int64(len(raw)))
	for b.Loop() {
		CRC16(0, raw)
	}
}
