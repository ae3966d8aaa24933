//go:build !linux

package line

import "errors"

func openPty(Config) (*Pty, error) {
	return nil, errors.New("pseudo-terminals are opened on Linux only")
}
