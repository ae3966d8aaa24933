package bench

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// memory of a process, bytes (proc_pid_status(5)).
type memory struct {
	Resident int64 // VmRSS
	Own      int64 // RssAnon: without pages of files, which others may share
}

// clockTick is what /proc counts processor time in: USER_HZ, 100 a second on
// every architecture Linux gives us.
const clockTick = time.Second / 100

// parseStatus reads /proc/PID/status.
func parseStatus(raw []byte) (m memory, err error) {
	seen := 0
	for line := range bytes.Lines(raw) {
		name, rest, _ := strings.Cut(string(line), ":")
		var to *int64
		switch name {
		case "VmRSS":
			to = &m.Resident
		case "RssAnon":
			to = &m.Own
		default:
			continue
		}
		f := strings.Fields(rest)
		if len(f) != 2 || f[1] != "kB" {
			return m, fmt.Errorf("bench: /proc status: %s is %q, want a number of kB", name, strings.TrimSpace(rest))
		}
		kb, err := strconv.ParseInt(f[0], 10, 64)
		if err != nil || kb < 0 {
			return m, fmt.Errorf("bench: /proc status: %s is %q", name, f[0])
		}
		*to = kb << 10
		seen++
	}
	if seen != 2 {
		return m, fmt.Errorf("bench: /proc status: VmRSS or RssAnon is not there")
	}
	return m, nil
}

// parseStat reads the processor time of a process, its own and the kernel's
// for it, from /proc/PID/stat: fields 14 and 15 (proc_pid_stat(5)). The second
// field, the program's name, may hold blanks and brackets.
func parseStat(raw []byte) (time.Duration, error) {
	end := bytes.LastIndexByte(raw, ')')
	if end < 0 {
		return 0, fmt.Errorf("bench: /proc stat: no program name in %q", raw)
	}
	f := strings.Fields(string(raw[end+1:])) // f[0] is field 3
	if len(f) < 13 {
		return 0, fmt.Errorf("bench: /proc stat: %d fields after the name", len(f))
	}
	user, err := strconv.ParseUint(f[11], 10, 48)
	if err != nil {
		return 0, fmt.Errorf("bench: /proc stat: utime %q: %w", f[11], err)
	}
	system, err := strconv.ParseUint(f[12], 10, 48)
	if err != nil {
		return 0, fmt.Errorf("bench: /proc stat: stime %q: %w", f[12], err)
	}
	return time.Duration(user+system) * clockTick, nil
}

func memoryOf(pid int) (memory, error) {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return memory{}, fmt.Errorf("bench: memory of a process: %w", err)
	}
	return parseStatus(raw)
}

func processorTime(pid int) (time.Duration, error) {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, fmt.Errorf("bench: processor time of a process: %w", err)
	}
	return parseStat(raw)
}

// loadAverage is how many processes wanted a processor in the last minute, as
// the kernel writes it; "?" where it does not.
func loadAverage() string {
	raw, err := os.ReadFile("/proc/loadavg")
	if f := strings.Fields(string(raw)); err == nil && len(f) > 0 {
		return f[0]
	}
	return "?"
}
