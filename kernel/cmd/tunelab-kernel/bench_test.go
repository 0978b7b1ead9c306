package main

import (
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/tunelab/tunelab/kernel/client"
)

// BenchmarkCompiled measures, through a client, the first cell and the first one that uses lab, and a tight
// numeric loop of ten million rounds, interpreted and in a %%go cell. What every cell
// costs stands in measure_test.go.
func BenchmarkCompiled(b *testing.B) {
	program, err := os.Executable()
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		c, err := client.Start(b.Context(), []string{program}, os.Stderr)
		if err != nil {
			b.Fatal(err)
		}
		took := func(name, code string) {
			start := time.Now()
			if r, err := c.Execute(b.Context(), code, func(client.Output) {}); err != nil || r.Status != "ok" {
				b.Fatal(code, r, err)
			}
			b.ReportMetric(float64(time.Since(start).Microseconds())/1000, name+"-ms")
		}
		took("first", "1+1")
		took("lab", "study := lab.Study()")
		loop := "func %s(n int) (s float64) {\n\tfor i := range n {\n\t\ts += float64(i%%7) * 1.5\n\t}\n\treturn s\n}"
		took("compile", "%%go\n"+fmt.Sprintf(loop, "Fast"))
		took("declare", fmt.Sprintf(loop, "slow"))
		took("compiled-loop", "Fast(10_000_000)")
		took("interpreted-loop", "slow(10_000_000)")
		if err := c.Close(); err != nil {
			b.Error(err)
		}
	}
}
