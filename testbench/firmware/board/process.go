package board

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"syscall"
)

var errClosed = errors.New("firmware emulator: switched off")

// process is the emulator's. What its compiler learned of the first seconds of
// bus makes all later ones several times faster, so a process outlives the board
// it was started for and takes the next one.
type process struct {
	dir string
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader
	err bytes.Buffer
}

// spare are the processes without a board, a few of them.
var spare = make(chan *process, 4)

// engage gives a process without a board.
func engage(dir string) (*process, error) {
	select {
	case p := <-spare:
		if p.dir == dir {
			return p, nil
		}
		p.end()
	default:
	}
	p := &process{dir: dir, cmd: exec.Command("node", "harness.mjs")} //nolint:gosec // the repository's own script
	p.cmd.Dir = dir
	p.cmd.Stderr = &p.err
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	var err error
	if p.in, err = p.cmd.StdinPipe(); err != nil {
		return nil, fmt.Errorf("firmware emulator: %w", err)
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("firmware emulator: %w", err)
	}
	p.out = bufio.NewReaderSize(out, 1<<16)
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("firmware emulator: start node: %w", err)
	}
	return p, nil
}

// ask gives the line that answers a command. After an error the process is gone.
func (p *process) ask(cmd string, args any) ([]byte, error) {
	fields, err := json.Marshal(args)
	if err != nil {
		return nil, fmt.Errorf("firmware emulator: %s: %w", cmd, err)
	}
	line := fmt.Appendf(nil, `{"cmd":%q`, cmd)
	if len(fields) > 2 {
		line = append(append(line, ','), fields[1:len(fields)-1]...)
	}
	if _, err = p.in.Write(append(line, '}', '\n')); err == nil {
		line, err = p.out.ReadBytes('\n')
	}
	if err != nil {
		p.kill()
		err = fmt.Errorf("firmware emulator ended at %s: %w", cmd, errors.Join(err, p.cmd.Wait()))
		if tail := bytes.TrimSpace(p.err.Bytes()); len(tail) > 0 {
			err = fmt.Errorf("%w: %s", err, tail)
		}
		return nil, err
	}
	return line, nil
}

// release gives the process up: to the next board, or to its end.
func (p *process) release() {
	if _, err := p.ask("off", none{}); err != nil {
		return
	}
	select {
	case spare <- p:
	default:
		p.end()
	}
}

func (p *process) kill() { _ = p.cmd.Process.Kill() }

func (p *process) end() {
	p.kill()
	_ = p.in.Close()
	_ = p.cmd.Wait()
}
