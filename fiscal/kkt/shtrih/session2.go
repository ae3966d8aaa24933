package shtrih

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"
)

// exchange2 sends a command once over V2 and waits for the reply with its
// number and its code; replies under other numbers or of other commands are
// late (kkt-shtrih 4, trap a).
func (s *session) exchange2(c Code) (data []byte, sent bool, err error) {
	num := s.num
	if err := s.patience(2 * s.set.Control); err != nil {
		return nil, false, err
	}
	if n, err := s.conn.Write(AppendFrame2(nil, num, s.out, true)); err != nil {
		return nil, n > 0, err
	}
	s.num++
	for {
		f, err := s.frame2(s.wait(c))
		if errors.Is(err, ErrFrame) {
			continue // damaged: wait for the rest of the time
		}
		if err != nil {
			return nil, true, err
		}
		if got, ok := ReplyCode(f.Data); f.Numbered && f.Num == num && ok && got == c {
			return f.Data, true, nil
		}
	}
}

// sync2 asks for the register's last reply to learn its number.
func (s *session) sync2() error {
	var last error
	for range linkTries {
		if err := s.patience(s.set.Control); err != nil {
			return err
		}
		if _, err := s.conn.Write(AppendFrame2(nil, 0, nil, false)); err != nil {
			return err
		}
		f, err := s.frame2(s.set.Control)
		if err == nil && f.Numbered {
			s.num = f.Num + 1
			return nil
		}
		if err != nil && !isTimeout(err) && !errors.Is(err, ErrFrame) {
			return err
		}
		last = err
	}
	return fmt.Errorf("no reaction to the empty frame: %w", last)
}

// frame2 reads one V2 frame, skipping everything before its start byte.
func (s *session) frame2(wait time.Duration) (Frame2, error) {
	if err := s.patience(wait); err != nil {
		return Frame2{}, err
	}
	b := byte(0)
	var err error
	for noise := 0; b != Start; noise++ {
		if b, err = s.r.ReadByte(); err != nil {
			return Frame2{}, err
		}
		if noise == 4096 {
			return Frame2{}, errors.New("only noise instead of an answer")
		}
	}
	if err := s.patience(s.set.Control); err != nil {
		return Frame2{}, err
	}
	s.in = append(s.in[:0], Start)
	var head [2]byte
	need := 4
	for got := 0; got < need; {
		if b, err = s.r.ReadByte(); err != nil {
			return Frame2{}, err
		}
		if b == Start { // the frame before was cut short
			s.in, got, need = s.in[:1], 0, 4
			continue
		}
		s.in = append(s.in, b)
		if b == Escape {
			if b, err = s.r.ReadByte(); err != nil {
				return Frame2{}, err
			}
			s.in = append(s.in, b)
			b += 0x0e // 81 -> 8F; 83 -> 91, only the length matters here
			if b == 0x91 {
				b = Escape
			}
		}
		if got < 2 {
			head[got] = b
		}
		if got++; got == 2 {
			if need = 4 + int(binary.LittleEndian.Uint16(head[:])); need > maxData2 {
				return Frame2{}, fmt.Errorf("%w: length %d", ErrFrame, need-4)
			}
		}
	}
	f, _, err := ParseFrame2(s.in)
	return f, err
}
