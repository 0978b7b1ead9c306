package ixgo

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"

	"github.com/tunelab/tunelab/kernel/engine"
)

// stdin is os.Stdin for cells: each read that finds nothing asks the person at the
// notebook for a line. The worker's own descriptor 0 is empty.
type stdin struct {
	host engine.Host
	mu   sync.Mutex
	line []byte
}

func (s *stdin) Read(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.line) == 0 {
		text, err := s.host.Input("", false)
		if errors.Is(err, context.Canceled) {
			panic(stop{errInterrupted})
		}
		if err != nil {
			return 0, err
		}
		s.line = []byte(text + "\n")
	}
	n := copy(p, s.line)
	s.line = s.line[n:]
	return n, nil
}

// functions are those of the library that are given os.Stdin or read it themselves. Its
// value stays a file, whose Read is that of the file when compiled code calls it.
func (s *stdin) functions() map[string]any {
	or := func(r io.Reader) io.Reader {
		if f, ok := r.(*os.File); ok && f == os.Stdin {
			return s
		}
		return r
	}
	return map[string]any{
		"fmt.Scan":         func(a ...any) (int, error) { return fmt.Fscan(s, a...) },
		"fmt.Scanln":       func(a ...any) (int, error) { return fmt.Fscanln(s, a...) },
		"fmt.Scanf":        func(format string, a ...any) (int, error) { return fmt.Fscanf(s, format, a...) },
		"fmt.Fscan":        func(r io.Reader, a ...any) (int, error) { return fmt.Fscan(or(r), a...) },
		"fmt.Fscanln":      func(r io.Reader, a ...any) (int, error) { return fmt.Fscanln(or(r), a...) },
		"fmt.Fscanf":       func(r io.Reader, format string, a ...any) (int, error) { return fmt.Fscanf(or(r), format, a...) },
		"bufio.NewReader":  func(r io.Reader) *bufio.Reader { return bufio.NewReader(or(r)) },
		"bufio.NewScanner": func(r io.Reader) *bufio.Scanner { return bufio.NewScanner(or(r)) },
		"(*os.File).Read": func(f *os.File, p []byte) (int, error) {
			if f == os.Stdin {
				return s.Read(p)
			}
			return f.Read(p)
		},
	}
}
