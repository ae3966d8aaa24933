package dex

import (
	"fmt"
	"slices"
	"strings"

	"github.com/chekomat/chekomat/mdb/evadts/line"
)

// Operations of handshake 1 (evadts 4.2).
const (
	opRead = 'R'
	opSend = 'S'
)

// Answers of handshake 2 (evadts 4.2).
var answers = []string{"00", "01", "02", "03", "04", "05", "90"}

var answerTexts = map[string]string{
	"01": "unknown communication id", "02": "unsupported level", "03": "conflict",
	"04": "no data", "05": "undefined", "90": "manufacturer's mode",
}

// Refused is the machine's own no: a code of handshake 2.
type Refused struct{ Code string }

func (r *Refused) Error() string {
	return fmt.Sprintf("the machine refused: code %s, %s", r.Code, answerTexts[r.Code])
}

// Unwrap makes it line.ErrRefused.
func (r *Refused) Unwrap() error { return line.ErrRefused }

// request is handshake 1: id, operation, level.
func request(id string, op byte, level string) []byte {
	return AppendFrame(nil, soh, []byte(id+string(rune(op))+level), true)
}

// response is handshake 2: code, id, level. Some put the code behind the id.
func response(code, id, level string, behind bool) []byte {
	text := code + id + level
	if behind {
		text = id + code + level
	}
	return AppendFrame(nil, soh, []byte(text), true)
}

// parseRequest reads handshake 1.
func parseRequest(payload []byte) (id string, op byte, err error) {
	text := strings.TrimRight(string(payload), "\r\n")
	if len(text) < idLength+1 {
		return "", 0, fmt.Errorf("handshake of %d characters: %w", len(text), line.ErrProtocol)
	}
	return text[:idLength], text[idLength], nil
}

// parseResponse reads handshake 2. The drawing of Spec 4.5.3 puts the code in
// front, the example of Spec 4.7 behind the id; CoinCo Global2 appends CR LF.
func parseResponse(payload []byte) error {
	text := strings.TrimRight(string(payload), "\r\n")
	if len(text) < 2 {
		return fmt.Errorf("handshake of %d characters: %w", len(text), line.ErrProtocol)
	}
	code := text[:2]
	if !slices.Contains(answers, code) && len(text) >= idLength+2 {
		code = text[idLength : idLength+2]
	}
	switch {
	case code == "00":
		return nil
	case slices.Contains(answers, code):
		return &Refused{Code: code}
	}
	return fmt.Errorf("handshake %q holds no code: %w", text, line.ErrProtocol)
}
