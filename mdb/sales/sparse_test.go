package sales

import (
	"slices"
	"testing"

	"github.com/chekomat/chekomat/mdb"
)

// The checksum of 05 00 3C 04 41 still fits when the zero is missing.
func TestZeroByteMissingInApproval(t *testing.T) {
	b := newBus().setup(0).request(c1, 60, 12)
	from := len(b.ws)
	b.poll(c1, mdb.VendApproved{Amount: 60}, mdb.SessionCancelRequest{})
	b.success(c1, 12)
	expect(t, b, Config{}, "sale A vend_success 10 #12 0.60")
	for i := from; i < len(b.ws); i++ {
		if b.ws[i].Line == mdb.Slave && b.ws[i].V == 0 {
			b.ws = slices.Delete(b.ws, i, i+1)
			break
		}
	}
	expect(t, b, Config{}, "sale B vend_success 10 #12 0.60")
}
