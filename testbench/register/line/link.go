package line

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// makeLink lets path be found under a name that stays the same.
func makeLink(path, link string) error {
	info, err := os.Lstat(link)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return fmt.Errorf("link to the pseudo-terminal: %w", err)
	case info.Mode()&fs.ModeSymlink == 0:
		return fmt.Errorf("link to the pseudo-terminal: %s is there and no symbolic link", link)
	default:
		if err := os.Remove(link); err != nil {
			return fmt.Errorf("link to the pseudo-terminal: %w", err)
		}
	}
	if err := os.Symlink(path, link); err != nil {
		return fmt.Errorf("link to the pseudo-terminal: %w", err)
	}
	return nil
}

func removeLink(link string) {
	if link != "" {
		_ = os.Remove(link)
	}
}
