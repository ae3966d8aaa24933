package module

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/chekomat/chekomat/mdb"
)

// qibixxSniff is a Qibixx MDB-USB or Pi HAT with its sniffer on (reference
// 18.1): both lines, its own clock, no checksums and no mode bits.
type qibixxSniff struct{ lines qibixxReader }

func (q *qibixxSniff) fidelity() Fidelity { return q.lines.fidelity() }
func (q *qibixxSniff) greet() []byte      { return []byte("V\nX,1\n") }
func (q *qibixxSniff) bye() []byte        { return []byte("X,0\n") }

func (q *qibixxSniff) line(dst []mdb.Word, _ int64, line string) ([]mdb.Word, []byte, error) {
	if !strings.HasPrefix(line, "x,") {
		return dst, nil, nil // answers to commands
	}
	f := strings.Split(line, ",")
	if len(f) > 1 {
		if src, err := strconv.ParseUint(f[1], 16, 8); err == nil && src&0x7F != 0 {
			return dst, nil, errors.New("the adapter marks it as damaged")
		}
	}
	if len(f) == 2 {
		return dst, nil, nil // x,1: the sniffer is on
	}
	if len(f) < 4 {
		return dst, nil, errForm
	}
	dst, err := q.lines.words(dst, line)
	return dst, nil, err
}

func (q *qibixxSniff) quiet(dst []mdb.Word) []mdb.Word { return q.lines.rest(dst) }

// qibixxReading is the same adapter as a reader (reference 18.1, command C). It
// tells what its reader does in words of its own, so the dialogue is made up
// from them: nothing but the reader's own vends is known.
type qibixxReading struct {
	address  mdb.Device
	currency uint16
	approve  bool // every vend, for machines that are paid elsewhere and for trials
	set      bool // READER CONFIG was made
	item     uint16
	asked    bool
}

// Times of the made-up dialogue, µs.
const madeStep = 2000

func (q *qibixxReading) fidelity() Fidelity              { return Fidelity{} }
func (q *qibixxReading) greet() []byte                   { return []byte("V\nC,1\n") }
func (q *qibixxReading) bye() []byte                     { return []byte("C,0\n") }
func (q *qibixxReading) quiet(dst []mdb.Word) []mdb.Word { return dst }

func (q *qibixxReading) line(dst []mdb.Word, at int64, line string) ([]mdb.Word, []byte, error) {
	f := strings.Split(line, ",")
	if len(f) < 2 || f[0] != "c" {
		return dst, nil, nil
	}
	d := retold{words: dst, t: at, to: q.address}
	if !q.set && f[1] == "STATUS" {
		q.set = true
		d.ask(mdb.SetupConfig{Level: 2}, mdb.ReaderConfig{Level: 2, Currency: q.currency, Scale: 1, Decimals: 2, MaxResponse: 5})
	}
	switch {
	case f[1] == "STATUS" && len(f) >= 3 && f[2] == "INACTIVE":
		d.ask(mdb.Reset{}, nil)
		q.asked = false
	case f[1] == "STATUS" && len(f) >= 4 && f[2] == "VEND":
		price, err := hundredths(f[3])
		if err != nil {
			return d.words, nil, err
		}
		q.item = mdb.ItemUnknown
		if len(f) >= 5 {
			n, err := strconv.ParseUint(f[4], 10, 16)
			if err != nil {
				return d.words, nil, fmt.Errorf("item %q: %w", f[4], errForm)
			}
			q.item = uint16(n)
		}
		q.asked = true
		d.ask(mdb.VendRequest{Price: price, Item: q.item}, nil)
		if q.approve {
			d.ask(mdb.Poll{}, mdb.VendApproved{Amount: price})
			return d.words, fmt.Appendf(nil, "C,VEND,%d.%02d\n", price/100, price%100), nil
		}
	case f[1] == "VEND" && len(f) >= 3 && f[2] == "SUCCESS":
		d.ask(mdb.VendSuccess{Item: q.item}, nil)
		q.asked = false
	case f[1] == "ERR" && len(f) >= 3 && strings.HasPrefix(f[2], "VEND"):
		if q.asked {
			d.ask(mdb.VendFailure{}, nil)
		}
		q.asked = false
	case f[1] == "STATUS" && len(f) >= 3 && (f[2] == "ENABLED" || f[2] == "DISABLED"):
		if q.asked {
			d.ask(mdb.VendCancel{}, mdb.VendDenied{})
		}
		q.asked = false
	}
	return d.words, nil, nil
}

// hundredths reads "1.00" exactly, at most two decimals.
func hundredths(s string) (uint32, error) {
	whole, frac, _ := strings.Cut(s, ".")
	for len(frac) < 2 {
		frac += "0"
	}
	n, err := strconv.ParseUint(whole+frac, 10, 32)
	if err != nil || len(frac) > 2 || whole == "" || n > 0xFFFE {
		return 0, fmt.Errorf("amount %q: %w", s, errForm)
	}
	return uint32(n), nil
}

// retold makes words of messages whose blocks were never seen.
type retold struct {
	words []mdb.Word
	t     int64
	to    mdb.Device
	own   mdb.Flags
}

// ask appends a command and its answer; nil is ACK.
func (d *retold) ask(m mdb.CommandMessage, answer mdb.AnswerMessage) {
	dl := mdb.Dialect{Level: 2, VMCLevel: 2}
	d.block(mdb.EncodeCommand(d.to, m, dl))
	if answer == nil {
		d.answer(nil)
		return
	}
	d.answer(mdb.EncodeAnswer(dl, answer))
}

func (d *retold) block(block []byte) {
	d.words, d.t = mdb.AppendWords(d.words, mdb.Master, d.t, block, mdb.Synthetic)
	d.t += madeReply
}

// answer appends a sealed data block with the VMC's ACK, or a bare ACK for nil.
func (d *retold) answer(block []byte) {
	if block == nil {
		d.words, d.t = mdb.AppendWords(d.words, mdb.Slave, d.t, []byte{0}, mdb.Synthetic|d.own)
	} else {
		d.words, d.t = mdb.AppendWords(d.words, mdb.Slave, d.t, block, mdb.Synthetic|d.own)
		d.words, d.t = mdb.AppendWords(d.words, mdb.Master, d.t+madeReply, []byte{0}, mdb.Synthetic)
	}
	d.t += madeStep
}
