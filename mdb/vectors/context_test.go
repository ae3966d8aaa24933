package vectors

import (
	"fmt"
	"strings"
	"testing"
)

// check gives why a vector of these parts does not pass, "" where it does.
func check(dir, words, context, expect, result string) string {
	var quoted []string
	for w := range strings.FieldsSeq(words) {
		quoted = append(quoted, `"`+w+`"`)
	}
	line := fmt.Sprintf(`{"name":"x","dir":%q,"words":[%s],"context":{%s},"expect":[%s],"result":{%s}}`, dir, strings.Join(quoted, ","), context, expect, result)
	if _, err := checkLine([]byte(line)); err != nil {
		return err.Error()
	}
	return ""
}

const (
	poll = `{"src":"vmc","dev":"cashless1","msg":"POLL"}`
	ack  = `{"src":"vmc","msg":"ACK"}`
	done = `{"src":"dev","msg":"ACK"}`
)

func TestVectorsTellWhatTheyShould(t *testing.T) {
	for name, c := range map[string]struct{ dir, words, context, expect, result, want string }{
		"32 bits by its length":      {"MMMMMMMMMS", "113 000 000 009 027 0C0 001 02C 030 100", "", `{"src":"vmc","dev":"cashless1","msg":"VEND REQUEST","price":600000,"item":300},` + done, "", ""},
		"longer than it was in 4.2":  {"MMMMMMS", "113 002 000 00C 009 02A 100", "", `{"src":"vmc","dev":"cashless1","msg":"VEND SUCCESS","item":12},` + done, "", ""},
		"unread rest of an answer":   {"MMSSSSSM", "112 012 003 000 064 0FF 166 000", `"level":1`, poll + `,{"src":"dev","msg":"BEGIN SESSION","funds":100},` + ack, "", ""},
		"mode on at this one alone":  {"MMSSSSSSM", "112 012 005 000 000 030 039 16E 000", `"cashless1":{"expanded_currency":true},"cashless2":{"level":1}`, poll + `,{"src":"dev","msg":"VEND APPROVED","amount":12345},` + ack, "", ""},
		"mode off at this one":       {"MMSSSSM", "112 012 005 030 039 16E 000", `"cashless1":{"level":2},"cashless2":{"expanded_currency":true}`, poll + `,{"src":"dev","msg":"VEND APPROVED","amount":12345},` + ack, "", ""},
		"other words for an error":   {"MMSSSM", "112 012 00A 020 12A 000", "", poll + `,{"src":"dev","msg":"MALFUNCTION/ERROR","code":"20","meaning":"tamper detected"},` + ack, "", ""},
		"words of another error":     {"MMSSSM", "112 012 00A 020 12A 000", "", poll + `,{"src":"dev","msg":"MALFUNCTION/ERROR","code":"20","meaning":"media jammed"},` + ack, "", "tamper"},
		"another discount":           {"MMSSSSSSSSSSSM", "112 012 003 000 001 000 000 000 005 003 000 014 120 000", `"level":2`, poll + `,{"src":"dev","msg":"BEGIN SESSION","funds":1,"media_id":"00000005","payment_type":3,"payment_data":"0014","meaning":"discount 10 %"},` + ack, "", "discount 20"},
		"undefined status":           {"MMSSSM", "133 033 033 092 1C5 000", "", `{"src":"vmc","dev":"bill","msg":"POLL"},{"src":"dev","msg":"POLL RESPONSE","events":[{"unknown_status":"33"},{"bill":"escrow","type":2}]},` + ack, "", ""},
		"token of the context":       {"MMSSSMMMMMMMSMMMMMMS", "10B 00B 053 001 154 000 10C 000 000 000 000 00C 100 10C 000 00F 000 00F 02A 100", `"changer":{"scale":100,"decimals":2,"credits":[1,2,5,"token"]}`, `{"src":"vmc","dev":"changer","msg":"POLL"},{"src":"dev","msg":"POLL RESPONSE","events":[{"coin_deposited":{"type":3,"route":"tube","tube_count":1}}]},` + ack + `,{"src":"vmc","dev":"changer","msg":"COIN TYPE","accept":"0000","manual_dispense":"0000"},` + done + `,{"src":"vmc","dev":"changer","msg":"COIN TYPE","accept":"000F","manual_dispense":"000F"},` + done, `"sales":[]`, ""},
		"nothing to expect is wrong": {"MM", "112 012", "", "", "", "blocks"},
	} {
		t.Run(name, func(t *testing.T) {
			got := check(c.dir, c.words, c.context, c.expect, c.result)
			if (got == "") != (c.want == "") || !strings.Contains(got, c.want) {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}

// FuzzCheckLine holds that no line panics, and that one which passes is a dialogue.
func FuzzCheckLine(f *testing.F) {
	f.Add([]byte(`{"name":"x","dir":"MMSSM","words":["133","033","082","182","000"],"context":{"level":2,"bill":{"scale":100,"decimals":2,"credits":[1,"token"]}},"expect":[{"src":"vmc","dev":"bill","msg":"POLL"},{"src":"dev","msg":"POLL RESPONSE","events":[{"bill":"stacked","type":2}]},{"src":"vmc","msg":"ACK"}],"result":{"bills_credited":[2],"sales":[]}}`))
	f.Add([]byte(`{"name":"x","dir":"M","words":["1FF"],"expect":[{"src":"vmc","error":"stray"}],"result":{"coins_credited":[-1,99,"x"]}}`))
	f.Add([]byte(`{"id":"x","kind":"frame","input":{"byte":"31"},"expect":{"bits":"01000110011","parity":1}}`))
	f.Fuzz(func(t *testing.T, line []byte) {
		_, err := checkLine(line)
		_, ok, bad := DialogueOf(line)
		if err == nil && bad != nil || ok && bad != nil {
			t.Fatal(err, ok, bad)
		}
	})
}
