package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/chekomat/chekomat/hub/store"
)

// keepToken sees to it that the installation has a token: the one configured,
// the one in the file, or a new one in the file.
func keepToken(ctx context.Context, st *store.Store, c Config) (file string, err error) {
	file = c.tokenFile()
	if c.Token != "" {
		return file, st.KeepToken(ctx, "", "installation", c.Token)
	}
	b, err := os.ReadFile(file)
	switch {
	case err == nil:
		token := strings.TrimSpace(string(b))
		if token == "" {
			return file, fmt.Errorf("%s is empty: remove it and start again", file)
		}
		return file, st.KeepToken(ctx, "", "installation", token)
	case !errors.Is(err, os.ErrNotExist):
		return file, fmt.Errorf("token: %w", err)
	}
	t, err := st.CreateToken(ctx, "", "installation")
	if err != nil {
		return file, err
	}
	return file, writeToken(file, t.Token)
}

// writeToken puts the token in place in one step, so that a crash leaves no
// half of it.
func writeToken(file, token string) error {
	tmp := file + ".new"
	f, err := os.OpenFile(tmp, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return fmt.Errorf("token: %w", err)
	}
	_, err = f.WriteString(token + "\n")
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = os.Rename(tmp, file)
	}
	if err != nil {
		return fmt.Errorf("token: %w", err)
	}
	return nil
}
