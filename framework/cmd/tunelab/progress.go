package main

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
	"golang.org/x/term"

	"github.com/tunelab/tunelab/framework/run"
	"github.com/tunelab/tunelab/tracking"
)

// progress shows how runs go: two live bars on a terminal, else a line for
// each run that ends and one every ten seconds in between.
type progress struct {
	out   io.Writer
	start time.Time

	mu     sync.Mutex
	live   *mpb.Progress // nil: not a terminal
	all    *mpb.Bar      // runs of the study
	one    *mpb.Bar      // steps of the run under way
	what   string        // run and phase under way
	done   int
	total  int
	begun  time.Time // of the run under way
	id     string
	silent time.Time // when a line was last written
}

const lineEvery = 10 * time.Second

func newProgress(out io.Writer) *progress {
	p := &progress{out: out, start: time.Now(), silent: time.Now()}
	if isTerminal(out) {
		p.live = mpb.New(mpb.WithOutput(out), mpb.WithWidth(32), mpb.WithRefreshRate(150*time.Millisecond))
		p.one = p.live.New(0, mpb.BarStyle().Lbound("").Rbound(""),
			mpb.PrependDecorators(decor.Any(func(decor.Statistics) string { return p.title() }, decor.WC{W: 46, C: decor.DindentRight})),
			mpb.AppendDecorators(decor.Any(func(s decor.Statistics) string { return p.left(s) })))
		p.all = p.live.New(0, mpb.BarStyle().Lbound("").Rbound(""),
			mpb.PrependDecorators(decor.Any(func(decor.Statistics) string { return p.count() }, decor.WC{W: 46, C: decor.DindentRight})),
			mpb.AppendDecorators(decor.Any(func(decor.Statistics) string { return p.remaining() })))
	}
	return p
}

func (p *progress) title() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return oneLine(p.what, 45)
}

func (p *progress) count() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return fmt.Sprintf("run %d of %d", min(p.done+1, max(p.total, 1)), max(p.total, 1))
}

// left is the time left of the phase under way.
func (p *progress) left(s decor.Statistics) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	spent := time.Since(p.begun)
	if s.Current <= 0 || s.Total <= 0 || spent < 2*time.Second {
		return ""
	}
	rest := time.Duration(float64(spent) * float64(s.Total-s.Current) / float64(s.Current))
	return fmt.Sprintf(" %d/%d, %s left", s.Current, s.Total, duration(rest))
}

// remaining extrapolates from the runs that are done.
func (p *progress) remaining() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.eta()
}

func (p *progress) eta() string {
	spent := time.Since(p.start)
	if p.done == 0 || p.total == 0 {
		return fmt.Sprintf(" %s so far", duration(spent))
	}
	rest := time.Duration(float64(spent) * float64(p.total-p.done) / float64(p.done))
	return fmt.Sprintf(" %s so far, about %s left", duration(spent), duration(rest))
}

// planned is told before each run of a study.
func (p *progress) planned(done, total int) {
	p.mu.Lock()
	p.done, p.total = done, total
	p.mu.Unlock()
	if p.all != nil {
		p.all.SetTotal(int64(total), false)
		p.all.SetCurrent(int64(done))
	}
}

// watch is told of every update of a run.
func (p *progress) watch(u run.Update) {
	name := u.Label
	if u.Stage != "" {
		name += " (" + u.Stage + ")"
	}
	if u.Task != "" {
		name += " on " + u.Task
	}
	name += fmt.Sprintf(", seed %d", u.Seed)
	p.mu.Lock()
	if u.RunID != p.id || (u.Phase != "" && u.Step <= 1) {
		p.begun, p.id = time.Now(), u.RunID
	}
	if u.Phase != "" {
		p.what = name + ": " + u.Phase
	}
	p.mu.Unlock()
	if p.one != nil && u.Phase != "" {
		p.one.SetTotal(max(u.Total, 1), false)
		p.one.SetCurrent(u.Step)
	}
	switch {
	case u.Status != "":
		p.line(p.ended(name, u))
	case u.Estimate != nil && p.alone():
		e := u.Estimate
		line := fmt.Sprintf("%s: estimate: %d of %d parameters train, %d steps, %.2g FLOPs, %d MiB", name, e.TrainableParams, e.TotalParams, e.Steps, e.FLOPs, e.MemoryBytes>>20)
		if e.Seconds > 0 {
			line += fmt.Sprintf(", %.3g s of training", e.Seconds)
		}
		p.line(line)
	case u.Log != "":
		p.line(name + ": " + oneLine(u.Log, 200))
	case u.Phase != "" && p.live == nil:
		p.mu.Lock()
		due := time.Since(p.silent) > lineEvery
		p.mu.Unlock()
		if due {
			p.line(fmt.Sprintf("%s: %s %d/%d;%s", name, u.Phase, u.Step, u.Total, p.remaining()))
		}
	}
}

// alone tells whether one run is made, and not a study.
func (p *progress) alone() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.total == 0
}

func (p *progress) ended(name string, u run.Update) string {
	p.mu.Lock()
	at := ""
	if p.total > 1 {
		at = fmt.Sprintf("[%d/%d] ", p.done+1, p.total)
	}
	p.mu.Unlock()
	s := fmt.Sprintf("%s%s: %s", at, name, u.Status)
	if u.Status == tracking.Finished && u.Reason == "reused" {
		return s + " before; its result is used again"
	}
	if u.Reason != "" {
		s += ": " + oneLine(u.Reason, 300)
	}
	if u.Score != nil {
		s += fmt.Sprintf(", %s %.4g", u.Score.Metric, u.Score.Value)
	}
	return s
}

// line writes above the bars.
func (p *progress) line(s string) {
	p.mu.Lock()
	p.silent = time.Now()
	p.mu.Unlock()
	if p.live != nil {
		_, _ = fmt.Fprintln(p.live, s)
		return
	}
	fmt.Fprintln(p.out, s)
}

// close removes the bars.
func (p *progress) close() {
	if p.live == nil {
		return
	}
	p.one.Abort(true)
	p.all.Abort(true)
	p.live.Wait()
}

// isTerminal tells whether a person reads what is written there.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}
