package main

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"syscall"
	"time"

	"github.com/tunelab/tunelab/framework/plugin/sdk"
)

// faults are the values of the parameter fault, and what each does at its step.
var faults = map[string]func(*fault) error{
	"": func(*fault) error { return nil },
	"busy": func(*fault) error {
		for {
		}
	},
	"child-busy":   func(*fault) error { return exec.Command(os.Args[0], "busy").Start() },
	"child-memory": func(*fault) error { return exec.Command(os.Args[0], "memory").Run() },
	"error":        func(*fault) error { return sdk.Fail("params.at", "it was reached", "set it above steps") },
	"estimate":     func(*fault) error { return nil }, // needs more memory than there is
	"exit":         func(*fault) error { fmt.Fprintln(os.Stderr, "giving up"); os.Exit(4); return nil },
	"files":        openMany,
	"flood":        flood,
	"fork":         forkAndExit,
	"helper":       func(f *fault) error { _, err := f.child(); return err }, // a child that outlives the run
	"hang":         func(*fault) error { return signal(syscall.SIGSTOP) },
	"hour":         hour,
	"huge":         func(f *fault) error { f.out.Log("info", string(make([]byte, 20<<20))); return nil },
	"ignore-stop":  func(*fault) error { select {} },
	"kill":         func(*fault) error { return signal(syscall.SIGKILL) },
	"linger":       func(*fault) error { return nil }, // takes its time, see linger
	"memory":       hoard,
	"missing":      func(*fault) error { return nil }, // leaves an item unanswered
	"nan": func(f *fault) error {
		f.out.Metric("odd/nan", int64(f.at), math.NaN())
		f.out.Metric("odd/inf", int64(f.at), math.Inf(1))
		f.out.Metric("odd/negative", int64(f.at), math.Inf(-1))
		return nil
	},
	"panic":    func(*fault) error { panic("the sum is odd") },
	"panic-go": func(*fault) error { go func() { panic("the sum is odd") }(); select {} },
	"reserve":  reserve,
	"seedless": func(*fault) error { return nil }, // its numbers do not follow from the seed
}

// beChild is what the binary does in place of serving when its argument is a
// fault's name: a child of a plugin, which goes on until it is ended.
func beChild(args []string) {
	if len(args) == 2 && (args[1] == "busy" || args[1] == "memory") {
		_ = faults[args[1]](nil)
		os.Exit(1)
	}
}

func faultNames() []string { return slices.Sorted(maps.Keys(faults)) }

type fault struct {
	kind     string
	at       int
	in       *sdk.Input
	out      *sdk.Output
	lifeline *os.File
}

func (f *fault) strike(step int) error {
	if step != f.at {
		return nil
	}
	return faults[f.kind](f)
}

// seed is the run's; a seedless one differs from process to process.
func (f *fault) seed() int64 {
	if f.kind == "seedless" {
		return int64(os.Getpid())
	}
	return f.in.Spec.Seed
}

// signal sends this process a signal and goes no further, even where other
// threads run on for a moment before it takes effect.
func signal(s syscall.Signal) error {
	if err := syscall.Kill(os.Getpid(), s); err != nil {
		return err
	}
	select {}
}

func flood(f *fault) error {
	for i := range f.in.Params.Int("events") {
		f.out.Metric("flood", int64(i), float64(i)/3)
	}
	return nil
}

// hoard takes 16 MiB more every few milliseconds, until it is ended.
func hoard(*fault) error {
	var kept [][]byte
	for {
		b := make([]byte, 16<<20)
		for i := 0; i < len(b); i += 4096 {
			b[i] = 1
		}
		kept = append(kept, b)
		if len(kept) > 64 {
			time.Sleep(10 * time.Second)
			return errors.New("nobody ended it at 1 GiB")
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// reserve takes address space that it never touches, 1 GiB at a time.
func reserve(*fault) error {
	var kept [][]byte
	for range 1024 {
		kept = append(kept, make([]byte, 1<<30))
	}
	runtime.KeepAlive(kept)
	return errors.New("nobody refused it 1 TiB")
}

// openMany opens files until it is refused one.
func openMany(*fault) error {
	for range 1 << 16 {
		f, err := os.Open(os.DevNull)
		if err != nil {
			return err
		}
		defer f.Close()
	}
	return errors.New("nobody refused it 65536 files")
}

// child starts a process that would live for long and holds the plugin's stdout,
// stderr and lifeline.
func (f *fault) child() (*exec.Cmd, error) {
	cmd := exec.Command("sleep", "1000")
	cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
	if f.lifeline != nil {
		cmd.ExtraFiles = []*os.File{f.lifeline}
	}
	return cmd, cmd.Start()
}

func forkAndExit(f *fault) error {
	if _, err := f.child(); err != nil {
		return err
	}
	os.Exit(0)
	return nil
}

// lifeline opens the FIFO of that name in the work folder, if there is one:
// its reader sees the end of it when this process and its children are gone.
func lifeline(workDir string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(workDir, "lifeline"), os.O_WRONLY, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return f, err
}
