//go:build unix

package api

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// diskFree is the space left where the database is, bytes; 0 when no folder is set.
func (s *Server) diskFree() (int64, error) {
	if s.o.Data == "" {
		return 0, nil
	}
	var st unix.Statfs_t
	if err := unix.Statfs(s.o.Data, &st); err != nil {
		return 0, fmt.Errorf("free space of the data folder: %w", err)
	}
	return int64(st.Bavail) * int64(st.Bsize), nil //nolint:unconvert // 32 bits on armhf
}
