package replay

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/chekomat/chekomat/mdb/sales"
)

// Known is what the captures' MANIFEST.md says of each file: its sales in the
// form of Sold.
var Known = map[string][]string{
	"matedealer-20120703.words.csv": {},
	"matedealer-20120705.words.csv": {},
	"matedealer-20120709.words.csv": {},
	"matedealer-20120710-c.words.csv": {
		"A vend_success 10 1 1.00 2.00 1978 58", "A vend_success 10 1 1.00 3.00 1978 111",
	},
	"matedealer-20111213.words.csv": {"A vend_success 10 1 1.00 2.00 1978 32"},
	// No mode bits and no times: B.
	"necta-kikkomax-pax-d200.blocks.txt": {"B vend_success 10 6 0.10 0.10 1643 3"},
	"qibixx-remote-selection.log":        {},
	"vanhack-poweron.words.csv":          {},
}

// Sold replays a trace and gives its sales as "class source reader item
// requested charged currency second". Anything else that happened on the bus is
// an error.
func Sold(ctx context.Context, address string) (sold []string, sum sales.Summary, err error) {
	var out bytes.Buffer
	if sum, err = Run(ctx, address, Options{JSON: true}, &out); err != nil {
		return nil, sum, err
	}
	sold = []string{}
	for line := range strings.Lines(out.String()) {
		var e struct {
			Kind, Class, Source, Reader, Amount, Requested, Currency string
			Item                                                     int
			T                                                        int64 `json:"t_us"`
		}
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			return nil, sum, fmt.Errorf("replay %s: %s: %w", address, line, err)
		}
		switch e.Kind {
		case "summary":
		case "sale":
			sold = append(sold, fmt.Sprintf("%s %s %s %d %s %s %s %d",
				e.Class, e.Source, e.Reader, e.Item, e.Requested, e.Amount, e.Currency, e.T/1_000_000))
		default:
			return nil, sum, fmt.Errorf("replay %s: not expected: %s", address, line)
		}
	}
	return sold, sum, nil
}
