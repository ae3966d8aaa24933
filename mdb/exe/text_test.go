package exe

import "testing"

func TestText(t *testing.T) {
	d := Display{Units: 45, Scale: 100, Decimals: 2, ExactChange: true}
	for _, c := range []struct {
		p     Pair
		shown *Display
		want  string
	}{
		{Pair{Master: 0x31}, nil, "STATUS: ready"},
		{Pair{Master: 0x31, Answer: 0x85}, nil, "STATUS: ready, vends free"},
		{Pair{Master: 0x31, Answer: 0xC0}, nil, "STATUS: inhibited"},
		{Pair{Master: 0x32, Answer: 8}, nil, "CREDIT: line or price 8"},
		{Pair{Master: 0x32, Answer: 0xFE}, nil, "CREDIT: nothing wanted"},
		{Pair{Master: 0x32, Answer: 0xFB}, nil, "CREDIT: answer FB"},
		{Pair{Master: 0x33}, nil, "VEND: delivered"},
		{Pair{Master: 0x33, Answer: 1}, nil, "VEND: odd answer 01"},
		{Pair{Master: 0x33, Answer: 0x80}, nil, "VEND: failed (80)"},
		{Pair{Master: 0x33, Answer: 0xFF, Fault: NotHeard}, nil, "VEND: not understood (PNAK)"},
		{Pair{Master: 0x33, Fault: NoReply}, nil, "VEND: no answer"},
		{Pair{Master: 0x33, Answer: 7, Fault: ParitySlave}, nil, "VEND: damaged answer 07"},
		{Pair{Master: 0x23, Damaged: true, Fault: ParityMaster}, nil, "damaged byte 23: answer 00"},
		{Pair{Master: 0x53, Fault: OtherDevice}, nil, "to AUDIT_UNIT VEND: answer 00"},
		{Pair{Answer: 5, Fault: Orphan}, nil, "answer 05 to nothing"},
		{Pair{Master: 0x2A}, nil, "data A"},
		{Pair{Master: 0x2A, Answer: 3}, nil, "data A: answer 03"},
		{Pair{Master: 0x37, Answer: 0x12}, nil, "IDENTIFY: answer 12"},
		{Pair{Master: 0x3D}, nil, "unknown command D: answer 00"},
		{Pair{Master: 0x39}, &d, "DATA_SYNC; shows 45 × 100 / 10^2, exact change only"},
	} {
		if got := string(AppendText(nil, c.p, c.shown)); got != c.want {
			t.Errorf("%+v: %q, want %q", c.p, got, c.want)
		}
	}
}
