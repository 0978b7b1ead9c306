package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tunelab/tunelab/kernel/client"
)

// These measure what docs/kernel.md reports, on the program as it is built and through
// the protocol, as Jupyter has it: make bench-kernel.

func program(b *testing.B) string {
	b.Helper()
	p := filepath.Join(b.TempDir(), "tunelab-kernel")
	if out, err := exec.Command("go", "build", "-o", p, ".").CombinedOutput(); err != nil {
		b.Fatalf("%v\n%s", err, out)
	}
	return p
}

func session(b *testing.B, program string) *client.Client {
	b.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	c, err := client.Start(ctx, []string{program}, os.Stderr)
	if err != nil {
		b.Fatal(err)
	}
	return c
}

// cell runs one and gives its result's text and how long it took to be answered.
func cell(b *testing.B, c *client.Client, code string) (string, time.Duration) {
	b.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	text := ""
	began := time.Now()
	r, err := c.Execute(ctx, code, func(o client.Output) {
		var v struct {
			Data map[string]any
		}
		if json.Unmarshal(o.Content, &v) == nil && o.Type == "execute_result" {
			text, _ = v.Data["text/plain"].(string)
		}
	})
	took := time.Since(began)
	if err != nil || r.Status != "ok" {
		b.Fatalf("%s: %+v %v", code, r, err)
	}
	return text, took
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

func median(d []time.Duration) float64 {
	slices.Sort(d)
	return ms(d[len(d)/2])
}

// BenchmarkReady is from the start of the program to the first cell's answer.
func BenchmarkReady(b *testing.B) {
	p := program(b)
	var took []time.Duration
	for b.Loop() {
		began := time.Now()
		c := session(b, p)
		cell(b, c, "1+1")
		took = append(took, time.Since(began))
		c.Close()
	}
	b.ReportMetric(median(took), "ms-median")
	b.ReportMetric(0, "ns/op")
}

// BenchmarkSession is 300 cells: every second one is 1+1, which is measured, the others
// define variables, functions and types that later ones use.
func BenchmarkSession(b *testing.B) {
	p := program(b)
	for b.Loop() {
		c := session(b, p)
		cell(b, c, "x0 := 0")
		var first, last []time.Duration
		for n := 1; n <= 300; n++ {
			code := "1+1"
			switch n % 6 {
			case 1:
				code = fmt.Sprintf("x%d := x%d + 1", n, max(0, n-6))
			case 3:
				code = fmt.Sprintf("func f%d(v int) int { return v + x%d }\nf%d(1)", n, n-2, n)
			case 5:
				code = fmt.Sprintf("type T%d struct{ A, B int }\nfunc (t T%d) Sum() int { return t.A + f%d(t.B) }\nT%d{1, 2}.Sum()", n, n, n-2, n)
			}
			_, took := cell(b, c, code)
			switch {
			case code != "1+1":
			case n <= 50:
				first = append(first, took)
			case n > 250:
				last = append(last, took)
			}
		}
		b.ReportMetric(median(first), "ms-cells-1-50")
		b.ReportMetric(median(last), "ms-cells-251-300")
		worker, _ := cell(b, c, "os.Getpid()")
		front, _ := cell(b, c, "os.Getppid()")
		b.ReportMetric(resident(b, worker), "MB-worker")
		b.ReportMetric(resident(b, front), "MB-front-end")
		c.Close()
	}
	b.ReportMetric(0, "ns/op")
}

// resident is a process's memory in MB, where /proc tells it.
func resident(b *testing.B, pid string) float64 {
	raw, err := os.ReadFile("/proc/" + pid + "/status")
	if err != nil {
		b.Skip("no /proc here: ", err)
	}
	_, rest, _ := strings.Cut(string(raw), "VmRSS:")
	kb, err := strconv.ParseFloat(strings.Fields(rest)[0], 64)
	if err != nil {
		b.Fatal(err)
	}
	return kb * 1024 / 1e6
}

// BenchmarkInterrupt is from an interrupt to the cell's answer.
func BenchmarkInterrupt(b *testing.B) {
	p := program(b)
	for name, code := range map[string]string{"loop": "for {\n}", "blocked": "r, _, _ := os.Pipe()\nr.Read(make([]byte, 1))"} {
		b.Run(name, func(b *testing.B) {
			c := session(b, p)
			defer c.Close()
			cell(b, c, "1+1")
			ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
			defer cancel()
			var took []time.Duration
			for b.Loop() {
				done := make(chan client.Reply, 1)
				go func() {
					r, _ := c.Execute(ctx, code, func(client.Output) {})
					done <- r
				}()
				time.Sleep(300 * time.Millisecond)
				began := time.Now()
				if err := c.Interrupt(ctx); err != nil {
					b.Fatal(err)
				}
				if r := <-done; r.Name != "interrupted" {
					b.Fatalf("%+v", r)
				}
				took = append(took, time.Since(began))
			}
			b.ReportMetric(median(took), "ms-median")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// BenchmarkLoop is one turn of an interpreted loop of integers, in the fastest of its cells:
// other programs on the machine only make it slower.
func BenchmarkLoop(b *testing.B) {
	const turns = 3_000_000
	c := session(b, program(b))
	defer c.Close()
	var took []time.Duration
	for b.Loop() {
		_, d := cell(b, c, fmt.Sprintf("sum := 0\nfor i := 0; i < %d; i++ {\n\tsum += i * i %% 7\n}\nsum", turns))
		took = append(took, d/turns)
	}
	b.ReportMetric(float64(slices.Min(took)), "ns-turn-fastest")
	b.ReportMetric(0, "ns/op")
}
