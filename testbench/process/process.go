// Package process runs the programs of Chekomat as they are deployed, one
// operating system process each, and starts again what dies, as systemd would.
package process

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"
)

// Spec says what to run.
type Spec struct {
	Name  string
	Path  string
	Args  []string
	Lives []string     // a variable for the first start, the second one and so on: kill points to die at
	Log   string       // file that takes stderr, and stdout after it was handed to Line
	Line  func(string) // each line of stdout; the first says that the program is ready
	Stdin bool         // keep a pipe for Tell
}

// Process is a program kept running.
type Process struct {
	spec  Spec
	log   *os.File
	ready chan struct{} // closed at the first line ever
	first sync.Once
	done  chan struct{}

	mu      sync.Mutex
	cmd     *exec.Cmd
	stdin   io.WriteCloser
	stopped bool
	starts  int
	last    error
}

// restartDelay is how long a dead program stays dead.
const restartDelay = 150 * time.Millisecond

// Start runs the program and keeps it running until Stop.
func Start(spec Spec) (*Process, error) {
	log, err := os.OpenFile(spec.Log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, fmt.Errorf("process %s: open its log: %w", spec.Name, err)
	}
	p := &Process{spec: spec, log: log, ready: make(chan struct{}), done: make(chan struct{})}
	wait, err := p.launch()
	if err != nil {
		return nil, errors.Join(err, log.Close())
	}
	go p.keep(wait)
	return p, nil
}

func (p *Process) launch() (wait func() error, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stopped {
		return nil, errors.New("stopped")
	}
	cmd := exec.Command(p.spec.Path, p.spec.Args...)
	cmd.Env = os.Environ()
	if p.starts < len(p.spec.Lives) {
		cmd.Env = append(cmd.Env, p.spec.Lives[p.starts])
	}
	cmd.Stderr = p.log
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true} // Ctrl-C is for us; we stop them in order
	out, err := cmd.StdoutPipe()
	if err == nil && p.spec.Stdin {
		p.stdin, err = cmd.StdinPipe()
	}
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		return nil, fmt.Errorf("process %s: start %s: %w", p.spec.Name, p.spec.Path, err)
	}
	p.cmd = cmd
	p.starts++
	read := make(chan struct{})
	go func() {
		defer close(read)
		p.read(out)
	}()
	return func() error { <-read; return cmd.Wait() }, nil
}

func (p *Process) read(out io.Reader) {
	sc := bufio.NewScanner(out)
	sc.Buffer(nil, 1<<20)
	for sc.Scan() {
		if p.spec.Line != nil {
			p.spec.Line(sc.Text())
		}
		p.first.Do(func() { close(p.ready) })
	}
}

func (p *Process) keep(wait func() error) {
	defer close(p.done)
	for {
		err := wait()
		p.mu.Lock()
		p.last = err
		stopped := p.stopped
		p.mu.Unlock()
		if stopped {
			return
		}
		time.Sleep(restartDelay)
		if wait, err = p.launch(); err != nil {
			return
		}
	}
}

// Ready waits for the program's first line.
func (p *Process) Ready(ctx context.Context) error {
	select {
	case <-p.ready:
		return nil
	case <-p.done:
		return fmt.Errorf("process %s ended: %w; see %s", p.spec.Name, p.last, p.spec.Log)
	case <-ctx.Done():
		return fmt.Errorf("process %s is not ready: %w; see %s", p.spec.Name, ctx.Err(), p.spec.Log)
	}
}

// Tell writes a line to the program's standard input.
func (p *Process) Tell(line string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	_, err := io.WriteString(p.stdin, line+"\n")
	return err
}

// Kill ends the program at once, as a power cut would; it is started again.
func (p *Process) Kill() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cmd != nil {
		_ = p.cmd.Process.Kill()
	}
}

// End ends the program at once and for good, as a computer does that breaks.
func (p *Process) End() {
	p.mu.Lock()
	p.stopped = true
	_ = p.cmd.Process.Kill()
	p.mu.Unlock()
	<-p.done
	p.log.Close()
}

// Suspend stops the program where it stands, as the pause of a virtual machine
// does; it goes on at Resume.
func (p *Process) Suspend() error { return p.signal(syscall.SIGSTOP) }

// Resume lets a suspended program go on.
func (p *Process) Resume() error { return p.signal(syscall.SIGCONT) }

func (p *Process) signal(s syscall.Signal) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.cmd.Process.Signal(s); err != nil {
		return fmt.Errorf("process %s: %s: %w", p.spec.Name, s, err)
	}
	return nil
}

// Starts is how often the program was started.
func (p *Process) Starts() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.starts
}

// PID of the running program.
func (p *Process) PID() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.cmd.Process.Pid
}

// Stop asks the program to end, and ends it after patience.
func (p *Process) Stop(patience time.Duration) {
	p.mu.Lock()
	p.stopped = true
	cmd := p.cmd
	p.mu.Unlock()
	_ = cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.done:
	case <-time.After(patience):
		_ = cmd.Process.Kill()
		<-p.done
	}
	p.log.Close()
}
