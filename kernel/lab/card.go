package lab

import (
	"fmt"
	"html"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/tunelab/tunelab/framework/run"
	"github.com/tunelab/tunelab/kernel/display"
	"github.com/tunelab/tunelab/tracking"
)

// card shows how a study goes, in place, and folds into a line when it ends.
type card struct {
	mu      sync.Mutex
	name    string
	start   time.Time
	handle  *display.Handle // nil: not shown yet, or no notebook
	dirty   bool
	stopped bool
	quit    chan bool
	ended   sync.WaitGroup

	done, total int
	what        string // run under way
	id          string
	phase       string
	step, steps int64
	begun       time.Time // of the phase
	loss        []float64
	lossName    string
	estimate    int64 // bytes
	peak        int64 // bytes, of the processes of all runs
	lines       []string
	finished    int
	failed      bool // some run did not finish
}

// refresh is how often the card is drawn.
const refresh = 250 * time.Millisecond

func newCard(name string) *card {
	c := &card{name: name, start: time.Now(), quit: make(chan bool), dirty: true}
	if !display.Connected() {
		return c
	}
	c.handle = display.Show(display.HTML(c.html(false)))
	c.ended.Go(func() {
		t := time.NewTicker(refresh)
		defer t.Stop()
		for {
			select {
			case <-t.C:
				m := childrenMemory()
				c.mu.Lock()
				c.peak = max(c.peak, m)
				c.mu.Unlock()
				c.handle.Update(display.MakeData3(display.MIMETypeHTML, c.line(), c.html(false)))
			case <-c.quit:
				return
			}
		}
	})
	return c
}

// close draws it for the last time.
func (c *card) close() {
	close(c.quit)
	c.ended.Wait()
	if c.handle != nil {
		c.handle.Update(display.MakeData3(display.MIMETypeHTML, c.line(), c.html(true)))
	}
}

func (c *card) planned(done, total int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.done, c.total = done, total
}

func (c *card) note(text string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.lines = append(c.lines, "warning: "+text)
}

func (c *card) watch(u run.Update) {
	c.mu.Lock()
	defer c.mu.Unlock()
	name := u.Label
	if u.Stage != "" {
		name += " (" + u.Stage + ")"
	}
	name += fmt.Sprintf(" on %s, seed %d", u.Task, u.Seed)
	if u.RunID != c.id {
		c.id, c.what, c.loss, c.lossName, c.estimate, c.step, c.steps, c.phase = u.RunID, name, nil, "", 0, 0, 0, ""
	}
	switch {
	case u.Status != "":
		line := fmt.Sprintf("%s: %s", name, u.Status)
		if u.Reason == "reused" {
			line += " before, taken as it is"
		} else if u.Reason != "" {
			reason, _, _ := strings.Cut(u.Reason, "\n")
			line += ": " + reason
		}
		if u.Score != nil {
			line += fmt.Sprintf(", %s %.4g", u.Score.Metric, u.Score.Value)
		}
		c.lines = append(c.lines, line)
		if u.Status == tracking.Finished {
			c.finished++
		} else {
			c.failed = c.failed || u.Status != tracking.Stopped
		}
	case u.Phase != "":
		if u.Phase != c.phase {
			c.phase, c.begun = u.Phase, time.Now()
		}
		c.step, c.steps = u.Step, u.Total
	case u.Estimate != nil:
		c.estimate = u.Estimate.MemoryBytes
	case u.Metric == "train/loss" || u.Metric == "objective/scores":
		if c.lossName != u.Metric {
			c.loss, c.lossName = nil, u.Metric
		}
		c.loss = append(c.loss, u.Value)
	}
}

// line is the card in plain text.
func (c *card) line() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.stopped {
		return fmt.Sprintf("study %s: stopped at run %d of %d after %s", c.name, c.done+1, c.total, short(time.Since(c.start)))
	}
	return fmt.Sprintf("study %s: %s, %s", c.name, c.at(), short(time.Since(c.start)))
}

// at is where the study is.
func (c *card) at() string {
	if c.total == 0 {
		return "starting"
	}
	return fmt.Sprintf("run %d of %d", min(c.done+1, c.total), c.total)
}

// left is the time that the study still needs, from the runs that ended; "" unknown.
func (c *card) left() string {
	if c.done == 0 || c.total == 0 {
		return ""
	}
	spent := time.Since(c.start)
	return "about " + short(time.Duration(float64(spent)*float64(c.total-c.done)/float64(c.done))) + " left"
}

// phaseLeft is the time that the phase under way still needs.
func (c *card) phaseLeft() string {
	spent := time.Since(c.begun)
	if c.step <= 0 || c.steps <= c.step || spent < time.Second {
		return ""
	}
	return ", " + short(time.Duration(float64(spent)*float64(c.steps-c.step)/float64(c.step))) + " left"
}

func short(d time.Duration) string {
	if d < 10*time.Second {
		return fmt.Sprintf("%.1f s", d.Seconds())
	}
	if d < time.Minute {
		return fmt.Sprintf("%d s", int(d.Seconds()))
	}
	return fmt.Sprintf("%d min %d s", int(d.Minutes()), int(d.Seconds())%60)
}

func (c *card) html(ended bool) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var b strings.Builder
	if ended {
		what, open := fmt.Sprintf("%d runs", c.finished), ""
		if c.finished == 1 {
			what = "1 run"
		}
		if c.failed {
			open = " open"
		}
		if c.stopped {
			what = fmt.Sprintf("stopped after %s of %d", what, c.total)
		}
		fmt.Fprintf(&b, `<details`+open+`><summary>Study <b>%s</b>: %s in %s%s</summary><ul style="margin:.3em 0;font-size:.9em">`, html.EscapeString(c.name), what, short(time.Since(c.start)), memory(", %s at most", c.peak))
		for _, l := range c.lines {
			fmt.Fprintf(&b, "<li>%s</li>", html.EscapeString(l))
		}
		b.WriteString("</ul></details>")
		return b.String()
	}
	b.WriteString(`<div style="border:1px solid #bbb;border-radius:6px;padding:.6em .9em;max-width:44em;display:flex;gap:1.2em;align-items:center;font-size:.92em"><div style="flex:1">`)
	fmt.Fprintf(&b, `<div><b>%s</b> &middot; %s</div>`, html.EscapeString(c.name), c.at())
	bar(&b, float64(c.done), float64(c.total))
	fmt.Fprintf(&b, `<div>%s</div>`, html.EscapeString(c.what))
	if c.phase != "" {
		fmt.Fprintf(&b, `<div style="opacity:.75">%s`, html.EscapeString(c.phase))
		if c.steps > 0 {
			fmt.Fprintf(&b, " %d / %d%s", c.step, c.steps, c.phaseLeft())
		}
		b.WriteString("</div>")
		bar(&b, float64(c.step), float64(c.steps))
	}
	parts := []string{short(time.Since(c.start)) + " so far"}
	if l := c.left(); l != "" {
		parts = append(parts, l)
	}
	if m := memory("%s in use at most", c.peak); m != "" {
		parts = append(parts, m)
	}
	if m := memory("%s estimated", c.estimate); m != "" {
		parts = append(parts, m)
	}
	fmt.Fprintf(&b, `<div style="opacity:.75">%s</div></div>`, strings.Join(parts, " &middot; "))
	if len(c.loss) > 1 {
		spark(&b, c.lossName, c.loss)
	}
	b.WriteString("</div>")
	return b.String()
}

func memory(format string, bytes int64) string {
	if bytes == 0 {
		return ""
	}
	return fmt.Sprintf(format, fmt.Sprintf("%d MiB", bytes>>20))
}

func bar(b *strings.Builder, done, total float64) {
	share := 0.0
	if total > 0 {
		share = min(1, done/total)
	}
	fmt.Fprintf(b, `<div style="height:5px;background:#ddd;border-radius:3px;margin:.25em 0"><div style="height:5px;width:%.1f%%;background:#0072b2;border-radius:3px"></div></div>`, 100*share)
}

// spark draws a curve of at most 120 points.
func spark(b *strings.Builder, name string, values []float64) {
	const w, h, most = 180, 64, 120
	every := (len(values) + most - 1) / most
	var points []float64
	for i := 0; i < len(values); i += every {
		points = append(points, values[i])
	}
	low, high := slices.Min(points), slices.Max(points)
	if high == low {
		high = low + 1
	}
	var line strings.Builder
	for i, v := range points {
		fmt.Fprintf(&line, "%.1f,%.1f ", 2+float64(i)*(w-4)/float64(max(1, len(points)-1)), 2+(high-v)*(h-4)/(high-low))
	}
	fmt.Fprintf(b, `<div style="text-align:center"><svg width="%d" height="%d" viewBox="0 0 %d %d"><polyline fill="none" stroke="#d55e00" stroke-width="1.5" points="%s"/></svg><div style="opacity:.75;font-size:.85em">%s %.4g</div></div>`,
		w, h, w, h, strings.TrimSpace(line.String()), html.EscapeString(name), values[len(values)-1])
}
