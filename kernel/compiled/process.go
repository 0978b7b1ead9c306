package compiled

import (
	"context"
	"encoding/gob"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"sync"

	"github.com/tunelab/tunelab/kernel/engine"
)

// Program is a compiled cell that ran, and whose functions can be called.
type Program struct {
	cell  engine.Cell
	names []string
	cmd   *exec.Cmd
	ended chan bool
	err   error // why it ended

	mu      sync.Mutex // one call at a time
	calls   *gob.Encoder
	answers *gob.Decoder
	pipes   []*os.File
}

// Run compiles a cell and runs it; what it prints goes to the files. A program with
// functions to call is still there when Run returns, and stub declares them.
func Run(ctx context.Context, c engine.Cell, known func(name string) (path string, ok bool), stdout, stderr *os.File) (p *Program, stub string, notes []string, err error) {
	s, err := generate(c, known)
	if err != nil {
		return nil, "", nil, err
	}
	dir, err := os.MkdirTemp("", "tunelab-cell-*")
	if err != nil {
		return nil, "", nil, fmt.Errorf("a folder for the compiled cell: %w", err)
	}
	defer os.RemoveAll(dir)
	bin, err := build(ctx, s, dir)
	if err != nil || s.out != "" {
		return nil, "", nil, err
	}
	p = &Program{cell: c, cmd: exec.CommandContext(ctx, bin), ended: make(chan bool)}
	if len(s.functions) > 0 {
		p.cmd = exec.Command(bin) // it outlives the cell
	}
	p.cmd.Stdout, p.cmd.Stderr = stdout, stderr
	if len(s.functions) == 0 {
		if err := p.cmd.Run(); err != nil {
			return nil, "", nil, p.failed(ctx, err)
		}
		return nil, "", s.notes, nil
	}
	for _, f := range s.functions {
		p.names = append(p.names, f.name)
	}
	if err := p.start(ctx); err != nil {
		return nil, "", nil, err
	}
	return p, s.stub(), s.notes, nil
}

var position = regexp.MustCompile(`(In\[\d+\]):(\d+)(?::(\d+))?: (.*)`)

// build compiles in the working folder, so that its module counts.
func build(ctx context.Context, s *source, dir string) (string, error) {
	main, serve, bin := filepath.Join(dir, "main.go"), filepath.Join(dir, "serve.go"), filepath.Join(dir, "cell")
	if s.out != "" {
		bin = s.out
		if err := os.MkdirAll(filepath.Dir(bin), 0o755); err != nil {
			return "", fmt.Errorf("write the program: %w", err)
		}
	}
	for file, text := range map[string]string{main: s.program, serve: s.server} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			return "", fmt.Errorf("write the compiled cell: %w", err)
		}
	}
	cmd := exec.CommandContext(ctx, "go", "build", "-o", bin, main, serve) // in the working folder: its module gives versions
	out, err := cmd.CombinedOutput()
	switch {
	case err == nil:
		return bin, nil
	case ctx.Err() != nil:
		return "", &engine.Error{Kind: engine.Interrupted, Message: "the cell was interrupted while it was compiled"}
	case errors.Is(err, exec.ErrNotFound):
		return "", &engine.Error{Kind: engine.Failed, Message: "%%go needs the go command on the PATH (https://go.dev/dl/); what a cell without %%go holds is interpreted"}
	}
	var messages []string
	e := &engine.Error{Kind: engine.CompileError}
	for l := range strings.Lines(string(out)) {
		l = strings.TrimRight(l, "\n")
		m := position.FindStringSubmatch(l)
		switch {
		case m != nil && e.File == "":
			e.File, e.Message = m[1], m[4]
			e.Line, _ = strconv.Atoi(m[2])
			e.Col, _ = strconv.Atoi(m[3])
		case m != nil:
			messages = append(messages, m[0])
		case !strings.HasPrefix(l, "# "):
			messages = append(messages, strings.ReplaceAll(l, dir+string(filepath.Separator), ""))
		}
	}
	if e.Message != "" {
		messages = append([]string{e.Message}, messages...)
	}
	e.Message = strings.Join(messages, "\n")
	if strings.Contains(e.Message, "no required module provides package") || strings.Contains(e.Message, "is not in std") {
		e.Message += "\n(%require PATH@VERSION adds a module to the notebook's go.mod)"
	}
	return "", e
}

// start runs the program until it waits for calls.
func (p *Program) start(ctx context.Context) error {
	var pipes [2][2]*os.File
	for i := range pipes {
		r, w, err := os.Pipe()
		if err != nil {
			return fmt.Errorf("pipes of the compiled cell: %w", err)
		}
		pipes[i] = [2]*os.File{r, w}
	}
	p.cmd.ExtraFiles = []*os.File{pipes[0][0], pipes[1][1]}
	p.calls, p.answers = gob.NewEncoder(pipes[0][1]), gob.NewDecoder(pipes[1][0])
	p.pipes = []*os.File{pipes[0][1], pipes[1][0]}
	err := p.cmd.Start()
	pipes[0][0].Close()
	pipes[1][1].Close()
	if err != nil {
		return fmt.Errorf("start the compiled cell: %w", err)
	}
	go func() {
		p.err = p.cmd.Wait()
		close(p.ended)
	}()
	stop := context.AfterFunc(ctx, func() { p.cmd.Process.Kill() })
	defer stop()
	var ready string
	if err := p.answers.Decode(&ready); err != nil {
		<-p.ended
		return p.failed(ctx, p.err)
	}
	return nil
}

func (p *Program) failed(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return &engine.Error{Kind: engine.Interrupted, Message: "the compiled cell was interrupted and has ended"}
	}
	why := "exit status 0"
	if err != nil {
		why = err.Error()
	}
	return &engine.Error{Kind: engine.Failed, Message: fmt.Sprintf("the compiled cell %s ended: %s", p.cell.File(), why)}
}

// Names are the functions that can be called.
func (p *Program) Names() []string { return p.names }

// Call calls one of them: results are pointers.
func (p *Program) Call(ctx context.Context, name string, args, results []any) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	in := shape("A", args, false).Elem()
	for i, x := range args {
		in.Field(i).Set(reflect.ValueOf(x))
	}
	stop := context.AfterFunc(ctx, func() { p.cmd.Process.Kill() })
	defer stop()
	gone := func() error {
		select {
		case <-p.ended:
		case <-ctx.Done():
		}
		e := p.failed(ctx, p.err).(*engine.Error)
		e.Message += fmt.Sprintf("; %s can be called again when that cell has run again", name)
		return e
	}
	if p.calls.Encode(name) != nil || p.calls.EncodeValue(in) != nil {
		return gone()
	}
	var failed string
	if p.answers.Decode(&failed) != nil {
		return gone()
	}
	if failed != "" {
		return &engine.Error{Kind: engine.Panic, Message: fmt.Sprintf("%s of %s: %s", name, p.cell.File(), strings.TrimPrefix(failed, "panic: "))}
	}
	out := shape("R", results, true)
	if err := p.answers.DecodeValue(out); err != nil {
		return fmt.Errorf("the results of %s: %w", name, err)
	}
	for i, r := range results {
		v := out.Elem().Field(i)
		if e, ok := r.(*error); ok {
			if text := v.String(); text != "" {
				*e = errors.New(text)
			}
			continue
		}
		reflect.ValueOf(r).Elem().Set(v)
	}
	return nil
}

// shape is a pointer to a struct with a field for each value.
func shape(prefix string, values []any, pointers bool) reflect.Value {
	var fs []reflect.StructField
	for i, v := range values {
		t := reflect.TypeOf(v)
		if pointers {
			t = t.Elem()
		}
		if t == reflect.TypeFor[error]() {
			t = reflect.TypeFor[string]()
		}
		fs = append(fs, reflect.StructField{Name: prefix + strconv.Itoa(i), Type: t})
	}
	fs = append(fs, reflect.StructField{Name: "Last", Type: reflect.TypeFor[bool]()})
	return reflect.New(reflect.StructOf(fs))
}

// Close ends the program.
func (p *Program) Close() {
	for _, f := range p.pipes {
		f.Close()
	}
	p.cmd.Process.Kill()
	<-p.ended
}
